"""A received presentation, read once into types; nothing about it is verified here.

Sources: Aries RFC 0454 (present-proof 2.0), RFC 0771 (AnonCreds attachments); AnonCreds specification 1.0, section
"Presentation".

The native AnonCreds library crashes the process on a wrong type, and two readers of one text may see two things. So the
message is read strictly, and what goes on to the library is written anew from what was read: there is no member that
one of them saw and the other did not.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from wanderbuch.base64_text import from_base64
from wanderbuch.errors import CredentialError, PresentationError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.plugins.exchange.packed_numbers import unpacked
from wanderbuch.schemas.attribute_names import by_common_name
from wanderbuch.strict_json import StrictJsonError, read_strict_json

PROOF_FORMAT = "anoncreds/proof@v1.0"
MAX_PROOF_BYTES = 512 * 1024
_MAX_PARTS = 8
_MAX_REFERENTS = 40
# The longest number of an honest proof has some 950 digits; as exponents, longer ones take the library minutes.
_MAX_NUMBER_CHARS = 2048
_MAX_PROOF_DEPTH = 8
_MAX_DEPTH = 16

_Text = Annotated[str, StringConstraints(strict=True, max_length=4096)]
_Referent = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=256)]
_Encoded = Annotated[str, StringConstraints(strict=True, pattern=r"^-?[0-9]{1,80}$")]
_Index = Annotated[int, Field(strict=True, ge=0, lt=_MAX_PARTS)]
_Epoch = Annotated[int, Field(strict=True, ge=1, lt=2**53)]


def _no_long_number(part: dict[str, Any]) -> dict[str, Any]:
    """Refuse a part of a proof that would keep the library busy."""
    level: list[Any] = [part]
    for _ in range(_MAX_PROOF_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str) and len(value) > _MAX_NUMBER_CHARS:
                raise ValueError("a number of the proof is too long")
        level = below
    if level:
        raise ValueError("a part of the proof is nested too deeply")
    return part


_Part = Annotated[dict[str, Any], AfterValidator(_no_long_number)]


@dataclass(frozen=True, slots=True)
class UnverifiedIdentifier:
    """What one sub-proof says that it was made from.

    Args:
        timestamp: of the status list that non-revocation is proven from; None if the sub-proof holds no such proof,
            whatever it says: the library verifies without the proof then, and does not tell (anoncreds 0.2.3).
    """

    schema_id: SchemaId
    cred_def_id: CredDefId
    registry: RevRegDefId | None
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class UnverifiedGroup:
    """What one `names` group of the request was answered with: raw values by attribute name."""

    sub_proof: int
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReceivedPresentation:
    """A well-formed presentation; every field is the sender's word.

    Args:
        identifiers: one for each sub-proof.
        groups: answers to `names` groups, by referent.
        predicates: index of the sub-proof, by referent.
        others: referents answered in any other way: shown alone, not shown, or self-attested.
        proof: the presentation in the library's own JSON form, written anew from what was read.
    """

    identifiers: tuple[UnverifiedIdentifier, ...]
    groups: Mapping[str, UnverifiedGroup]
    predicates: Mapping[str, int]
    others: frozenset[str]
    proof: dict[str, Any] = field(repr=False)

    @property
    def sub_proofs(self) -> Sequence[Mapping[str, Any]]:
        """The proofs that the identifiers are about, in their order."""
        proofs: Sequence[Mapping[str, Any]] = self.proof["proof"]["proofs"]
        return proofs


def presentation_members(message: Mapping[str, Any]) -> dict[str, object]:
    """Return the members of a message that make up the presentation, whatever they are."""
    return {name: message.get(name) for name in ("formats", "presentations~attach")}


def message_digest(message: Mapping[str, object]) -> str:
    """Return the SHA-256 of a received message, hexadecimal: tells a repeated delivery from a second answer."""
    canonical = json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_presentation(message: Mapping[str, object]) -> ReceivedPresentation:
    """Return the AnonCreds presentation in a present-proof 2.0 `presentation` message.

    Args:
        message: the decrypted message as JSON, as it came.

    Raises:
        PresentationError: it is malformed, too large, or in another format than the one asked for.
    """
    try:
        attached = _Message.model_validate(message).attached()
        return _Presentation.model_validate(attached).typed()
    except ValidationError as err:
        first = err.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(step)[:40] for step in first["loc"]) or "the message"
        raise PresentationError(f"the presentation is malformed at {where}: {first['type']}") from None
    except CredentialError as err:
        raise PresentationError(f"the presentation shows something twice: {err.message}") from err
    except IdentifierError as err:
        raise PresentationError(f"the presentation names an object that is none of ours: {err.message}") from err


class _Strict(BaseModel):
    # Unknown members are dropped, also on the way to the library.
    model_config = ConfigDict(extra="ignore", strict=True)


class _Format(_Strict):
    attach_id: _Text
    format: _Text


class _Data(_Strict):
    base64: str | None = None
    json_: dict[str, Any] | None = Field(default=None, alias="json")
    packed: dict[str, Any] | None = None


class _Attachment(_Strict):
    id: _Text = Field(alias="@id")
    data: _Data


class _Message(_Strict):
    formats: Annotated[list[_Format], Field(min_length=1, max_length=1)]
    attachments: Annotated[list[_Attachment], Field(min_length=1, max_length=1, alias="presentations~attach")]

    def attached(self) -> dict[str, Any]:
        """Return the decoded attachment."""
        named, attachment = self.formats[0], self.attachments[0]
        if named.format != PROOF_FORMAT or named.attach_id != attachment.id:
            raise PresentationError(f"expected one attachment in the format {PROOF_FORMAT}")
        if attachment.data.json_ is not None:
            return attachment.data.json_
        if attachment.data.packed is not None:
            return _unpacked(attachment.data.packed)
        text = attachment.data.base64 or ""
        if len(text.rstrip("=")) * 3 // 4 > MAX_PROOF_BYTES:
            raise PresentationError(f"the presentation is larger than {MAX_PROOF_BYTES} bytes")
        try:
            decoded = from_base64(text, url_too=True)
            attached = read_strict_json(decoded, max_bytes=MAX_PROOF_BYTES, max_depth=_MAX_DEPTH)
        except ValueError as err:
            raise PresentationError("the presentation's attachment is not in base64") from err
        except StrictJsonError as err:
            raise PresentationError(f"the presentation's attachment is not usable JSON: {err.message}") from err
        if not isinstance(attached, dict):
            raise PresentationError("the presentation's attachment is not a JSON object")
        return attached


def _unpacked(packed: dict[str, Any]) -> dict[str, Any]:
    try:
        value: dict[str, Any] = unpacked(packed)
    except ValueError as err:
        raise PresentationError("the presentation's attachment is not of packed numbers") from err
    return value


class _Value(_Strict):
    raw: _Text
    encoded: _Encoded


class _Group(_Strict):
    sub_proof_index: _Index
    values: Annotated[dict[_Referent, _Value], Field(max_length=64)]


class _Single(_Value):
    sub_proof_index: _Index


class _Pointer(_Strict):
    sub_proof_index: _Index


class _RequestedProof(_Strict):
    revealed_attrs: Annotated[dict[_Referent, _Single], Field(max_length=_MAX_REFERENTS)] = {}
    revealed_attr_groups: Annotated[dict[_Referent, _Group], Field(max_length=_MAX_REFERENTS)] = {}
    self_attested_attrs: Annotated[dict[_Referent, _Text], Field(max_length=_MAX_REFERENTS)] = {}
    unrevealed_attrs: Annotated[dict[_Referent, _Pointer], Field(max_length=_MAX_REFERENTS)] = {}
    predicates: Annotated[dict[_Referent, _Pointer], Field(max_length=_MAX_REFERENTS)] = {}

    @field_validator("*", mode="before")
    @classmethod
    def _null_is_empty(cls, value: object) -> object:
        return {} if value is None else value


class _Identifier(_Strict):
    schema_id: _Text
    cred_def_id: _Text
    rev_reg_id: _Text | None = None
    timestamp: _Epoch | None = None


class _PrimaryProof(_Strict):
    eq_proof: _Part
    ge_proofs: Annotated[list[_Part], Field(max_length=_MAX_REFERENTS)] = []


class _SubProof(_Strict):
    primary_proof: _PrimaryProof
    non_revoc_proof: _Part | None = None


class _AggregatedProof(_Strict):
    c_hash: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{1,78}$")]  # a SHA-256 as a number
    c_list: list[list[int]]


class _Proof(_Strict):
    proofs: Annotated[list[_SubProof], Field(min_length=1, max_length=_MAX_PARTS)]
    aggregated_proof: _AggregatedProof


class _Presentation(_Strict):
    proof: _Proof
    requested_proof: _RequestedProof
    identifiers: Annotated[list[_Identifier], Field(min_length=1, max_length=_MAX_PARTS)]

    @model_validator(mode="after")
    def _indexes_exist(self) -> "_Presentation":
        asked = self.requested_proof
        used = {part.sub_proof_index for part in asked.revealed_attrs.values()}
        used |= {part.sub_proof_index for part in asked.revealed_attr_groups.values()}
        used |= {part.sub_proof_index for part in (*asked.unrevealed_attrs.values(), *asked.predicates.values())}
        if len(self.proof.proofs) != len(self.identifiers) or any(index >= len(self.identifiers) for index in used):
            raise ValueError("the sub-proofs, their identifiers and the references to them do not match")
        return self

    def typed(self) -> ReceivedPresentation:
        asked = self.requested_proof
        return ReceivedPresentation(
            identifiers=tuple(
                UnverifiedIdentifier(
                    SchemaId.parse(one.schema_id),
                    CredDefId.parse(one.cred_def_id),
                    RevRegDefId.parse(one.rev_reg_id) if one.rev_reg_id is not None else None,
                    one.timestamp if sub_proof.non_revoc_proof is not None else None,
                )
                for one, sub_proof in zip(self.identifiers, self.proof.proofs, strict=True)
            ),
            groups={
                referent: UnverifiedGroup(
                    group.sub_proof_index, by_common_name({name: value.raw for name, value in group.values.items()})
                )
                for referent, group in asked.revealed_attr_groups.items()
            },
            predicates={referent: part.sub_proof_index for referent, part in asked.predicates.items()},
            others=frozenset({*asked.revealed_attrs, *asked.self_attested_attrs, *asked.unrevealed_attrs}),
            proof=self._by_common_names(),
        )

    def _by_common_names(self) -> dict[str, Any]:
        """Return what the library checks: it compares names shown letter for letter with those asked, which are ours.

        What is signed has common names only, so the same is proven.
        """
        proof = self.model_dump()
        for group in proof["requested_proof"]["revealed_attr_groups"].values():
            group["values"] = by_common_name(group["values"])
        return proof
