"""Which contract is in effect: its versions in MySQL, and the file in the state folder that every program here reads.

The file is a link to that of a version, which never changes: a program that has begun with one keeps it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from include.contract import documents, reading
from include.contract.changing import kept
from include.contract.model import Contract
from include.names import CONTRACTS_TABLE, LOGS_DATABASE
from include.settings import Settings

REMEDY: Final = "./logsieve contract apply completes a change, ./logsieve contract diff shows it"

_TABLE: Final = f"{LOGS_DATABASE}.{CONTRACTS_TABLE}"
_NEWEST: Final = f"SELECT document FROM {_TABLE} ORDER BY version DESC LIMIT 1"
_ADD: Final = f"INSERT IGNORE INTO {_TABLE} (version, document, applied_at) VALUES (%s, %s, UTC_TIMESTAMP(3))"


def newest(cursor: Any) -> Contract | None:
    """The contract that is in effect; None: none has been yet. Raises mysql.connector.Error."""
    cursor.execute(_NEWEST)
    row = cursor.fetchone()
    return documents.of_document(json.loads(row[0])) if row else None


def begin(cursor: Any, contract: Contract) -> None:
    """Lets the contract take effect, if none has; the caller commits. Raises mysql.connector.Error."""
    if newest(cursor) is None:
        add(cursor, contract)


def add(cursor: Any, contract: Contract) -> bool:
    """Lets this version of the contract take effect, unless there is one; returns whether it does. The caller commits.

    Raises mysql.connector.Error.
    """
    cursor.execute(_ADD, (contract.version, documents.canonical(contract)))
    return bool(cursor.rowcount)


def difference(cursor: Any, contract: Contract) -> str | None:
    """Why verdicts by this contract are not to be given now, as a sentence with its remedy; None: they are.

    Another one is in effect, or the tables cannot hold its rows. Raises mysql.connector.Error.
    """
    found = newest(cursor)
    if found is not None and found != contract:
        which = f"version {found.version}" if found.version != contract.version else "another one"
        return f"the contract of this program is version {contract.version}, and {which} is in effect: {REMEDY}"
    cursor.execute(kept.COLUMNS)
    return kept.difference(contract, cursor.fetchall())


def keep_first(settings: Settings) -> None:
    """Keeps the declared contract as the one in effect, if none is: what is edited then waits for `apply`.

    Raises ContractError and OSError.
    """
    if settings.contract_in_effect == settings.contract and settings.contract.suffix != ".json":
        file = declared(settings)
        switch(settings, write(settings, reading.load(file)))
        _replace(settings.state / "contracts" / "declared", lambda partial: partial.write_text(str(file), "utf-8"))


def declared(settings: Settings) -> Path:
    """The file that a person edits: that of LOGSIEVE_CONTRACT, else the one that the first `up` was given."""
    kept = settings.state / "contracts" / "declared"
    if "contract" in settings.model_fields_set or not kept.exists():
        return settings.contract
    return Path(kept.read_text(encoding="utf-8"))


def write(settings: Settings, contract: Contract) -> Path:
    """Writes the file of this version into the state folder, for `switch`. Raises OSError."""
    folder = settings.state / "contracts"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{contract.version}-{documents.digest(contract)[:12]}.json"
    if not file.exists():
        _replace(file, lambda partial: partial.write_text(documents.canonical(contract) + "\n", encoding="utf-8"))
    return file


def switch(settings: Settings, file: Path) -> None:
    """Programs that begin from now on read this file, and those that follow (reading.py). Raises OSError."""
    link = settings.state / "contract.json"
    _replace(link, lambda partial: partial.symlink_to(file.relative_to(link.parent)))


def _replace(target: Path, make: Callable[[Path], object]) -> None:
    partial = target.with_suffix(".part")
    partial.unlink(missing_ok=True)
    make(partial)
    if not partial.is_symlink():
        partial.chmod(0o600)  # as every file of the state
    partial.replace(target)
