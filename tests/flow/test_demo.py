"""The demo as a stranger runs it: every scene ends as it must."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.prepared import start_prepared

from wanderbuch.agents.demo.ground import Ground, StoreEngine
from wanderbuch.agents.demo.outcome import DemoResult
from wanderbuch.agents.demo.scenes import Play
from wanderbuch.agents.demo.stage import Stage

CHECKOUT = Path(__file__).resolve().parents[2]
OUTCOMES = {"TRUSTED", "NOT_TRUSTED", "UNKNOWN", "STALE", "DECLINED", "NO_ANSWER"}


def demo(*options: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wanderbuch.agents.cli", "demo", "--json", *options],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def every_scene_ended_as_expected(result: dict[str, Any]) -> None:
    assert result["ok"] is True
    wrong = [scene for scene in result["scenes"] if scene["expected"] != scene["actual"] or not scene["ok"]]
    assert wrong == []
    assert {scene["name"][0] for scene in result["scenes"]} == set("abcdefghijklmn")
    assert {scene["expected"] for scene in result["scenes"]} == OUTCOMES


@pytest.mark.agents
def test_every_scene_of_the_demo_ends_as_expected() -> None:
    run = demo()
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout)
    every_scene_ended_as_expected(result)
    assert (result["store"], result["carried"]) == ("sqlite", {})


@pytest.mark.agents
@pytest.mark.needs("postgresql")
async def test_every_scene_ends_the_same_with_two_processes_a_service_on_one_postgresql(tmp_path: Path) -> None:
    """The play itself, with agents that start quickly: how the program is called was seen above."""
    ground = Ground(StoreEngine.POSTGRESQL, 2)
    async with asyncio.timeout(400), ground.server() as server:
        stage = Stage(CHECKOUT, tmp_path / "demo", no_progress, ground, server, start_child=start_prepared)
        try:
            await stage.open()
            scenes, carried = await Play(stage).run(), stage.carried()
        finally:
            await stage.close()
    every_scene_ended_as_expected(DemoResult(scenes, 0, ground.engine.value, carried).as_json())
    assert carried.keys() == {"authority", "issuer", "holder", "verifier"}
    assert min(min(taken) for taken in carried.values()) > 2  # each process has its share


def no_progress(text: str) -> None:
    pass


@pytest.mark.parametrize(
    ("options", "environment", "told"),
    [
        (("--processes", "2"), {}, "add --store postgresql"),
        (("--store", "postgresql"), {"POSTGRESQL": "/nowhere"}, "apt-get install postgresql"),
    ],
)
def test_what_cannot_run_is_told_in_one_line(
    options: tuple[str, ...], environment: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run = demo(*options, timeout_s=60)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert told in run.stderr


@pytest.mark.agents
def test_the_demo_outside_a_checkout_says_what_to_do(tmp_path: Path) -> None:
    compose = tmp_path / "compose"
    compose.mkdir()
    (compose / "compose.yaml").write_text("services: {authority: {}}\n")

    run = subprocess.run(
        [sys.executable, "-m", "wanderbuch.agents.cli", "demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 2
    assert "compose.yaml" in run.stderr
    assert "Traceback" not in run.stderr
