"""Rows of class lists in the description of the REST API, as `typed_claims` describes claims.

A row may get its number later. What holds for every row of a list is written as in a cell, and has one model for all
types.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from wanderbuch.agents.issuer.class_list.listed import NUMBER, OWN
from wanderbuch.agents.issuer.typed_claims import ClaimModel, OfAnyType, example_of, text_model
from wanderbuch.schemas.credential_type import list_credential_types

type TypedRow = Annotated[dict[str, str], OfAnyType(lambda: row_models())]
"""The claims of one row of a class list."""
TypedForAll = Annotated[dict[str, str], OfAnyType(lambda: {"": for_all_model()})]
"""What holds for every row of a class list; a plain alias, as generators know no component that is another one."""


@cache
def row_models() -> Mapping[str, type[BaseModel]]:
    """Return the model of a row of a class list of each type."""
    models = {}
    for kind in list_credential_types():
        about = f"A row of a class list that is ready for a {kind.id}."
        missing = {attribute.name for attribute in kind.claimed if attribute.absent is not None} | {NUMBER}
        models[kind.id] = text_model(kind, "Row", about, kind.claimed, missing)
    return models


@cache
def for_all_model() -> type[BaseModel]:
    """Return the model of what holds for every row of a class list.

    One for all types: as each member may be missing, nobody could tell those of several types apart.
    """
    labels: dict[str, list[str]] = {}
    examples: dict[str, str] = {}
    for kind in list_credential_types():
        for attribute in kind.claimed:
            if attribute.name not in OWN:
                labels.setdefault(attribute.name, []).append(f"{attribute.label} ({kind.id})")
                examples.setdefault(attribute.name, example_of(attribute))
    fields: dict[str, Any] = {
        name: (str, Field(default_factory=str, description="; ".join(told), examples=[examples[name]]))
        for name, told in labels.items()
    }
    about = "What holds for every row of a class list, written as in a cell; only what the list's type has."
    return create_model("ForAllRows", __base__=ClaimModel, __doc__=about, **fields)
