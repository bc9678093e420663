"""The embedded Elasticsearch's users: one per program, with the least rights, as the files of its file realm."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from include.names import INDEX

RIGHTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "logsieve_airflow": {
        "cluster": ["monitor", "manage_index_templates"],
        "indices": [{"names": [f"{INDEX}*"], "privileges": ["all"]}],
    },
    "logsieve_indexer": {  # it may have to create the index again
        "cluster": ["manage_index_templates"],
        "indices": [{"names": [INDEX], "privileges": ["manage", "read", "write"]}],
    },
    "logsieve_reader": {"indices": [{"names": [INDEX], "privileges": ["read", "view_index_metadata"]}]},
}
"""The rights of each user beside logsieve_admin, who has all."""

_ADMIN: Final = "logsieve_admin"
_ITERATIONS: Final = 1000
"""Few, because the passwords are random: nobody can guess them."""


def files(passwords: Mapping[str, str]) -> dict[str, str]:
    """The files' texts by name. `passwords`: by name (`elasticsearch_admin` and so on)."""
    roles = {_ADMIN: "superuser", **dict.fromkeys(RIGHTS)}
    users = {user: passwords[f"elasticsearch_{user.removeprefix('logsieve_')}"] for user in roles}
    return {
        "roles.yml": "".join(map(_role, RIGHTS)),
        "users": "".join(f"{user}:{_hash(password)}\n" for user, password in users.items()),
        "users_roles": "".join(f"{role or user}:{user}\n" for user, role in roles.items()),
    }


def _role(name: str) -> str:
    # The server looks for the lines that begin a role, so only the values are JSON.
    return "".join([f"{name}:\n", *(f"  {key}: {json.dumps(value)}\n" for key, value in RIGHTS[name].items())])


def _hash(password: str) -> str:
    """The password's hash as org.elasticsearch.xpack.core.security.authc.support.Hasher writes it (PBKDF2)."""
    salt = secrets.token_bytes(32)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, 32)
    return f"{{PBKDF2}}{_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"
