"""`wanderbuch authority|issuer|holder|verifier run --config FILE`."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

from wanderbuch.agents.runtime import parent

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The agent's TOML file.", show_default=False)]
ParentOption = Annotated[bool, typer.Option(parent.OPTION, help=parent.HELP)]
JsonOption = Annotated[bool, typer.Option("--json", help="Say on standard output, as JSON, when the agent is ready.")]


def role_app(name: str) -> typer.Typer:
    """Return the commands of one role."""
    app = typer.Typer(no_args_is_help=True)
    app.callback()(_nothing)

    @app.command("run", help=f"Run the {name} until it is told to stop (SIGTERM or Ctrl-C).")
    def run(config: ConfigOption, as_json: JsonOption = False, until_stdin_ends: ParentOption = False) -> None:
        if until_stdin_ends:
            parent.end_with_stdin()
        # Imported here: ACA-Py takes a second, which `--help` need not.
        from wanderbuch.agents.runtime.process import run_process

        role = importlib.import_module(f"wanderbuch.agents.{name}.role").ROLE
        raise typer.Exit(run_process(role, config, as_json=as_json))

    return app


def _nothing() -> None:
    pass
