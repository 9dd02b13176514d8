import doctest
import importlib
import subprocess
import sys

import pytest

import wanderbuch.governance as library


def test_the_example_of_the_library_runs() -> None:
    assert doctest.testmod(library).attempted >= 8
    assert doctest.testmod(library).failed == 0


@pytest.mark.parametrize("name", sorted(library._PLACES))
def test_every_name_is_that_of_its_module(name: str) -> None:
    module, there = library._PLACES[name]
    assert getattr(library, name) is getattr(importlib.import_module(f"wanderbuch.governance.{module}"), there)
    assert name in dir(library)


@pytest.mark.parametrize("name", sorted(library._PLACES))
def test_no_name_is_hidden_by_a_module(name: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"wanderbuch.governance.{name}")


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trust_anybody'"):
        library.trust_anybody  # noqa: B018


def test_a_type_alone_loads_neither_the_rules_nor_the_protocol() -> None:
    program = (
        "import sys\nfrom wanderbuch.governance import Did\n"
        "print(*(name for name in sys.modules if name.startswith('wanderbuch.governance.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) == {
        "wanderbuch.governance.facts",
        "wanderbuch.governance.facts.identifiers",
        "wanderbuch.governance.facts.webvh_place",
    }
