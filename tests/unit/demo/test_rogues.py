"""The agents that cheat are played by the demo and are no part of what is installed."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
INSTALLED = ("agents", "plugins", "schemas", "governance", "src/wanderbuch")
BESIDE = ("rogues", "tests")
FRAMES = "src/wanderbuch/faults.py"  # names both, to tell in logs where their own code failed


def _texts(module: ast.Module) -> Iterator[str]:
    """Return every text of a module that is no docstring, and every module that it imports."""
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, described) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield text
            case ast.ImportFrom(module=str(name)):
                yield name
            case ast.Import(names=names):
                yield from (name.name for name in names)


@cache
def _folders(source: str) -> frozenset[str]:
    return frozenset(text.replace(".", "/").partition("/")[0] for text in _texts(ast.parse(source)))


def reached(source: str, folder: str) -> bool:
    return folder in source and folder in _folders(source)


@pytest.mark.parametrize(
    "source",
    ["from tests.needs import x", "import tests", 'run("tests.abuse.x")', 'Path() / "tests"', 'f"tests.{name}"'],
)
def test_every_way_to_reach_a_folder_is_seen(source: str) -> None:
    assert reached(source, "tests")


@pytest.mark.parametrize("source", ['"""tests."""', 'print("which tests are there")', "from wanderbuch.tests import x"])
def test_naming_a_folder_in_words_does_not_reach_it(source: str) -> None:
    assert not reached(source, "tests")


@pytest.mark.parametrize("beside", BESIDE)
def test_of_what_is_installed_the_demo_alone_reaches_beside_it_and_only_for_the_rogues(beside: str) -> None:
    files = {path for folder in INSTALLED for path in (CHECKOUT / folder).rglob("*.py")}
    assert len(files) > 500
    reaching = {str(path.relative_to(CHECKOUT)) for path in files if reached(path.read_text(), beside)}

    assert reaching - {FRAMES} == ({"agents/demo/stage.py"} if beside == "rogues" else set())


@pytest.mark.parametrize("beside", BESIDE)
def test_the_wheel_takes_neither(beside: str) -> None:
    wheel = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert "agents" in wheel["only-include"]
    assert not any(Path(included).parts[0] == beside for included in wheel["only-include"])
