"""What the demo prints for people."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from wanderbuch.agents.demo.outcome import Answer, DemoResult, Outcome, SceneResult
from wanderbuch.agents.demo.report import browser_line, show_result

WHY = (
    "accredited: Colombo Welding Centre (example) is accredited for C72 (Metal, machinery and related trades workers) "
    "by Training Authority of Sri Lanka (example) (TA-2018-0142)."
)
TITLE = "Welder, NVQ 4, proves EQF 3 or more; the level stays hidden"


def printed(*scenes: SceneResult, width: int = 80) -> list[str]:
    file = io.StringIO()
    show_result(Console(file=file, width=width), DemoResult(scenes, 27.4))
    return file.getvalue().splitlines()


def scene(name: str, expected: Outcome, actual: Outcome, *reasons: str) -> SceneResult:
    return SceneResult(name, TITLE, expected, Answer(actual, reasons), 0.25)


def test_a_scene_is_one_line_and_its_reasons_stand_below() -> None:
    lines = printed(scene("a", Outcome.TRUSTED, Outcome.TRUSTED, WHY, "No code here."))

    assert lines[0] == f"ok a  TRUSTED     {TITLE}"
    assert lines[1].startswith("      Colombo Welding Centre (example) is accredited")
    assert lines[4] == "      No code here."
    assert lines[-1] == "1 of 1 scenes ended as expected, in 27 s."


def test_a_scene_that_ended_otherwise_says_what_was_expected() -> None:
    lines = printed(scene("c2", Outcome.NOT_TRUSTED, Outcome.TRUSTED))

    assert lines[:2] == [f"NO c2 TRUSTED     {TITLE}", "      Expected: NOT_TRUSTED."]
    assert lines[-1] == "0 of 1 scenes ended as expected, in 27 s."


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(width: int) -> None:
    lines = printed(scene("a", Outcome.NO_ANSWER, Outcome.NOT_TRUSTED, WHY), width=width)

    assert max(map(len, lines)) <= width
    assert {*WHY.split()[1:], *TITLE.split()} <= {word for line in lines for word in line.split()}


def test_no_line_of_a_scene_ends_in_spaces() -> None:
    lines = printed(scene("a", Outcome.TRUSTED, Outcome.TRUSTED, WHY, "No code here."))

    assert [line for line in lines if line != line.rstrip()] == []


def test_a_browser_is_told_where_every_public_name_really_is() -> None:
    agents: Any = [
        SimpleNamespace(host="authority.wanderbuch.test", target="127.0.0.1:8441"),
        SimpleNamespace(host="shipyard.wanderbuch.test", target="127.0.0.1:8444"),
    ]
    rules = "MAP authority.wanderbuch.test:443 127.0.0.1:8441, MAP shipyard.wanderbuch.test:443 127.0.0.1:8444"
    assert f'--host-resolver-rules="{rules}"' in browser_line(agents)
