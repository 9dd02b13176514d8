"""The demo as a stranger runs it: every scene ends as it must."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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


def every_scene_ended_as_expected(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert run.returncode == 0, run.stdout + run.stderr
    result: dict[str, Any] = json.loads(run.stdout)
    assert result["ok"] is True
    wrong = [scene for scene in result["scenes"] if scene["expected"] != scene["actual"] or not scene["ok"]]
    assert wrong == []
    assert {scene["name"][0] for scene in result["scenes"]} == set("abcdefghijkl")
    assert {scene["expected"] for scene in result["scenes"]} == OUTCOMES
    return result


@pytest.mark.agents
def test_every_scene_of_the_demo_ends_as_expected() -> None:
    result = every_scene_ended_as_expected(demo())
    assert (result["store"], result["carried"]) == ("sqlite", {})


@pytest.mark.agents
@pytest.mark.needs("postgresql")
def test_every_scene_ends_the_same_with_two_processes_a_service_on_one_postgresql() -> None:
    result = every_scene_ended_as_expected(demo("--store", "postgresql", "--processes", "2", timeout_s=400))
    assert result["store"] == "postgresql"
    assert result["carried"].keys() == {"authority", "issuer", "holder", "verifier"}
    assert min(min(taken) for taken in result["carried"].values()) > 2  # each process has its share


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
