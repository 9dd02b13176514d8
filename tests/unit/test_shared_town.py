"""In which order workers take files of tests."""

from pathlib import Path

from tests.shared_town import LONGEST, SHARED, next_scope

ROOT = Path(__file__).parents[2]
WAITING = ("tests/flow/test_a.py", "shared_town", "tests/unit/test_b.py", "tests/browser/", "tests/unit/test_c.py")


def test_the_longest_come_first_then_the_others_in_their_order() -> None:
    waiting, taken = list(WAITING), []
    while (scope := next_scope(waiting, begins_with_units=False)) is not None:
        waiting.remove(scope)
        taken.append(scope)
    assert taken == ["tests/browser/", "shared_town", "tests/flow/test_a.py"]
    assert waiting == ["tests/unit/test_b.py", "tests/unit/test_c.py"]


def test_who_begins_with_units_takes_them_in_their_order() -> None:
    assert next_scope(WAITING, begins_with_units=True) == "tests/unit/test_b.py"
    assert next_scope(WAITING[:2], begins_with_units=True) is None


def test_what_takes_longest_is_there() -> None:
    """A file that moves, or comes to share a town, takes its name along."""
    shared = {module for modules in SHARED.values() for module in modules}
    assert [name for name in LONGEST if name not in SHARED and not (ROOT / name).exists()] == []
    assert shared.intersection(LONGEST) == set()
    assert all((ROOT / module).exists() for module in shared)
