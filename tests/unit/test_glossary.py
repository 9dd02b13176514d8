"""The page of words names what is there, and no name of a class gets a second meaning unnoticed."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text()
PACKAGES = ("agents", "plugins", "governance", "schemas", "src/wanderbuch/store")
POINTERS = re.findall(r"\| `([\w/]+(?:\.py)?)(?:::(\w+))?` \|$", PAGE, flags=re.MULTILINE)
DOUBLES = set(re.findall(r"^\| `(\w+)` \| ", PAGE.split("## One name in several places")[1], flags=re.MULTILINE))

BEGINS = re.compile(r"^(?:class|type|def|async def) ([A-Z]\w*)", flags=re.MULTILINE)
"""Whatever is defined begins its line; a docstring's line may begin so too."""


def place(path: str) -> Path:
    return ROOT / (f"src/{path}" if path.startswith("wanderbuch/") else path)


@cache
def defined(path: Path) -> set[str]:
    """Return the public classes, types and functions of a module."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.TypeAlias):
            names.add(node.name.id)
    return names


def classes(path: Path) -> set[str]:
    return {name for name in defined(path) if re.fullmatch(r"[A-Z]\w*[a-z]\w*", name)}


@cache
def kept_apart() -> dict[str, set[str]]:
    """Return the names of classes that stand in several modules, with those."""
    modules: dict[str, set[Path]] = defaultdict(set)
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for name in BEGINS.findall(path.read_text()):
                modules[name].add(path)
    several = {
        name: {path for path in paths if name in classes(path)} for name, paths in modules.items() if len(paths) > 1
    }
    return {name: {str(path.relative_to(ROOT)) for path in paths} for name, paths in several.items() if len(paths) > 1}


def test_there_are_words() -> None:
    assert len(POINTERS) > 40


@pytest.mark.parametrize(("path", "name"), POINTERS, ids=lambda part: part)
def test_what_a_word_stands_for_is_there(path: str, name: str) -> None:
    assert place(path).exists()
    assert not name or name in defined(place(path))


def test_no_name_has_a_second_meaning_that_the_page_does_not_tell() -> None:
    assert {name: sorted(paths) for name, paths in kept_apart().items() if name not in DOUBLES} == {}


def test_the_page_tells_of_no_double_that_is_gone() -> None:
    assert {name for name in DOUBLES if name not in kept_apart()} == set()
