"""`wanderbuch store`: look at an agent's store, move it, bring public files elsewhere, take over from a closed centre.

Exit codes: 0 well, 1 something is wrong with the store, 2 a mistake of the user or of a configuration.
"""

import importlib
import json
import os
import tomllib
from collections.abc import Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import SecretStr, ValidationError
from rich.console import Console
from rich.table import Table

from wanderbuch.agents.cli.terminal_text import counted
from wanderbuch.errors import ConfigurationError

if TYPE_CHECKING:
    from wanderbuch.agents.cli.store.checking import ProfileCheck
    from wanderbuch.agents.runtime.config import AgentConfig
    from wanderbuch.plugins.webvh.public_copies import CopyReport

EXIT_NO: Final = 1
_MAX_PASSWORD_BYTES: Final = 64 * 1024
_LAST_SECOND: Final = int(datetime.max.replace(tzinfo=UTC).timestamp())  # an issuer may write a later one

app = typer.Typer(help="Look at an agent's store, move it, hand public files over.", no_args_is_help=True)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The agent's TOML file.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("check")
def check_store(
    config: ConfigOption,
    mend: Annotated[bool, typer.Option("--mend", help="Have the whole index read anew at the next start.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read every entry and key, and compare the records with the index."""
    from wanderbuch.agents.cli.store.checking import check

    profile_checks = _run(check(load_agent(config), mend=mend))
    if as_json:
        well = all(profile_check.is_well for profile_check in profile_checks)
        print(json.dumps({"well": well, "tenants": [asdict(profile_check) for profile_check in profile_checks]}))  # noqa: T201
    else:
        _show(profile_checks, is_mended=mend)
    if not all(profile_check.is_well for profile_check in profile_checks):
        raise typer.Exit(0 if mend and not any(profile_check.unread for profile_check in profile_checks) else EXIT_NO)


@app.command("move")
def move_store(
    config: ConfigOption,
    to: Annotated[str, typer.Option("--to", help="postgresql://user@host:5432/database, or a data folder.")],
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="Of the target; else WANDERBUCH_STORE_PASSWORD.")
    ] = None,
    ca_file: Annotated[Path | None, typer.Option("--ca-file", help=r"As \[store] ca_file.")] = None,
    unsafe_unencrypted: Annotated[
        bool, typer.Option("--unsafe-unencrypted", help=r"As \[store] unsafe_unencrypted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the store of an agent that is stopped to another place, and compare the two."""
    from wanderbuch.agents.cli.disk_errors import disk_errors
    from wanderbuch.agents.cli.store.moving import move

    source = load_agent(config)
    target = _target(source, to, password_file, {"ca_file": ca_file, "unsafe_unencrypted": unsafe_unencrypted})
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    with disk_errors("the move did not come to its end", "then run it again; the old store is as it was"):
        moved = _run(move(source, target, lambda text: console.print(text)))
    if as_json:
        print(json.dumps(asdict(moved)))  # noqa: T201
        return
    console.print(
        f"{counted(moved.entries, 'entry', 'entries')} and {counted(moved.keys, 'key')} in"
        f" {counted(moved.profiles, 'profile')}, and {counted(moved.rows, 'row')}, are"
        f" copied and the same in both places."
    )
    console.print(f"{_next_step(target)} Never run the agent on both: keep the old store as a backup or remove it.")


@app.command("publish")
def publish_store(
    config: ConfigOption,
    source: Annotated[Path, typer.Option("--from", help="The public folder.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Bring a public folder into the object store of the configuration, with the numbers of its files."""
    from wanderbuch.agents.cli.store.publishing import publish_folder

    brought = _run(publish_folder(load_agent(config), source))
    if as_json:
        print(json.dumps(asdict(brought)))  # noqa: T201
        return
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    console.print(f"{counted(brought.put, 'file')} put; {brought.kept} there already, or newer.")
    if brought.left_out:
        console.print(f"{counted(brought.left_out, 'file')} left out: not ours.")


DidOption = Annotated[str, typer.Option("--did", help="The did:webvh DID of the issuer.", show_default=False)]


@app.command("hand-over")
def hand_over_files(
    did: DidOption,
    to: Annotated[Path, typer.Option("--to", help="A folder for the copy.", show_default=False)],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="The public folder of its host; else the site itself, while it answers."),
    ] = None,
    ca_file: Annotated[Path | None, typer.Option("--ca-file", help="Certificate authorities to trust.")] = None,
    connect: Annotated[list[str] | None, typer.Option("--connect", help=r"As \[network] connect.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy an issuer's public files for whoever serves them when it closes; each is checked."""
    from wanderbuch.agents.cli.store.taking_over import hand_over
    from wanderbuch.governance.facts.identifiers import WebvhDid
    from wanderbuch.plugins.http.addresses import ConnectionMap
    from wanderbuch.plugins.http.edge import HttpEdgeConfig

    edge = HttpEdgeConfig(connect=ConnectionMap.parse(connect or ()), ca_file=ca_file)
    _tell_copy(_run(hand_over(WebvhDid.parse(did), source, to, edge=edge)), as_json=as_json)


@app.command("take-over")
def take_over_files(
    config: ConfigOption,
    did: DidOption,
    name: Annotated[str, typer.Option("--name", help="What people called the centre.", show_default=False)],
    ask: Annotated[str, typer.Option("--ask", help="The https address of whom to ask now.", show_default=False)],
    source: Annotated[
        Path | None, typer.Option("--from", help="The folder that was handed over; else the site itself.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the public files of an issuer that has closed, so that its certificates go on counting; each is checked."""
    from wanderbuch.agents.cli.store.taking_over import Closing, take_over_host
    from wanderbuch.governance.facts.identifiers import WebvhDid
    from wanderbuch.store.records import utc_now

    agent, parsed = load_agent(config), WebvhDid.parse(did)
    _tell_copy(_run(take_over_host(agent, parsed, source, Closing(name, ask), on=utc_now().date())), as_json=as_json)


@app.command("hand-over-rows")
def hand_over_open_rows(
    config: ConfigOption,
    to: Annotated[Path, typer.Option("--to", help="A folder for the files.", show_default=False)],
    tenant: Annotated[str, typer.Option("--tenant", help="The issuer's tenant.")] = "default",
    batch: Annotated[
        list[str] | None,
        typer.Option("--batch", help="Id of a batch; once for each. By default all that are not over."),
    ] = None,
    rows_here: Annotated[
        Path | None,
        typer.Option("--rows-here", help="Where another issuer is named now: what the former one says that it has."),
    ] = None,
    it_has_none: Annotated[
        bool, typer.Option("--it-has-none", help="Or: you answer for it that the former one has taken over no row.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """End batches of an issuer whose agent is stopped, and write their open rows for the successor that is named."""
    from wanderbuch.agents.cli.disk_errors import disk_errors
    from wanderbuch.agents.cli.governance.keys import read_file
    from wanderbuch.agents.cli.store.open_rows import Anew, hand_over_rows, plan_hand_over
    from wanderbuch.agents.issuer.succession.rows_here import MAX_ROWS_HERE_BYTES

    if rows_here is not None and it_has_none:
        raise ConfigurationError("--rows-here and --it-has-none exclude each other: give one of them")
    agent, console = load_agent(config), Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    plan = _run(plan_hand_over(agent, tenant, batch or ()))
    for line in plan.lines():
        console.print(line)
    if plan.moved and rows_here is None and not it_has_none:
        raise ConfigurationError(
            f"{plan.moved[0].batch} was handed over to another issuer, which the authority names no more",
            hint="give what that one says that it has (--rows-here), or --it-has-none; --batch names others alone",
        )
    for line in plan.word() if it_has_none else ():
        console.print(line)
    if plan.batches and not yes and not typer.confirm("These batches end here for good. Go on?", err=True):
        raise typer.Exit(EXIT_NO)
    rows_file = None if rows_here is None else read_file(rows_here, max_bytes=MAX_ROWS_HERE_BYTES)
    anew = Anew(rows_file) if rows_file is not None or it_has_none else None
    with disk_errors("not every file was written", "then run it again: it gives the same rows"):
        handed = _run(hand_over_rows(agent, tenant, plan, to, anew=anew))
    if as_json:
        print(json.dumps({"successor": plan.successor, "batches": [asdict(one) for one in handed]}))  # noqa: T201
        return
    for done in handed:
        console.print(
            f"{done.batch}: {counted(done.rows, 'row')} for {done.successor} in {', '.join(done.files) or 'no file'}"
        )
    console.print("Give the files to that successor in any way: nobody else can read them, and each row goes on once.")


@app.command("issued-since")
def find_issued_since(
    config: ConfigOption,
    log: Annotated[
        list[Path],
        typer.Option("--log", help="The agent's log of after the backup, or events; each.", show_default=False),
    ],
    tenant: Annotated[str, typer.Option("--tenant", help="The issuer's tenant.")] = "default",
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Let nobody claim these rows, or get these numbers.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """After a restore: find rows of batches that brought a certificate after the backup, by the agent's log."""
    from wanderbuch.agents.cli.store import issued_since
    from wanderbuch.visible_text import visible

    agent, console = load_agent(config), Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    since = _run(issued_since.issued_since(agent, tenant, log))
    for row in since.rows:
        console.print(f"{row.batch}  row {row.row}  {visible(row.title)}: offer {', '.join(row.offers)} was issued")
        if row.handed_to is not None:
            console.print(
                f"  The row was handed over to {row.handed_to}: tell them that this person has a certificate."
            )
    rows, others = counted(len(since.rows), "row"), counted(len(since.others), "other offer")
    console.print(f"{rows} had brought a certificate, and {others}.")
    if since.numbers:
        console.print(f"{len(since.numbers)} of their certificate numbers could be given to somebody else.")
    if since.others:
        console.print(
            "The other offers were made at the counter, by another tenant or in a batch that is not in the store. A row"
            " that got many new slips or offers after the backup may be among them: if you have no other explanation"
            " for one, pause your batches and ask whoever comes whether they have their certificate already."
        )
    if leave_out and (since.rows or since.numbers):
        if not yes and not typer.confirm(
            "After that nobody can claim these rows, or get these numbers. Go on?", err=True
        ):
            raise typer.Exit(EXIT_NO)
        _run(issued_since.leave_out(agent, tenant, since))
    if as_json:
        print(json.dumps({**asdict(since), "left_out": leave_out}))  # noqa: T201


@app.command("close-places")
def close_free_places(
    config: ConfigOption,
    tenant: Annotated[str, typer.Option("--tenant", help="The issuer's tenant.")] = "default",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Revoke every free place in the registries of an issuer that closes, so that nobody issues from them any more."""
    from wanderbuch.agents.cli.store.closing_places import close_free

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    if not yes and not typer.confirm("Nothing is issued from these registries any more, for good. Go on?", err=True):
        raise typer.Exit(EXIT_NO)
    closed = _run(close_free(load_agent(config), tenant))
    if as_json:
        print(json.dumps([asdict(one) for one in closed]))  # noqa: T201
        return
    for one in closed:
        console.print(f"{counted(one.places, 'place')} revoked in {one.registry}")
    console.print("Now hand the public files over: wanderbuch store hand-over. What was issued stays as it is.")


def _tell_copy(report: "CopyReport", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(report)))  # noqa: T201
        return
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    newest = datetime.fromtimestamp(min(report.newest_list, _LAST_SECOND), UTC).isoformat()
    console.print(f"{counted(report.files, 'file')}, {counted(report.size, 'byte')}; every signature and digest holds.")
    console.print("Compare with what the issuer says, and with your register:")
    console.print(f"  newest entry of the log: {report.version_id}")
    registries = counted(report.registries, "registry", "registries")
    console.print(f"  {registries}, {counted(report.status_lists, 'status list')}, the newest of {newest}")
    for definition in report.definitions:
        console.print(f"  definition {definition}")
    for address in report.elsewhere:
        console.print(f"Needed too, and served by another: {address}")


def load_agent(path: Path) -> "AgentConfig":
    """Read the configuration of an agent of whichever role."""
    from wanderbuch.agents.runtime.config import ROLES, load_config

    try:
        named = tomllib.loads(path.read_text(encoding="utf-8")).get("role")
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        named = ROLES[0]  # `load_config` says what is wrong
    if named not in ROLES:
        raise ConfigurationError(f'{path}: expected role = "{"|".join(ROLES)}", found {named!r}')
    role = importlib.import_module(f"wanderbuch.agents.{named}.role").ROLE
    return load_config(path, os.environ, role=role)


def _target(source: "AgentConfig", to: str, password_file: Path | None, further: dict[str, object]) -> "AgentConfig":
    """Return the agent's configuration with the store at another place."""
    from wanderbuch.agents.cli.governance.keys import read_secret_file
    from wanderbuch.agents.runtime.config_secrets import STORE_PASSWORD_VARIABLE
    from wanderbuch.agents.runtime.config_tables import StoreConfig

    if "://" not in to:
        folder = Path(to).absolute()
        return source.model_copy(update={"store": StoreConfig(), "store_password": None, "data": folder})
    try:
        store = StoreConfig(url=to, **{name: value for name, value in further.items() if value})
    except ValidationError as err:
        told = "; ".join(error["msg"].removeprefix("Value error, ") for error in err.errors(include_input=False))
        raise ConfigurationError(f"--to: {told}") from err
    password = os.environ.get(STORE_PASSWORD_VARIABLE, "").strip()
    if password_file is not None:
        password = read_secret_file(password_file, "store password", max_bytes=_MAX_PASSWORD_BYTES).decode().strip()
    if not password:
        raise ConfigurationError("no password for --to", hint=f"set {STORE_PASSWORD_VARIABLE}, or --password-file")
    return source.model_copy(update={"store": store, "store_password": SecretStr(password)})


def _run[T](work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; a signal ends it as an error does."""
    from wanderbuch.agents.machine.interrupting import run_to_the_end

    return run_to_the_end(work)


def _next_step(target: "AgentConfig") -> str:
    if target.store.is_shared:
        return f'Now put url = "{target.store.address}" into [store], and start the agent.'
    return f'Now remove [store] from the configuration, set data = "{target.data}", and start the agent.'


def _show(profile_checks: "list[ProfileCheck]", *, is_mended: bool) -> None:
    table = Table("Tenant", "Entries", "Keys", "Listed", "Missing", "Superfluous", "", box=None, pad_edge=False)
    for check in profile_checks:
        numbers = (str(number) for number in (check.entries, check.keys, check.rows, check.missing, check.superfluous))
        verdict = check.unread or ("well" if check.is_well else "not well")
        table.add_row(check.tenant, *numbers, verdict)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(table)
    if any(profile_check.unread for profile_check in profile_checks):
        console.print("An entry cannot be read: restore the store from a backup.")
    elif any(profile_check.missing for profile_check in profile_checks):
        console.print(
            "The index is read anew at the next start."
            if is_mended
            else "Records are missing in the index: stop the agent and run this with --mend."
        )
