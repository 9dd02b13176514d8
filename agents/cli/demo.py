"""`wanderbuch demo`: the main job and its cheats, on this machine."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

import wanderbuch
from wanderbuch.agents.demo.ground import MOST_PROCESSES, Ground, StoreEngine
from wanderbuch.agents.demo.outcome import DemoResult
from wanderbuch.agents.demo.report import show_addresses, show_result
from wanderbuch.agents.demo.scenes import Play
from wanderbuch.agents.demo.stage import ROGUES, DemoError, Stage
from wanderbuch.agents.machine import AppError
from wanderbuch.agents.machine.interrupting import run_to_the_end
from wanderbuch.agents.machine.prepared import AGENTS, PreparedStart
from wanderbuch.agents.machine.temporary import TemporaryFolder
from wanderbuch.agents.runtime.exits import show_error
from wanderbuch.errors import ConfigurationError

_KEPT: Final = (
    "What each one answers stands at /openapi.json of its REST API. How to ask by it, and how the worker answers: "
    "docs/asking.md. Press Ctrl-C to stop them."
)

app = typer.Typer()


@app.callback(invoke_without_command=True)
def demo(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the agents running, and print their addresses.")] = False,
    store: Annotated[
        StoreEngine, typer.Option(help="Where the four services keep their stores; the demo starts its own PostgreSQL.")
    ] = StoreEngine.SQLITE,
    processes: Annotated[
        int, typer.Option(min=1, max=MOST_PROCESSES, help="How many processes each of the four services has.")
    ] = 1,
    image: Annotated[
        str | None,
        typer.Option(help="Run the agents that do not cheat in containers of this image (podman or docker)."),
    ] = None,
) -> None:
    """Start real agents on this machine and walk the main job, cheats included.

    Exits with 0 only if every scene ended as expected, with 1 if one did not or an agent failed. Its agents and their
    keys go when it ends, whatever ends it.
    """
    try:
        result = run_to_the_end(_play(Ground(store, processes, image), as_json=as_json, keep=keep))
    except (AppError, DemoError) as err:
        show_error(err, as_json=as_json)
        sys.exit(1)
    sys.exit(0 if result.ok else 1)


async def _play(ground: Ground, *, as_json: bool, keep: bool) -> DemoResult:
    console = Console(stderr=as_json, quiet=False)
    folder = TemporaryFolder("wanderbuch-demo")
    began = time.perf_counter()
    status = console.status("Setting up")

    def progress(text: str) -> None:
        status.update(f"[{time.perf_counter() - began:4.0f} s] {text}")
        if not console.is_terminal and not as_json:
            console.print(f"[{time.perf_counter() - began:4.0f} s] {text}", markup=False)

    keep_logs = False
    try:
        checkout = _checkout()
        prepared = PreparedStart(AGENTS, programs=ROGUES, folder=checkout)
        async with ground.server() as server, prepared as start:
            stage = Stage(checkout, folder.path, progress, ground, server, start_child=start)
            try:
                with status:
                    await stage.open()
                    scenes = await Play(stage).run()
                result = DemoResult(scenes, time.perf_counter() - began, ground.engine.value, stage.carried())
                keep_logs = not result.ok
                _show(console, result, as_json=as_json)
                if keep:
                    await stage.admit_visitors()
                    show_addresses(console, stage)
                    console.print(_KEPT)
                    await asyncio.Event().wait()
            except Exception:
                keep_logs = True
                raise
            finally:
                await stage.close()
    finally:
        if keep_logs:
            console.print(f"The agents' logs are in {folder.remove_but_logs()}", markup=False, soft_wrap=True)
        else:
            folder.remove()
    return result


def _show(console: Console, result: DemoResult, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(result.as_json(), ensure_ascii=False, indent=2) + "\n")
        sys.stdout.flush()
    else:
        show_result(console, result)


def _checkout() -> Path:
    """Return the project's folder: the one we stand in, or the one this package is linked from."""
    for folder in (Path.cwd(), Path(wanderbuch.__file__).resolve().parents[2]):
        if (folder / "compose" / "compose.yaml").exists():
            return folder
    raise ConfigurationError("the demo needs a checkout of the project", hint="run make demo there")
