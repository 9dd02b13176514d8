"""The page for newcomers leads to files that are there, and its walk names each of them once."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
# What begins like this stands in the checkout; other names are relative to one that stands before them in the row.
TOP = ("agents/", "governance/", "plugins/", "schemas/", "tests/", "rogues/", "wanderbuch/", "src/")


def pointers(text: str) -> list[str]:
    """Return the paths that a text points to, `a/{b,c}.py` as two."""
    paths = []
    for code in re.findall(r"`([^`\s]+)`", text):
        if code.startswith(TOP) and "*" not in code:
            head, brace, rest = code.partition("{")
            names, _, tail = rest.partition("}")
            paths += [f"{head}{name}{tail}" for name in names.split(",")] if brace else [code]
    return paths


WALK = pointers(PAGE.partition("## One walk")[2].partition("\n## ")[0])


def there(path: str) -> bool:
    return (ROOT / (f"src/{path}" if path.startswith("wanderbuch/") else path)).exists()


def test_what_it_points_to_is_there() -> None:
    paths = pointers(PAGE)
    assert len(paths) > 80
    assert [path for path in paths if not there(path)] == []


def test_decisions_it_names_are_there() -> None:
    named = re.findall(r"\]\((adr/[\w-]+\.md)\)", PAGE)
    assert named
    assert [name for name in named if not (ROOT / "docs" / name).exists()] == []


def test_the_walk_names_each_file_once() -> None:
    assert len(WALK) > 20
    assert [path for path, count in Counter(WALK).items() if count > 1] == []
    assert all(path.endswith(".py") for path in WALK)


def test_the_walk_ends_as_an_answer_does() -> None:
    """Judged one by one, then as a whole; what is kept of it is kept before, and with, its end."""
    ends = ("answer_grounds", "several", "keeping_cases", "seen", "ending_verifications", "telling")
    named = [Path(path).stem for path in WALK]
    assert [name for name in named if name in ends] == list(ends)
