"""Changes the contract of a chaos run: another optional field, which no log has, so every status stays known.

The first try is killed at a random time; what it has begun, the next one completes.
"""

import json
import os
import random
import subprocess
from contextlib import suppress
from dataclasses import replace

from include.contract import documents, reading
from include.contract.model import Field
from include.settings import ROOT
from include.stack.environment import Environment

LONGEST_FIRST_TRY = 6.0
"""Seconds after which the first try is killed at the latest."""
SECONDS = 240


def change(env: Environment) -> bool:
    """Applies the next contract; returns whether it is in effect. It is not while a server is down."""
    contract = reading.of(env.settings)
    known = {each.field.name for each in contract.stored}
    name = next(name for name in (f"chaos_{number}" for number in range(len(known) + 1)) if name not in known)
    field = Field(name, (name,), "text", None, ("string",), False, True, 1, 20)
    declared = replace(contract, fields=(*contract.fields, field), version=1, later=())
    file = env.state / "chaos-contract.json"
    file.write_text(json.dumps(documents.to_document(declared)), encoding="utf-8")
    with suppress(subprocess.TimeoutExpired):  # which kills it
        _apply(env, random.uniform(0, LONGEST_FIRST_TRY))  # noqa: S311
    return _apply(env, SECONDS) == 0


def _apply(env: Environment, seconds: float) -> int:
    command = [str(ROOT / "logsieve"), "contract", "apply", str(env.state / "chaos-contract.json"), "--json"]
    variables = {**os.environ, "LOGSIEVE_STATE": str(env.state), "LOGSIEVE_PARTS": str(env.settings.parts)}
    done = subprocess.run(command, env=variables, timeout=seconds, stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode
