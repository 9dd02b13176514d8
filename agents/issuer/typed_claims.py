"""Claims in the description of the REST API: one model a credential type, made of the type itself.

Nothing here checks a claim: that is `schemas.claims`, which tells every mistake at once. The models say which claims
there are, of which types, and which may be left out. Numbers may be sent as numbers or as texts, and are answered as
texts; days as YYYY-MM-DD or YYYYMMDD, answered as the latter.
"""

import re
from collections.abc import Mapping
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


class _Claim(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _OfAnyType:
    """Describes a dict as a claim of one of the types."""

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(union_schema([_as_component(model) for model in claim_models().values()]))


type TypedClaim = Annotated[dict[str, Any], _OfAnyType()]
"""The claims of one credential, by their names."""


def _as_component(model: type[BaseModel]) -> CoreSchema:
    """Return the schema of a model so that it is described once, beside the others, under its name."""
    schema: Any = {**model.__pydantic_core_schema__, "ref": f"{model.__module__}.{model.__name__}:{id(model)}"}
    return cast("CoreSchema", schema)


@cache
def claim_models() -> Mapping[str, type[BaseModel]]:
    """Return the model of each credential type that there is, by its id, such as "qualification/1.0"."""
    return {kind.id: _model(kind) for kind in list_credential_types()}


def _model(kind: CredentialType) -> type[BaseModel]:
    words = re.findall(r"[a-z0-9]+", kind.name.lower())
    name = "".join(word.capitalize() for word in words) + "Claim" + kind.version.replace(".", "_")
    fields: dict[str, Any] = {}
    for attribute in kind.attributes:
        is_year = attribute.computed is not None and attribute.computed.by is Computation.YEAR_OF
        if attribute.computed is not None and not is_year:
            continue
        about = f"{attribute.label}: {expectation(attribute)}"
        if is_year:  # may be given, where it agrees
            about = f"{attribute.label}: may be left out, it is computed"
        fields[attribute.name] = _field(attribute, about, may_be_missing=is_year or attribute.absent is not None)
    return create_model(name, __base__=_Claim, __doc__=f"The claims of a {kind.id}: {kind.label}.", **fields)


def _field(attribute: Attribute, about: str, *, may_be_missing: bool) -> tuple[Any, Any]:
    example = [_example(attribute)]
    kind = _type(attribute)
    if may_be_missing:
        return kind | None, Field(default=None, description=about, examples=example)
    return kind, Field(description=about, examples=example)


def _example(attribute: Attribute) -> str:
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
