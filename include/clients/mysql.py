"""Where MySQL is: at a Unix socket of this machine, else at a host and port."""

from dataclasses import dataclass
from typing import Any

from include.settings import Settings


@dataclass(frozen=True)
class Address:
    """Where MySQL is. `socket`: path of its Unix socket, or empty; `ca`: file that its certificate is verified with."""

    host: str
    port: int
    socket: str = ""
    ca: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Address":
        """The address that the settings name."""
        ca = str(settings.mysql_ca or "")
        return cls(settings.mysql_host, settings.mysql_port, settings.mysql_socket, ca)

    @property
    def options(self) -> dict[str, Any]:
        """The options of mysql.connector.connect that name the server. A socket has no TLS: nobody can listen in."""
        if self.socket:
            return {"unix_socket": self.socket}
        checked = {"ssl_ca": self.ca, "ssl_verify_cert": True, "ssl_verify_identity": True} if self.ca else {}
        return {"host": self.host, "port": self.port, **checked}
