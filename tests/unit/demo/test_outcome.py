"""When the demo says that all is well."""

from wanderbuch.agents.demo.outcome import Answer, DemoResult, Outcome, SceneResult


def scene(expected: Outcome, actual: Outcome) -> SceneResult:
    return SceneResult("a", "A scene", expected, Answer(actual, ("code: Why.",)), 0.25)


def test_all_is_well_if_every_scene_ended_as_expected() -> None:
    result = DemoResult([scene(Outcome.TRUSTED, Outcome.TRUSTED), scene(Outcome.STALE, Outcome.STALE)], 1.0)

    assert result.ok


def test_one_scene_that_ended_otherwise_spoils_it() -> None:
    result = DemoResult([scene(Outcome.TRUSTED, Outcome.TRUSTED), scene(Outcome.STALE, Outcome.TRUSTED)], 1.0)

    assert not result.ok


def test_no_scene_at_all_is_not_well() -> None:
    assert not DemoResult([], 0.0).ok


def test_programs_read_expected_and_actual() -> None:
    told = DemoResult([scene(Outcome.STALE, Outcome.TRUSTED)], 1.0).as_json()

    assert told["ok"] is False
    assert {key: told["scenes"][0][key] for key in ("name", "expected", "actual", "ok", "reasons", "seconds")} == {
        "name": "a",
        "expected": "STALE",
        "actual": "TRUSTED",
        "ok": False,
        "reasons": ["code: Why."],
        "seconds": 0.25,
    }
