"""What ACA-Py imports and an agent leaves for later: stand-ins that become the real thing when somebody uses one."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from acapy_agent.config import ledger
from acapy_agent.core import conductor
from pyld import jsonld

from wanderbuch.agents.runtime import later
from wanderbuch.agents.runtime.later import LaterModule, LaterName, left_for_later
from wanderbuch.agents.runtime.roles import NAMES

# What is imported by name, in which of the modules that every agent imports.
_STANDING_IN = {
    "acapy_agent.config.ledger": ["HTML", "prompt_toolkit"],
    "acapy_agent.core.conductor": ["QRCode"],
    "pyld.jsonld": ["lxml"],
}
# PIL comes with qrcode, wcwidth with prompt_toolkit; psycopg is ours where a store is on PostgreSQL, else nobody's.
_NOT_LOADED = (*later.LIBRARIES, "PIL", "wcwidth", "psycopg", "psycopg_pool", later.LEFT_OUT)
_START = """
import importlib, json, sys
from wanderbuch.agents.runtime.later import LaterModule, LaterName, left_for_later
with left_for_later():
    for name in sys.argv[1].split():
        importlib.import_module(f"wanderbuch.agents.{name}.role")
    importlib.import_module("wanderbuch.agents.runtime.process")
loaded = [name for name in sys.argv[2].split() if name in sys.modules]
importlib.import_module(sys.argv[3]).register_backends()  # which ACA-Py did without
found = {}
for module in [module for module in sys.modules.values() if type(module) is not LaterModule]:
    for name, value in vars(module).items():
        if type(value) in (LaterModule, LaterName):
            found.setdefault(module.__name__, []).append(name)
ledger, conductor, jsonld = (sys.modules[name] for name in sorted(found))
real = [
    ledger.HTML("<b>terms</b>").value,
    ledger.prompt_toolkit.print_formatted_text.__module__,
    conductor.QRCode(border=1).border,
    jsonld.lxml.html.fromstring("<p>text</p>").tag,
]
print(json.dumps({"loaded": loaded, "found": {name: sorted(names) for name, names in found.items()}, "real": real}))
"""


def test_every_role_is_imported_without_them_and_each_stand_in_is_the_real_thing_when_it_is_used() -> None:
    command = (sys.executable, "-c", _START, " ".join(NAMES), " ".join(_NOT_LOADED), later.LEFT_OUT)
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert told["loaded"] == []
    assert told["found"] == _STANDING_IN
    assert told["real"] == ["<b>terms</b>", "prompt_toolkit.shortcuts.utils", 1, "p"]


def test_nothing_is_done_with_their_names_but_calling_them_and_asking_for_attributes() -> None:
    # A stand-in cannot be caught (`except`), inherited from, compared or looked into: who upgrades is told by this.
    modules = (ledger, conductor, jsonld)
    assert {module.__name__ for module in modules} == set(_STANDING_IN)
    otherwise = [
        f"{module.__name__}:{node.lineno}: {name}"
        for module in modules
        for name in _STANDING_IN[module.__name__]
        for node in _uses(ast.parse(inspect.getsource(module)), name)
    ]
    assert otherwise == []


def _uses(tree: ast.Module, name: str) -> list[ast.Name]:
    """Return where a name is neither called nor asked for an attribute."""
    good = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    good |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name and id(node) not in good]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "left_for_later_in_a_test"
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").write_text("class Thing:\n    size = 3\n", encoding="utf-8")
    (package / "part.py").write_text("answer = 'real'\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(later, "LIBRARIES", (name,))
    for known in (name, f"{name}.part"):
        monkeypatch.delitem(sys.modules, known, raising=False)
    return name


def test_a_library_is_imported_when_its_stand_in_is_used(library: str) -> None:
    namespace: dict[str, object] = {}
    with left_for_later():
        exec(f"import {library} as whole, {library}.part\nfrom {library} import Thing", namespace)  # noqa: S102
    whole, thing = namespace["whole"], namespace["Thing"]
    assert isinstance(whole, LaterModule)
    assert isinstance(thing, LaterName)
    assert library not in sys.modules
    assert thing.size == 3
    assert library in sys.modules
    assert type(thing()) is importlib.import_module(library).Thing
    assert whole.part.answer == "real"


def test_a_library_that_is_there_already_stays(library: str) -> None:
    real = importlib.import_module(library)
    with left_for_later():
        assert importlib.import_module(library) is real


def test_what_is_used_too_soon_is_told_and_nothing_is_left_of_the_block(library: str) -> None:
    before = list(sys.meta_path)
    with pytest.raises(ImportError, match="is used while it is to be left for later"), left_for_later():
        importlib.import_module(library).Thing()
    assert sys.meta_path == before
    assert library not in sys.modules
    assert importlib.import_module(library).Thing.size == 3
