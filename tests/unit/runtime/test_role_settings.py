"""Paths in the roles' own tables."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import BaseModel

from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.runtime.role_settings import BesideFile
from wanderbuch.agents.runtime.roles import NAMES

DID = "did:indy:sovrin:V4SGRU86Z58d6TV7PBUe6f"


def annotations(kind: type[BaseModel]) -> Iterator[tuple[str, object]]:
    for name, field in kind.model_fields.items():
        yield f"{kind.__name__}.{name}", field.annotation
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from annotations(field.annotation)


def test_is_relative_to_the_configuration_file(tmp_path: Path) -> None:
    table = {"indy_did": DID, "indy_seed_file": "indy.seed"}
    read = IssuerConfig.model_validate(table, context={"folder": tmp_path})
    assert read.indy_seed_file == tmp_path / "indy.seed"
    absolute = IssuerConfig.model_validate(table | {"indy_seed_file": "/run/x"}, context={"folder": tmp_path})
    assert absolute.indy_seed_file == Path("/run/x")


@pytest.mark.parametrize("role", NAMES)
def test_no_role_takes_a_path_otherwise(role: str) -> None:
    plain = [
        name
        for name, kind in annotations(import_module(f"wanderbuch.agents.{role}.role").ROLE.settings)
        if kind in (Path, Path | None)
    ]
    assert not plain, f"declare as {BesideFile.__name__}: {plain}"
