"""Names, addresses and folders of the node."""

from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

NODE: Final = "node1"
BRIDGE: Final = "logsieve0"
PODS: Final = "10.244.0.0/24"
NETWORK: Final = "logsieve-test"
"""Name of the pods' network."""
ADDRESS: Final = "10.244.0.1"
"""Of the node, the gateway of its pods, DNS and the API server."""
FIRST_POD: Final = "10.244.0.10"
SERVICES: Final = "10.96.0.0/16"
API: Final = f"https://{ADDRESS}:6443"
PAUSE: Final = "logsieve-test/pause:1"
ETC: Final = Path(__file__).with_name("etc")


@dataclass(frozen=True)
class Layout:
    """The folders of one node. `sockets` has a short path; ports are free ones of this machine."""

    run: Path
    sockets: Path
    ports: dict[str, int]

    @property
    def logs(self) -> Path:
        return self.run / "log"

    def kubeconfig(self, name: str) -> Path:
        return self.run / "kubeconfig" / name

    def write_configs(self) -> None:
        """Fills in the files of the folder etc."""
        for folder in ("etc", "cni", "log"):
            (self.run / folder).mkdir()
        values = {
            "run": self.run, "sockets": self.sockets, "address": ADDRESS, "pods": PODS, "first": FIRST_POD,
            "bridge": BRIDGE, "network": NETWORK, "node": NODE, "pause": PAUSE, **self.ports,
        }  # fmt: skip
        for file in ETC.iterdir():
            folder = self.run / ("cni" if file.suffix == ".conflist" else "etc")
            (folder / file.name).write_text(Template(file.read_text()).substitute(values))
