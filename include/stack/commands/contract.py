"""The commands `contract check`, `show`, `diff` and `apply`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from include.contract import documents, reading, reasons, tables
from include.contract.changing import changes, in_effect
from include.contract.errors import ContractError
from include.contract.model import USUAL, Contract, Field
from include.settings import Settings
from include.stack import tables as printed
from include.stack.commands.terminal import Json, err, out, servers, wait_for
from include.stack.errors import StackError
from include.stack.machine import lock
from include.stack.steps import Steps

app = typer.Typer(no_args_is_help=True, help="The contract: what a log is, as one file declares it.")

File = Annotated[
    Path | None,
    typer.Argument(help="The file; by default that of `up --contract`, LOGSIEVE_CONTRACT or the one that ships."),
]


@app.command()
def check(file: File = None, as_json: Json = False) -> None:
    """Checks the file; names the line of each mistake, and what to do. Exits with 1 if there is any."""
    from include.source import making  # numpy takes 0.1 s, too long for every command
    from include.stack.fetch import judge_jar

    path = file or in_effect.declared(Settings())
    try:
        contract = reading.load(path)
    except ContractError as error:
        if as_json:
            out.print_json(json.dumps({"file": str(path), "problems": [vars(each) for each in error.problems]}))
            raise typer.Exit(1) from None
        raise
    judge_jar.check_own_rules(contract)
    ungenerated = making.why_not(contract)
    if as_json:
        found = {"file": str(path), "problems": [], "sha256": documents.digest(contract)}
        out.print_json(json.dumps(found | {"generated": str(ungenerated) if ungenerated else "yes"}))
        return
    out.print(f"ok: {summary(contract)}", highlight=False)
    if ungenerated:
        out.print(f"But there will be no generated logs. {ungenerated}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def show(file: File = None, as_json: Json = False) -> None:
    """Shows the fields with their types, limits and columns, and all reasons."""
    contract = reading.load(file or in_effect.declared(Settings()))
    if as_json:
        found = documents.to_document(contract) | {
            "sha256": documents.digest(contract),
            "reasons": {"bad": reasons.of_bad_logs(contract), "suspicious": reasons.of_suspicious_logs(contract)},
        }
        out.print_json(json.dumps(found))
        return
    table = printed.new("field", "type", "limits", "column", "reasons")
    for field in contract.fields:
        own = (reason.removesuffix(f"_{field.name}") for reason in reasons.of_field(field))
        cells = _named(field), _type(field), limits(field), tables.column_type(field), ", ".join(own)
        table.add_row(*map(escape, cells))
    out.print(table)
    out.print(f"A reason ends in its field: missing_{contract.names[0]}.", highlight=False)
    for rule in contract.rules:
        out.print(f"{rule.name}: {reasons.of_rule(rule)}", highlight=False, markup=False)
    for reason, meaning in reasons.of_suspicious_logs(contract).items():
        out.print(f"{reason}: {meaning}", highlight=False, markup=False)
    out.print(f"{summary(contract)}. SHA-256 {documents.digest(contract)[:12]}", highlight=False)


@app.command()
def diff(file: File = None, as_json: Json = False) -> None:
    """Shows what `apply` would change: for logs, tables and index. Changes nothing."""
    from include.stack.repair import contracts  # the clients take half a second, too long for every command

    path = file or in_effect.declared(Settings())
    declared, before = reading.load(path), contracts.now(servers())
    found = changes.differences(before, declared)
    if as_json:
        shown = [vars(each) for each in found]
        out.print_json(json.dumps({"file": str(path), "in_effect": before.version, "differences": shown}))
        return
    _show(path, before, found)


@app.command()
def apply(
    file: File = None,
    accept: Annotated[bool, typer.Option("--accept", help="Also if values are not kept any more.")] = False,
    as_json: Json = False,
) -> None:
    """Lets the file take effect while the stream runs. Each verdict says the version that it was judged by."""
    from include.stack.repair import contracts

    path, env = file or in_effect.declared(Settings()), servers()
    declared = reading.load(path)

    with lock.held(env.state / "lock", "contract apply", wait_for):
        before = contracts.now(env)
        found = changes.differences(before, declared)
        if not as_json:
            _show(path, before, found)
        _check(found, accept)
        with Steps(err) as steps, steps.step("Apply the contract") as on_step:
            running = contracts.driver(env)
            after = contracts.apply(env, before, declared, on_step)
            then = "the next driver judges by it"
            if running is not None and after is not before:
                on_step(f"Wait for the driver that judges by version {after.version}")
                begun = contracts.wait_for_another_driver(env, running)
                then = "the stream judges by it" if begun else "no driver has begun yet: ./logsieve status says why"
    lifted = contracts.lifted(env, found)
    if as_json:
        shown = [vars(each) for each in found]
        out.print_json(json.dumps({"in_effect": after.version, "differences": shown, "replay": lifted}))
        return
    out.print(f"Version {after.version} is in effect; {then}.", highlight=False)
    for reason, count in lifted.items():
        which = "many" if count is None else f"{count:,}"
        out.print(f"Bad for {reason}, which is lifted: {which}. ./logsieve replay --reason {reason}", highlight=False)


def _show(path: Path, before: Contract, found: list[changes.Difference]) -> None:
    if not found:
        out.print(f"{path.name} is what is in effect: version {before.version}.", highlight=False)
        return
    table = printed.new("", "where", "what", "effect", title=f"{path.name}, against version {before.version}")
    for each in found:
        table.add_row(*map(escape, (each.kind, each.name, each.what, each.effect)))
    out.print(table)


def _check(found: list[changes.Difference], accept: bool) -> None:
    """Raises StackError if a difference is refused, or not accepted."""
    if refused := [each for each in found if each.kind == "refused"]:
        names = ", ".join(each.name for each in refused)
        raise StackError(f"Nothing was changed: {names} cannot change so.", f"{refused[0].effect}.")
    if (lost := [each.name for each in found if each.loses]) and not accept:
        raise StackError(
            f"Nothing was changed: values of {', '.join(lost)} would not be kept any more.",
            "If that is meant: ./logsieve contract apply --accept",
        )


def summary(contract: Contract) -> str:
    """The numbers of fields, rules and reasons, and the dimension."""
    dimension = contract.dimension
    compared = [each.field for each in dimension.attributes] if dimension else []
    looked_up = f"{dimension.key} looked up for {', '.join(compared)}" if dimension else "no dimension"
    bad, suspicious = len(reasons.of_bad_logs(contract)), len(reasons.of_suspicious_logs(contract))
    rules = f", {count} rule{'s' if count > 1 else ''}" if (count := len(contract.rules)) else ""
    return f"{len(contract.fields)} fields{rules}, {looked_up}, {bad} + {suspicious} reasons"


def limits(field: Field) -> str:
    """What a value of the field may be, in words."""
    words = [] if field.required else ["optional"]
    words += ["or null"] if field.null else []
    if field.type == "text":
        words.append(f"{field.least} to {field.most} characters")
    elif (field.least, field.most) != USUAL[field.form]:
        words.append(f"{field.least} to {field.most}")
    words += [f"one of {', '.join(map(str, field.one_of))}"] if field.one_of else []
    words += [f"like {field.pattern}"] if field.pattern is not None else []
    return ", ".join(words)


def _named(field: Field) -> str:
    path = ".".join(field.path)
    return field.name if path == field.name else f"{field.name} ({path})"


def _type(field: Field) -> str:
    return f"{field.type}, {field.unit}" if field.unit else field.type
