"""The command `wanderbuch`.

Each group of commands lives in a module of its own, which is imported only when it is asked for, so that `--help` is
quick. Exit codes: 0 done, 1 no (a check that failed; each command says when), 2 a mistake of the user or of a
configuration, told in one line, 70 a fault of ours, 75 the wallet store failed (start again when its disk is well).
"""

import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import typer
from rich.console import Console

from wanderbuch.agents.runtime.privacy import keep_private
from wanderbuch.errors import WanderbuchError

EXIT_MISTAKE: Final = 2
EXIT_FAULT: Final = 70
EXIT_STORE_FAILED: Final = 75

# Name of a group -> its module, and the line that `wanderbuch --help` shows.
_GROUPS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("demo", "Start real agents on this machine and walk the main job."),
    "authority": ("run", "Run an authority: it says whose credentials count."),
    "issuer": ("run", "Run an issuer: it offers, signs and revokes credentials."),
    "holder": ("run", "Run a holder: it keeps, consents and presents."),
    "verifier": ("run", "Run a verifier: it asks, checks and decides."),
    "tenant": ("tenant", "Make, list, suspend, resume and remove the tenants of an agent that runs."),
    "webhook": ("webhook", "Make, list, pause, resume and remove the webhooks of an agent that runs."),
    "governance": ("governance", "Make, check, sign, publish and ask governance files."),
    "witness": ("witness", "Approve changes of an authority's DID as one of its witnesses."),
    "store": ("store", "Look at an agent's store, and move it to a PostgreSQL or back."),
    "schemas": ("schemas", "Show what can be claimed: credential types, frameworks, code lists."),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; never returns."""
    keep_private()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        command_line(given)(args=given, prog_name="wanderbuch")
    except WanderbuchError as err:
        show_error(err, as_json="--json" in given)
        sys.exit(EXIT_MISTAKE)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """Return the command line with the group that `arguments` ask for, and the names and lines of the others."""
    app = typer.Typer(
        help="Skills that cross borders: qualification credentials whose issuer counts.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_nothing)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for name, (module, line) in _GROUPS.items():
        app.add_typer(_load(module, name) if name == asked else _stub(), name=name, help=line)
    return app


def show_error(err: WanderbuchError, *, as_json: bool) -> None:
    """Print an error as one line with what to do; as JSON on standard output too, where a program reads it."""
    if as_json:
        print(json.dumps({"error": {"code": err.code, "message": err.message, "hint": err.hint}}))  # noqa: T201
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    console.print(f"wanderbuch: {err.message}{f' ({err.hint})' if err.hint else ''}")


def _load(module: str, name: str) -> typer.Typer:
    found = importlib.import_module(f"wanderbuch.agents.cli.{module}")
    app = found.role_app(name) if module == "run" else found.app
    if not isinstance(app, typer.Typer):
        raise TypeError(f"{module}.app is not a typer.Typer")
    return app


def _stub() -> typer.Typer:
    """Return a group that only stands in the list."""
    app = typer.Typer()
    app.callback()(_nothing)
    return app


def _nothing() -> None:
    pass
