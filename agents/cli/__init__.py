"""The command `wanderbuch`.

Each group of commands lives in a module of its own, which is imported only when it is asked for, so that `--help` is
quick. Exit codes: 0 done, 1 no (a check that failed; each command says when), 2 a mistake of the user or of a
configuration, told in one line, 70 a fault of ours, 75 the wallet store failed (start again when its disk is well).
"""

import importlib
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Final

import typer

from wanderbuch.agents.runtime.exits import EXIT_MISTAKE, show_error
from wanderbuch.agents.runtime.privacy import keep_private
from wanderbuch.errors import ConfigurationError, WanderbuchError

_COMPLETION: Final = "_WANDERBUCH_COMPLETE"  # a shell sets it when it wants to know how a line may go on
# Name of a group -> its module, and the line that `wanderbuch --help` shows.
_GROUPS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("demo", "Start real agents on this machine and walk the main job."),
    "authority": ("run", "Run an authority: it says whose credentials count."),
    "issuer": ("run", "Run an issuer: it offers, signs and revokes credentials."),
    "holder": ("run", "Run a holder: it keeps, consents and presents."),
    "verifier": ("run", "Run a verifier: it asks, checks and decides."),
    "mediator": ("run", "Run a mediator: it keeps messages for wallets without an address."),
    "wallet_host": ("run", "Run a host of the wallet in the page: its files, and encrypted backups of wallets."),
    "tenant": ("tenant", "Make, list, suspend, resume and remove the tenants of an agent that runs."),
    "webhook": ("webhook", "Make, list, pause, resume and remove the webhooks of an agent that runs."),
    "didcomm": ("didcomm", "Write to others in DIDComm v2: invite, ping, ask; replace the keys for it."),
    "governance": ("governance", "Make, check, sign, publish and ask governance files."),
    "case": ("case", "Decide a kept case again, without a network."),
    "receipt": ("receipt", "Check the receipt of a decision."),
    "witness": ("witness", "Approve changes of an authority's DID as one of its witnesses."),
    "store": ("store", "Look at an agent's store, move it, bring its public files to an object store."),
    "schemas": ("schemas", "Show what can be claimed: credential types, frameworks, code lists."),
}

# Name of a command that stands alone -> its module, whose `command` it is, and its line.
_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "backup": ("backup.taking", "Write an agent's store and public files to one file, also while it runs."),
    "restore": ("backup.restoring", "Put a backup in place of a store that is lost, and take up what is newer."),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; never returns."""
    keep_private()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given.count("-") > 1:
            raise ConfigurationError("standard input was named more than once", hint="name it once, with -")
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
        epilog="Wherever a file is read, - is standard input, but for an agent's own configuration.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_about)
    words = arguments or _words_to_complete()
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, (module, line) in _GROUPS.items():
        app.add_typer(_load(module, name) if name == asked else _stub(), name=name, help=line)
    for name, (module, line) in _COMMANDS.items():
        command = importlib.import_module(f"wanderbuch.agents.cli.{module}").command if name == asked else _nothing
        app.command(name, help=line)(command)
    return app


def _load(module: str, name: str) -> typer.Typer:
    loaded = importlib.import_module(f"wanderbuch.agents.cli.{module}")
    app = loaded.role_app(name) if module == "run" else loaded.app
    if not isinstance(app, typer.Typer):
        raise TypeError(f"{module}.app is not a typer.Typer")
    return app


def _stub() -> typer.Typer:
    """Return a group that only stands in the list."""
    app = typer.Typer()
    app.callback()(_nothing)
    return app


def _words_to_complete() -> list[str]:
    """Return what stands on the line that a shell wants completed, without the program's name; else nothing."""
    if _COMPLETION not in os.environ:
        return []
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    return line.split()[1:]


def _show_version(asked: bool) -> None:
    if asked:
        ours, acapy = version("wanderbuch"), version("acapy-agent")
        typer.echo(f"wanderbuch {ours} (acapy-agent {acapy}, Python {platform.python_version()})")
        raise typer.Exit


def _about(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    pass


def _nothing() -> None:
    pass
