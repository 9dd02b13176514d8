import doctest
import importlib
import pkgutil

import pytest

import wanderbuch.governance.importing
import wanderbuch.governance.lists

MODULES = [
    module.name
    for package in (wanderbuch.governance.lists, wanderbuch.governance.importing)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
