"""Elasticsearch's users: one per program, with the least rights, as the files of its file realm.

Shared by the stack and the containers (containers/compose_env.py), so standard library only.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from include.names import DAY_INDICES, INDEX, ODD_INDEX

RIGHTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "logsieve_airflow": {
        "cluster": ["monitor", "manage_index_templates"],
        "indices": [{"names": [f"{INDEX}*"], "privileges": ["all"]}],
    },
    "logsieve_indexer": {  # it creates the index of each day
        "cluster": ["manage_index_templates"],
        "indices": [{"names": [INDEX, DAY_INDICES, ODD_INDEX], "privileges": ["manage", "read", "write"]}],
    },
    # Through the alias only, which hides expired documents.
    "logsieve_reader": {"indices": [{"names": [INDEX], "privileges": ["monitor", "read", "view_index_metadata"]}]},
}
"""The rights of each program's user; logsieve_admin has all."""

_ROLES: Final[Mapping[str, Sequence[str]]] = {
    "logsieve_admin": ("superuser",),
    **{user: (user,) for user in RIGHTS},
    # Kibana itself, and its own user, who may change all of Kibana; Kibana's role alone sees no index.
    "logsieve_kibana_server": ("kibana_system",),
    "logsieve_kibana": ("kibana_admin", "logsieve_reader"),
}
_ITERATIONS: Final = 1000
"""Few, because the passwords are random: nobody can guess them."""


def files(passwords: Mapping[str, str]) -> dict[str, str]:
    """The files' texts by name. `passwords`: of the users that there are, by name (`elasticsearch_admin` and so on)."""
    known = {user: passwords.get(f"elasticsearch_{user.removeprefix('logsieve_')}") for user in _ROLES}
    users = {user: password for user, password in known.items() if password is not None}
    roles = dict.fromkeys(role for user in users for role in _ROLES[user])
    who = {role: ",".join(user for user in users if role in _ROLES[user]) for role in roles}
    return {
        "roles.yml": "".join(map(_role, RIGHTS)),
        "users": "".join(f"{user}:{_hash(password)}\n" for user, password in users.items()),
        "users_roles": "".join(f"{role}:{names}\n" for role, names in who.items()),
    }


def _role(name: str) -> str:
    # The server looks for the lines that begin a role, so only the values are JSON.
    return "".join([f"{name}:\n", *(f"  {key}: {json.dumps(value)}\n" for key, value in RIGHTS[name].items())])


def _hash(password: str) -> str:
    """The password's hash as org.elasticsearch.xpack.core.security.authc.support.Hasher writes it (PBKDF2)."""
    salt = secrets.token_bytes(32)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, 32)
    return f"{{PBKDF2}}{_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"
