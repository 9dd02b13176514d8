"""A noun says what a thing is: nothing that we name is called `held`, `found`, `said` or `each`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CODE: Final = ("agents", "plugins", "schemas", "governance", "src/wanderbuch", "rogues", "tests")
SAY_NOTHING: Final = frozenset({"held", "found", "said", "each"})
MAY_BIND: Final = re.compile(
    r"\b(?:def|for|as|lambda|import)\s*(?:held|found|said|each)\b|\b(?:held|found|said|each)\b\s*(?:[:=,)\]}|]|in\b)"
)
"""What no file lacks that binds one: so that few are parsed."""
KEPT: Final = {
    "plugins/webvh/own.py": "held",  # a key of what is kept
    "schemas/canonical.py": "found",  # beside `expected`
    "schemas/consistency.py": "found",
    # A key of what is kept of a list, and what is handed on of it:
    "agents/authority/pages/desk_lists.py": "said",
    "agents/authority/uploads.py": "said",
    "agents/issuer/console/class_lists.py": "said",
    "agents/issuer/console/uploads.py": "said",
}
"""Where one of them stays, and why."""


def bound(code: str) -> Iterator[tuple[int, str]]:
    """Yield each name that the code gives to something, with its line."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name
            case _:
                pass


@pytest.mark.parametrize("folder", CODE)
def test_names_are_nouns(folder: str) -> None:
    texts = {path: path.read_text() for path in sorted((ROOT / folder).rglob("*.py"))}
    wrong = [
        f"{place}:{line} {name}"
        for path, text in texts.items()
        if MAY_BIND.search(text)
        for place in [path.relative_to(ROOT).as_posix()]
        for line, name in bound(text)
        if name in SAY_NOTHING and KEPT.get(place) != name
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "code",
    [
        "found = 1",
        "for each in them: pass",
        "[each for each in them]",
        "def said(): pass",
        "async def f(held): pass",
        "lambda held: 1",
        "self.found = 1",
        "with them as each: pass",
        "import them as found",
        "(found := 1)",
        "match them:\n    case [*found]: pass",
        "match them:\n    case {'a': found}: pass",
        "class A:\n    said: str",
    ],
)
def test_each_way_to_give_a_name_is_seen(code: str) -> None:
    assert MAY_BIND.search(code), code
    assert SAY_NOTHING & {name for _, name in bound(code)}, code
