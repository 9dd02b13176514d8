"""The demo as a stranger runs it: every scene ends as it must.

With two processes a service on one PostgreSQL `tests/containers/test_scale.py` plays all scenes, and so does
`tests/soak/test_demos.py` as the demo itself does, there and with containers.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.prepared.running import run_prepared

pytestmark = pytest.mark.system

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


@pytest.mark.parametrize(
    ("options", "environment", "told"),
    [
        (("--processes", "2"), {}, "add --store postgresql"),
        (("--store", "postgresql"), {"POSTGRESQL": "/nowhere"}, "apt-get install postgresql"),
    ],
)
async def test_what_cannot_run_is_told_in_one_line(
    options: tuple[str, ...], environment: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, _, err = await run_prepared("wanderbuch.agents.cli", "demo", "--json", *options)
    assert code == 2
    assert len(err.splitlines()) == 1
    assert told in err


async def test_the_demo_outside_a_checkout_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = tmp_path / "compose"
    compose.mkdir()
    (compose / "compose.yaml").write_text("services: {authority: {}}\n")
    monkeypatch.chdir(tmp_path)
    code, _, err = await run_prepared("wanderbuch.agents.cli", "demo")
    assert code == 2
    assert "compose.yaml" in err
    assert "Traceback" not in err
