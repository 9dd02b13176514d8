import doctest
import importlib
import pkgutil

import pytest

import wanderbuch.schemas

MODULES = [module.name for module in pkgutil.iter_modules(wanderbuch.schemas.__path__, "wanderbuch.schemas.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
