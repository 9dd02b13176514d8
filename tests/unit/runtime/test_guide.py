"""The guide for operators lists every key of the configuration, and only keys that exist."""

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from wanderbuch.agents.runtime.config import AgentConfig

GUIDE = (Path(__file__).parents[3] / "docs" / "running-agents.md").read_text()
EXAMPLE = tomllib.loads(GUIDE.partition("```toml\n")[2].partition("```")[0])
NOT_IN_THE_FILE = {
    ("role_settings",),
    ("role_tables",),
    ("folder",),
    ("app_token",),
    ("wallet_key",),
    ("store_password",),
    ("admin_key",),
    ("openid_secret",),
    ("objects_secret",),
}


def keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if (*path, name) in NOT_IN_THE_FILE:
            continue
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        table = next((k for k in kinds if isinstance(k, type) and k.__name__.endswith("Config")), None)
        yield from keys(table, (*path, name)) if table else [(*path, name)]


def given(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in table.items():
        for member in value if isinstance(value, list) else [value]:  # tables may stand there more than once
            yield from given(member, (*path, name)) if isinstance(member, dict) else [(*path, name)]


def test_the_example_lists_exactly_the_keys_there_are() -> None:
    assert set(given(EXAMPLE)) == set(keys(AgentConfig))


@pytest.mark.parametrize("role", ["authority", "issuer", "holder", "verifier", "mediator", "wallet_host"])
def test_each_role_has_its_table(role: str) -> None:
    settings = importlib.import_module(f"wanderbuch.agents.{role}.role").ROLE.settings
    table = GUIDE.partition(f"`[{role}]`\n")[2].partition("\n`[")[0].partition("## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(settings.model_fields)
