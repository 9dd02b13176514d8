"""`wanderbuch store`: look at an agent's store, and move it to a PostgreSQL or back into a folder.

Exit codes: 0 well, 1 something is wrong with the store, 2 a mistake of the user or of a configuration.
"""

import importlib
import json
import os
import tomllib
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import SecretStr, ValidationError
from rich.console import Console
from rich.table import Table

from wanderbuch.errors import ConfigurationError

if TYPE_CHECKING:
    from wanderbuch.agents.cli.store.checking import Finding
    from wanderbuch.agents.runtime.config import AgentConfig

EXIT_NO: Final = 1
_ROLES: Final = ("authority", "issuer", "holder", "verifier")

app = typer.Typer(help="Look at an agent's store, and move it.", no_args_is_help=True)

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

    found = _run(check(_load(config), mend=mend))
    if as_json:
        print(json.dumps({"well": all(each.is_well for each in found), "tenants": [asdict(each) for each in found]}))  # noqa: T201
    else:
        _show(found, is_mended=mend)
    if not all(each.is_well for each in found):
        raise typer.Exit(0 if mend and not any(each.unread for each in found) else EXIT_NO)


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
    from wanderbuch.agents.cli.store.moving import move

    source = _load(config)
    target = _target(source, to, password_file, {"ca_file": ca_file, "unsafe_unencrypted": unsafe_unencrypted})
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    moved = _run(move(source, target, lambda text: console.print(text)))
    if as_json:
        print(json.dumps(asdict(moved)))  # noqa: T201
        return
    console.print(
        f"{moved.entries} entries and {moved.keys} keys in {moved.profiles} profiles, and {moved.rows} rows, are"
        f" copied and the same in both places."
    )
    console.print(f"{_next_step(target)} Never run the agent on both: keep the old store as a backup or remove it.")


def _load(path: Path) -> "AgentConfig":
    from wanderbuch.agents.runtime.config import load_config

    try:
        named = tomllib.loads(path.read_text(encoding="utf-8")).get("role")
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        named = _ROLES[0]  # `load_config` says what is wrong
    if named not in _ROLES:
        raise ConfigurationError(f'{path}: expected role = "{"|".join(_ROLES)}", found {named!r}')
    role = importlib.import_module(f"wanderbuch.agents.{named}.role").ROLE
    return load_config(path, os.environ, role=role)


def _target(source: "AgentConfig", to: str, password_file: Path | None, further: dict[str, object]) -> "AgentConfig":
    """Return the agent's configuration with the store at another place."""
    from wanderbuch.agents.runtime.config import STORE_PASSWORD_VARIABLE, StoreConfig
    from wanderbuch.agents.runtime.secret_files import read_secret

    if "://" not in to:
        folder = Path(to).absolute()
        return source.model_copy(update={"store": StoreConfig(), "store_password": None, "data": folder})
    try:
        store = StoreConfig(url=to, **{name: value for name, value in further.items() if value})
    except ValidationError as err:
        told = "; ".join(each["msg"].removeprefix("Value error, ") for each in err.errors(include_input=False))
        raise ConfigurationError(f"--to: {told}") from err
    password = os.environ.get(STORE_PASSWORD_VARIABLE, "").strip()
    if password_file is not None:
        password = read_secret(password_file, "store password").decode().strip()
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


def _show(found: "list[Finding]", *, is_mended: bool) -> None:
    table = Table("Tenant", "Entries", "Keys", "Listed", "Missing", "Superfluous", "", box=None, pad_edge=False)
    for each in found:
        numbers = (str(number) for number in (each.entries, each.keys, each.rows, each.missing, each.superfluous))
        verdict = each.unread or ("well" if each.is_well else "not well")
        table.add_row(each.tenant, *numbers, verdict)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(table)
    if any(each.unread for each in found):
        console.print("An entry cannot be read: restore the store from a backup.")
    elif any(each.missing for each in found):
        console.print(
            "The index is read anew at the next start."
            if is_mended
            else "Records are missing in the index: stop the agent and run this with --mend."
        )
