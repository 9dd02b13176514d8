"""`wanderbuch demo`: the main job and its cheats, on this machine."""

import asyncio
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import wanderbuch
from wanderbuch.agents.demo.outcome import DemoResult
from wanderbuch.agents.demo.report import show_addresses, show_result
from wanderbuch.agents.demo.scenes import Play
from wanderbuch.agents.demo.stage import Stage
from wanderbuch.errors import ConfigurationError

app = typer.Typer()


@app.callback(invoke_without_command=True)
def demo(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the agents running, and print their addresses.")] = False,
) -> None:
    """Start real agents on this machine and walk the main job, cheats included.

    Exits with 0 only if every scene ended as expected.
    """
    result = asyncio.run(_play(as_json=as_json, keep=keep))
    sys.exit(0 if result.ok else 1)


async def _play(*, as_json: bool, keep: bool) -> DemoResult:
    console = Console(stderr=as_json, quiet=False)
    folder = Path(tempfile.mkdtemp(prefix="wanderbuch-demo-"))
    began = time.perf_counter()
    status = console.status("Setting up")

    def progress(text: str) -> None:
        status.update(f"[{time.perf_counter() - began:4.0f} s] {text}")
        if not console.is_terminal and not as_json:
            console.print(f"[{time.perf_counter() - began:4.0f} s] {text}", markup=False)

    stage = Stage(_checkout(), folder, progress)
    failed = True
    try:
        with status:
            await stage.open()
            scenes = await Play(stage).run()
        result = DemoResult(scenes, time.perf_counter() - began)
        failed = not result.ok
        if as_json:
            sys.stdout.write(json.dumps(result.as_json(), ensure_ascii=False, indent=2) + "\n")
        else:
            show_result(console, result)
        if keep:
            show_addresses(console, stage)
            console.print("What each one answers stands at /openapi.json of its REST API. Press Ctrl-C to stop them.")
            await asyncio.Event().wait()
        return result
    finally:
        await stage.close()
        if failed:
            console.print(f"The agents' logs are in {folder}", markup=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _checkout() -> Path:
    """Return the project's folder: the one we stand in, or the one this package is linked from."""
    for folder in (Path.cwd(), Path(wanderbuch.__file__).resolve().parents[2]):
        if (folder / "compose" / "compose.yaml").exists():
            return folder
    raise ConfigurationError("the demo needs a checkout of the project", hint="run make demo there")
