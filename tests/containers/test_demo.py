"""The demo's scenes, with every agent that does not cheat in a container."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.agents, pytest.mark.needs("containers")]


def test_every_scene_ends_as_expected_with_the_agents_in_containers(image: str) -> None:
    command = [sys.executable, "-m", "wanderbuch.agents.cli", "demo", "--json", "--image", image]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout)
    assert result["ok"]
    assert len(result["scenes"]) == 18
