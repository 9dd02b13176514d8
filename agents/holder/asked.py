"""What a proof request asks, read once and said in plain words.

A received AnonCreds proof request is foreign input, and a wrong type in it can crash the native library:
`parse_proof_request` takes only what is well formed and small, everything after it works on the parsed form. There each
attribute has its common name (`attribute_names`): who asks for "Birth_Date" asks for the birth date.
Source: AnonCreds specification 1.0, "Presentation Request"; Aries RFC 0771 (attachment formats).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from wanderbuch.errors import PresentationError
from wanderbuch.schemas.attribute_names import common_name
from wanderbuch.schemas.canonical import unmarked

MAX_REFERENTS = 40
MAX_NAMES = 64
MAX_RESTRICTIONS = 100

# The thermometer attribute of a level: "eqf_min_3" = "1" says "EQF level 3 or more".
_THERMOMETER = re.compile(r"(eqf)_min_([1-8])|(cefr)_min_([abc][12])")
_ATTRIBUTE = re.compile(r"^attr::(.+)::(?=(?:value|marker)$)")
_VALUE_RESTRICTION = re.compile(r"attr::(.+)::value")

_Text = Annotated[str, StringConstraints(min_length=1, max_length=512, strict=True)]
_Int32 = Annotated[int, Field(strict=True, ge=-(2**31), le=2**31 - 1)]
_Epoch = Annotated[int, Field(strict=True, ge=0, le=2**53)]
_Restriction = Annotated[dict[_Text, _Text], Field(max_length=64)]


class AskedKind(Enum):
    """What happens to an attribute if the holder agrees."""

    SHOW = "show"  # the value is revealed
    PROVE = "prove"  # a statement about it is proven, the value stays hidden
    MUST_BE = "must_be"  # the verifier accepts only these values
    NOT_REVOKED = "not_revoked"  # proven without telling which credential it is


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a request asks, in words."""

    kind: AskedKind
    attribute: str | None
    text: str


@dataclass(frozen=True, slots=True)
class NamesGroup:
    """Attributes that must be shown together from one credential.

    Args:
        restrictions: alternatives; a credential fits if it satisfies all of one. Empty = anything fits.
    """

    referent: str
    names: tuple[str, ...]
    restrictions: tuple[Mapping[str, str], ...]
    non_revoked: bool


@dataclass(frozen=True, slots=True)
class AskedPredicate:
    """A comparison that must be proven; the value stays hidden."""

    referent: str
    name: str
    operator: Literal["<", "<=", ">=", ">"]
    bound: int
    restrictions: tuple[Mapping[str, str], ...]
    non_revoked: bool

    @property
    def group(self) -> str:
        """The referent of the group that its name says it belongs to."""
        return self.referent.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """A well-formed proof request.

    Args:
        until: the earliest instant for which any part asks that the credential is not revoked, in seconds since 1970;
            None: now.
    """

    name: str
    groups: tuple[NamesGroup, ...]
    predicates: tuple[AskedPredicate, ...]
    until: int | None = None

    @property
    def parts(self) -> "tuple[NamesGroup | AskedPredicate, ...]":
        """Everything that is asked, groups first."""
        return (*self.groups, *self.predicates)

    @property
    def of_each(self) -> "tuple[ProofRequest, ...]":
        """What is asked of each credential; of one, where nothing tells which part is of which.

        Several groups are of several credentials. A predicate is of the group with whose name its own begins, before a
        point: so our verifiers name it.
        """
        if len(self.groups) < 2:
            return (self,)
        names = {group.referent for group in self.groups}
        if any(predicate.group not in names for predicate in self.predicates):
            return (self,)
        return tuple(
            ProofRequest(
                self.name,
                (group,),
                tuple(predicate for predicate in self.predicates if predicate.group == group.referent),
                self.until,
            )
            for group in self.groups
        )

    @property
    def shown(self) -> frozenset[str]:
        """The attributes whose values would be revealed."""
        return frozenset(name for group in self.groups for name in group.names)

    @property
    def learnt(self) -> frozenset[str]:
        """The attributes of which an answer tells the value, or nearly: those shown, and more.

        An answer goes out only where the credential fits, so whoever restricts an attribute by its value learns it, and
        so does who asks for a bound on either side. An alternative counts, too: no credential may fit the others.
        """
        sides = {(predicate.name, predicate.operator[0]) for predicate in self.predicates}
        between = {name for name, side in sides if side == "<" and (name, ">") in sides}
        restricted = {
            name for part in self.parts for alternative in part.restrictions for name in _restricted(alternative)
        }
        return self.shown | between | restricted

    @property
    def non_revoked(self) -> bool:
        """Whether any part asks for a proof that the credential is not revoked."""
        return any(part.non_revoked for part in self.parts)


def parse_proof_request(received: object) -> ProofRequest:
    """Return a received proof request as a typed one.

    Args:
        received: the decoded JSON of the attachment, as it came.

    Raises:
        PresentationError: it is malformed, too large, or asks nothing.
    """
    try:
        model = _Request.model_validate(received)
    except ValidationError as err:
        first = err.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step)[:40] for step in first["loc"]) or "the request"
        raise PresentationError(f"the proof request is malformed at {where}: {first['msg']}") from err
    groups = tuple(
        NamesGroup(
            referent,
            tuple(dict.fromkeys(common_name(name) for name in part.names or [part.name or ""])),
            _restrictions(part.restrictions),
            part.non_revoked is not None or model.non_revoked is not None,
        )
        for referent, part in model.requested_attributes.items()
    )
    predicates = tuple(
        AskedPredicate(
            referent,
            common_name(part.name),
            part.p_type,
            part.p_value,
            _restrictions(part.restrictions),
            part.non_revoked is not None or model.non_revoked is not None,
        )
        for referent, part in model.requested_predicates.items()
    )
    own = [part.non_revoked for part in model.requested_attributes.values()]
    own += [part.non_revoked for part in model.requested_predicates.values()]
    intervals = [interval or model.non_revoked for interval in own]
    until = min(
        (interval.to for interval in intervals if interval is not None and interval.to is not None), default=None
    )
    return ProofRequest(model.name or "", groups, predicates, until)


def in_words(
    request: ProofRequest, *, labels: Mapping[str, str], occupation_label: Callable[[str], str | None]
) -> tuple[Item, ...]:
    """Say what a request asks, in the order a reader cares about: shown, proven, required, not revoked.

    Args:
        request: the parsed request.
        labels: attribute name -> label for people; a name without one is shown as it is.
        occupation_label: "C7212" -> "Welders and flame cutters", None if unknown.
    """

    def label(name: str) -> str:
        return labels.get(name, name)

    shown: list[Item] = []
    proven: list[Item] = []
    for group in request.groups:
        for name in group.names:
            level = thermometer_level(name)
            if level is not None and allowed_values(group.restrictions, name) == ("1",):
                proven.append(Item(AskedKind.PROVE, name, f"Proves: {level} or more. The level stays hidden."))
            elif level is not None:
                shown.append(Item(AskedKind.SHOW, name, f"Shows whether it reaches {level}."))
            else:
                shown.append(Item(AskedKind.SHOW, name, f"Shows: {label(name)}."))
    learnt = request.learnt
    proven += [
        Item(
            AskedKind.PROVE,
            predicate.name,
            f"Proves: {label(predicate.name)} is {_OPERATORS[predicate.operator]} {predicate.bound}."
            + ("" if predicate.name in learnt else " The value stays hidden."),
        )
        for predicate in request.predicates
    ]
    required: dict[str, Item] = {}
    for part in request.parts:
        for name in sorted({key for alternative in part.restrictions for key in _restricted(alternative)}):
            if name in request.shown and thermometer_level(name) is not None:
                continue  # told already
            values, required_if = allowed_values(part.restrictions, name), "Required"
            if not values and name not in request.shown:
                values, required_if = _some_values(part.restrictions, name), "Required, unless something else holds"
            if values:
                told = " or ".join(_told(name, value, occupation_label) for value in values)
                required.setdefault(name, Item(AskedKind.MUST_BE, name, f"{required_if}: {label(name)} is {told}."))
    items = [*shown, *proven, *required.values()]
    if request.non_revoked:
        items.append(Item(AskedKind.NOT_REVOKED, None, "Proves: the credential is not revoked."))
    return tuple(items)


def stays_hidden(request: ProofRequest, attributes: Sequence[str]) -> tuple[str, ...]:
    """Return those of a credential's attributes of which the verifier would learn no value, in their order."""
    learnt = request.learnt  # made anew at each look
    return tuple(name for name in attributes if name not in learnt)


def thermometer_level(name: str) -> str | None:
    """Return which level a thermometer attribute is of, None for any other attribute.

    >>> thermometer_level("eqf_min_3"), thermometer_level("cefr_min_b1"), thermometer_level("eqf_level")
    ('EQF level 3', 'CEFR level B1', None)
    """
    match = _THERMOMETER.fullmatch(name)
    if match is None:
        return None
    scale, level = (group for group in match.groups() if group is not None)
    return f"{scale.upper()} level {level.upper()}"


def allowed_values(restrictions: Sequence[Mapping[str, str]], name: str) -> tuple[str, ...]:
    """Return the values of attribute `name` that the alternatives allow; empty if some alternative leaves it open."""
    key = f"attr::{name}::value"
    if not restrictions or any(key not in alternative for alternative in restrictions):
        return ()
    return _some_values(restrictions, name)


def _some_values(restrictions: Sequence[Mapping[str, str]], name: str) -> tuple[str, ...]:
    key = f"attr::{name}::value"
    return tuple(sorted({alternative[key] for alternative in restrictions if key in alternative}))


def _restrictions(received: Sequence[Mapping[str, str]] | None) -> tuple[Mapping[str, str], ...]:
    """Return the alternatives with their attributes by common name.

    Raises:
        PresentationError: one alternative restricts an attribute in two spellings.
    """
    restrictions = tuple(
        {
            _ATTRIBUTE.sub(lambda match: f"attr::{common_name(match[1])}::", key): value
            for key, value in restriction.items()
        }
        for restriction in received or ()
    )
    if any(len(read) != len(restriction) for read, restriction in zip(restrictions, received or (), strict=True)):
        raise PresentationError("the proof request restricts one attribute in two spellings")
    return restrictions


_OPERATORS = {"<": "less than", "<=": "at most", ">=": "at least", ">": "more than"}


class _Interval(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)
    from_: _Epoch | None = Field(default=None, alias="from")
    to: _Epoch | None = None


class _Attribute(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: _Text | None = None
    names: Annotated[list[_Text], Field(min_length=1, max_length=MAX_NAMES)] | None = None
    restrictions: Annotated[list[_Restriction], Field(max_length=MAX_RESTRICTIONS)] | None = None
    non_revoked: _Interval | None = None

    @model_validator(mode="after")
    def _one_of_name_and_names(self) -> "_Attribute":
        if (self.name is None) == (self.names is None):
            raise ValueError("expected either name or names")
        return self


class _Predicate(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: _Text
    p_type: Literal["<", "<=", ">=", ">"]
    p_value: _Int32
    restrictions: Annotated[list[_Restriction], Field(max_length=MAX_RESTRICTIONS)] | None = None
    non_revoked: _Interval | None = None


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: Annotated[str, StringConstraints(max_length=512, strict=True)] | None = None
    requested_attributes: Annotated[dict[_Text, _Attribute], Field(max_length=MAX_REFERENTS)]
    requested_predicates: Annotated[dict[_Text, _Predicate], Field(max_length=MAX_REFERENTS)]
    non_revoked: _Interval | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> "_Request":
        if not self.requested_attributes and not self.requested_predicates:
            raise ValueError("it asks for nothing")
        if self.requested_attributes.keys() & self.requested_predicates.keys():
            raise ValueError("an attribute and a predicate share a referent")
        return self


def _restricted(alternative: Mapping[str, str]) -> tuple[str, ...]:
    """Return the attribute names whose value an alternative fixes."""
    return tuple(match[1] for key in alternative if (match := _VALUE_RESTRICTION.fullmatch(key)))


def _told(name: str, value: str, occupation_label: Callable[[str], str | None]) -> str:
    """Return a required value with its label, where it has one."""
    if name == "occupation_isco08" and (known := occupation_label(value)):
        return f"{value} ({known})"
    return unmarked(value)
