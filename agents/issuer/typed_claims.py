"""Claims in the description of the REST API: models of each credential type, made of the type itself.

Of each there are two: a claim as it is sent, and the values of an offer, with what the issuer's agent computed. Those
of class lists: `class_list.typed_rows`.

Nothing here checks a claim: that is `schemas.claims`, which tells every mistake at once. The models say which claims
there are, of which types, and which may be left out. Numbers may be sent as numbers or as texts, and are answered as
texts; days as YYYY-MM-DD or YYYYMMDD, answered as the latter.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import CoreSchema, union_schema

from wanderbuch.schemas.canonical import expectation
from wanderbuch.schemas.credential_type import (
    Attribute,
    Computation,
    CredentialType,
    Kind,
    list_credential_types,
)

_DAY: Final = r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}"


class ClaimModel(BaseModel):
    """What all of them are: nothing may be in them that the type has not."""

    model_config = ConfigDict(extra="forbid")


class OfAnyType:
    """Describes a dict as one of the models, of which there is one a type.

    Args:
        models: gives them, by the id of the type.
    """

    def __init__(self, models: Callable[[], Mapping[str, type[BaseModel]]]) -> None:
        self._models = models

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(union_schema([_as_component(model) for model in self._models().values()]))


type TypedClaim = Annotated[dict[str, Any], OfAnyType(lambda: claim_models())]
"""The claims of one credential, by their names."""
type TypedValues = Annotated[dict[str, str], OfAnyType(lambda: value_models())]
"""The values of one credential."""


def _as_component(model: type[BaseModel]) -> CoreSchema:
    """Return the schema of a model so that it is described once, beside the others, under its name."""
    schema: Any = {**model.__pydantic_core_schema__, "ref": f"{model.__module__}.{model.__name__}:{id(model)}"}
    return cast("CoreSchema", schema)


@cache
def claim_models() -> Mapping[str, type[BaseModel]]:
    """Return the model of each credential type that there is, by its id, such as "qualification/1.0"."""
    return {kind.id: _model(kind) for kind in list_credential_types()}


@cache
def value_models() -> Mapping[str, type[BaseModel]]:
    """Return the model of the values of an offer of each type."""
    return {
        kind.id: text_model(
            kind,
            "Values",
            f"The values of a {kind.id}.",
            kind.attributes,
            {attribute.name for attribute in kind.attributes if attribute.computed is not None},
        )
        for kind in list_credential_types()
    }


def text_model(
    kind: CredentialType, what: str, about: str, attributes: Iterable[Attribute], missing: Collection[str]
) -> type[BaseModel]:
    """Return a model whose members are all texts.

    Args:
        kind: the type.
        what: ending of the name.
        about: what it is.
        attributes: the members.
        missing: those of them that may be missing.
    """
    fields: dict[str, Any] = {}
    for attribute in attributes:
        told: dict[str, Any] = {"description": str(attribute.label), "examples": [example_of(attribute)]}
        # A factory, so that the description names no default: whoever leaves it out sends nothing.
        fields[attribute.name] = (
            str,
            Field(default_factory=str, **told) if attribute.name in missing else Field(**told),
        )
    return create_model(_name(kind, what), __base__=ClaimModel, __doc__=about, **fields)


def _name(kind: CredentialType, what: str) -> str:
    words = re.findall(r"[a-z0-9]+", kind.name.lower())
    return "".join(word.capitalize() for word in words) + what + kind.version.replace(".", "_")


def _model(kind: CredentialType) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for attribute in kind.attributes:
        is_year = attribute.computed is not None and attribute.computed.by is Computation.YEAR_OF
        if attribute.computed is not None and not is_year:
            continue
        about = f"{attribute.label}: {expectation(attribute)}"
        if is_year:  # may be given, where it agrees
            about = f"{attribute.label}: may be left out, it is computed"
        fields[attribute.name] = _field(attribute, about, may_be_missing=is_year or attribute.absent is not None)
    return create_model(
        _name(kind, "Claim"), __base__=ClaimModel, __doc__=f"The claims of a {kind.id}: {kind.label}.", **fields
    )


def _field(attribute: Attribute, about: str, *, may_be_missing: bool) -> tuple[Any, Any]:
    example = [example_of(attribute)]
    kind = _type(attribute)
    if may_be_missing:
        return kind | None, Field(default=None, description=about, examples=example)
    return kind, Field(description=about, examples=example)


def example_of(attribute: Attribute) -> str:
    """Return an example of a claim as people write it."""
    if attribute.kind is Kind.DATE and re.fullmatch(r"[0-9]{8}", attribute.example):
        return date.fromisoformat(attribute.example).isoformat()
    return attribute.example


def _type(attribute: Attribute) -> Any:
    match attribute.kind:
        case Kind.TEXT:
            return Annotated[str, Field(max_length=attribute.max_bytes)]
        case Kind.INTEGER:
            whole = Annotated[int, Field(ge=attribute.minimum, le=attribute.maximum)]
            return whole | Annotated[str, Field(pattern=r"^-?[0-9]+$")]
        case Kind.DATE:
            absent = f"|{re.escape(attribute.absent.raw)}" if attribute.absent else ""
            return Annotated[str, Field(pattern=f"^({_DAY}{absent})$")]
        case Kind.CODE if attribute.code_list is None:
            return Literal[tuple(attribute.codes)]
        case _:
            return Annotated[str, Field(min_length=1, max_length=64)]
