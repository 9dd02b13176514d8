"""The demo in its other ways, all scenes: two processes a service on one PostgreSQL, and agents in containers.

Too dear for what they say beyond others: `tests/flow/test_demo.py` runs the demo, `tests/containers/test_scale.py`
plays its scenes in containers, with two processes a service on one PostgreSQL, and `tests/containers/test_demo.py`
starts the demo's own containers.
"""

import json
from pathlib import Path

import pytest
from tests.containers.images import build
from tests.flow.test_demo import demo, every_scene_ended_as_expected

ROOT = Path(__file__).parents[2]


@pytest.mark.needs("postgresql")
def test_every_scene_ends_the_same_with_two_processes_a_service_on_one_postgresql() -> None:
    run = demo("--store", "postgresql", "--processes", "2", timeout_s=900)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout)
    every_scene_ended_as_expected(result)
    assert (result["store"], result["carried"].keys()) == (
        "postgresql",
        {"authority", "issuer", "holder", "verifier"},
    )
    assert min(min(taken) for taken in result["carried"].values()) > 2  # each process has its share


@pytest.mark.needs("containers")
def test_every_scene_ends_as_expected_with_the_agents_in_containers() -> None:
    run = demo("--image", build(ROOT, "localhost/wanderbuch:checked"), timeout_s=900)
    assert run.returncode == 0, run.stdout + run.stderr
    every_scene_ended_as_expected(json.loads(run.stdout))
