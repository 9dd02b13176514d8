"""The demo as a stranger runs it: every scene ends as it must."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
OUTCOMES = {"TRUSTED", "NOT_TRUSTED", "UNKNOWN", "STALE", "DECLINED", "NO_ANSWER"}


@pytest.mark.agents
def test_every_scene_of_the_demo_ends_as_expected() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "wanderbuch.agents.cli", "demo", "--json"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout)
    assert result["ok"] is True
    wrong = [scene for scene in result["scenes"] if scene["expected"] != scene["actual"] or not scene["ok"]]
    assert wrong == []
    assert {scene["name"][0] for scene in result["scenes"]} == set("abcdefghijkl")
    assert {scene["expected"] for scene in result["scenes"]} == OUTCOMES


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
