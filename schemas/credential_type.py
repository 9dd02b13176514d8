"""Credential types: what a credential says, attribute by attribute.

A type is a data file (`data/type_<name>_<version>.json`, described by `data/credential_type.schema.json`). The order
of its attributes is the order of attrNames in the AnonCreds schema of the same name and version. A published version
never changes.

>>> qualification = load_credential_type("qualification/1.0")
>>> qualification.attr_names[4], qualification.attribute("birth_date").personal
('occupation_isco08', True)
>>> qualification.thermometer(4).name
'eqf_min_4'
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.attribute_names import are_distinct, common_name
from wanderbuch.schemas.countries import iso3166
from wanderbuch.schemas.data_file import Source, data_file_names, parse_sources, read_json, reading
from wanderbuch.schemas.frameworks import framework, frameworks
from wanderbuch.schemas.languages import iso639
from wanderbuch.schemas.local_text import LocalText
from wanderbuch.schemas.occupations import isco08, unit_groups


class Kind(Enum):
    """What sort of value an attribute holds; how each is written is said in `canonical`."""

    TEXT = "text"
    INTEGER = "integer"
    DATE = "date"
    CODE = "code"  # one of a closed list
    LEVEL = "level"  # a level of the framework that another attribute, or the type itself, names


class Computation(Enum):
    """How the issuer's agent computes an attribute that a claim does not bring."""

    CROSSWALK_LEVEL = "crosswalk_level"  # the EQF level that the governance file's crosswalk gives, 0 = no mapping
    CROSSWALK_VERSION = "crosswalk_version"  # the version of that crosswalk
    YEAR_OF = "year_of"  # the year of a date
    RANK_OF = "rank_of"  # the rank of a level in its framework, 1 for the lowest
    AT_LEAST = "at_least"  # thermometer: 1 if a number is `level` or more, else 0


@dataclass(frozen=True, slots=True)
class Computed:
    """Where a computed attribute comes from.

    Args:
        attribute: the attribute it is computed from; None for what the crosswalk gives.
        level: the bound of a thermometer attribute, else None.
    """

    by: Computation
    attribute: str | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """What is signed in place of a value that is not there, and how that is said."""

    raw: str
    label: LocalText


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of a credential type.

    Args:
        example: an invented value in canonical form.
        unit: what one step of the value is ("day", "year", "level of the EQF"); None where it has no size.
        personal: the value may single out the holder, alone or with little else.
        absent: set if a claim may leave the attribute out.
        computed: set if the issuer's agent computes it.
        max_bytes: limit in UTF-8 (text).
        minimum, maximum: bounds, both included (integer).
        earliest, latest: bounds, both included (date).
        past: not after the day on which a claim is checked (date).
        codes: canonical code -> label (code).
        code_list: the name of the list that `codes` comes from; None if the type brings its own (code).
        framework_attribute: the attribute that names the framework (level).
    """

    name: str
    kind: Kind
    personal: bool
    label: LocalText
    description: LocalText
    example: str
    unit: str | None = None
    absent: Absent | None = None
    computed: Computed | None = None
    max_bytes: int = 0
    minimum: int = 0
    maximum: int = 0
    earliest: date = date.min
    latest: date = date.max
    past: bool = False
    codes: Mapping[str, LocalText] = MappingProxyType({})
    code_list: str | None = None
    framework_attribute: str | None = None
    framework: str | None = None


@dataclass(frozen=True, slots=True)
class DateOrder:
    """Two dates in order: `earlier` is not after `later`, and so many whole years lie between them."""

    earlier: str
    later: str
    min_years: int = 0
    max_years: int | None = None


@dataclass(frozen=True, slots=True)
class Length:
    """A number of months that is at most the time from one day to another."""

    months: str
    earlier: str
    later: str


@dataclass(frozen=True)
class CredentialType:
    """What a credential says.

    Args:
        name, version: of the AnonCreds schema.
        attributes: in the order of the schema's attrNames.
        orders: the dates that must stand in order.
        lengths: the numbers of months that two dates bound.
    """

    name: str
    version: str
    label: LocalText
    description: LocalText
    sources: tuple[Source, ...]
    attributes: tuple[Attribute, ...]
    orders: tuple[DateOrder, ...]
    lengths: tuple[Length, ...] = ()

    @property
    def id(self) -> str:
        """Name and version: "qualification/1.0"."""
        return f"{self.name}/{self.version}"

    @cached_property
    def attr_names(self) -> tuple[str, ...]:
        """The attribute names in the order of the AnonCreds schema."""
        return tuple(attribute.name for attribute in self.attributes)

    @cached_property
    def claimed(self) -> tuple[Attribute, ...]:
        """The attributes that a claim brings, in order."""
        return tuple(attribute for attribute in self.attributes if attribute.computed is None)

    def attribute(self, name: str) -> Attribute:
        """Return the attribute `name`.

        Raises:
            CredentialError: the type has no such attribute.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise CredentialError(f"expected an attribute of {self.id}, found another name") from None

    def computed_by(self, computation: Computation) -> tuple[Attribute, ...]:
        """Return the attributes that are computed in this way, in order."""
        return tuple(
            attribute for attribute in self.attributes if attribute.computed and attribute.computed.by is computation
        )

    def thermometer(self, level: int, *, of: str = "eqf_level") -> Attribute:
        """Return the attribute that, shown as "1", proves "`of` is `level` or more".

        Raises:
            CredentialError: the type has none for this level.
        """
        for attribute in self.computed_by(Computation.AT_LEAST):
            if attribute.computed == Computed(Computation.AT_LEAST, of, level):
                return attribute
        raise CredentialError(f"{self.id} has no thermometer attribute for {of} {level} or more")

    @cached_property
    def about(self) -> str:
        """The attribute that says what the credential is about: an occupation, or a language."""
        return next(attribute.name for attribute in self.attributes if attribute.code_list in _ABOUT)

    @cached_property
    def level(self) -> Attribute | None:
        """The attribute with the level as its framework writes it; None where the type has no level."""
        return next((attribute for attribute in self.attributes if attribute.kind is Kind.LEVEL), None)

    @cached_property
    def _by_name(self) -> Mapping[str, Attribute]:
        return MappingProxyType({attribute.name: attribute for attribute in self.attributes})


def load_credential_type(type_id: str) -> CredentialType:
    """Return the credential type `type_id`, such as "qualification/1.0"; read once.

    Raises:
        CredentialError: there is no such type.
        ConfigurationError: the installation is damaged.
    """
    try:
        return _load_all()[type_id]
    except KeyError:
        known = ", ".join(_load_all())
        raise CredentialError(f"expected a credential type ({known}), found another name") from None


def list_credential_types() -> tuple[CredentialType, ...]:
    """Return all credential types, by name and version."""
    return tuple(_load_all().values())


@cache
def _load_all() -> Mapping[str, CredentialType]:
    loaded = (_load(name) for name in data_file_names(prefix="type_", suffix=".json"))
    return MappingProxyType({credential_type.id: credential_type for credential_type in loaded})


def _load(name: str) -> CredentialType:
    document = read_json(name)
    with reading(name):
        loaded = CredentialType(
            name=document["name"],
            version=document["version"],
            label=LocalText(document["label"]),
            description=LocalText(document["description"]),
            sources=parse_sources(document["sources"]),
            attributes=tuple(_attribute(attribute) for attribute in document["attributes"]),
            orders=tuple(DateOrder(**order) for order in document["orders"]),
            lengths=tuple(Length(**length) for length in document.get("lengths", ())),
        )
        _check_references(loaded)
        return loaded


def _attribute(document: dict[str, Any]) -> Attribute:
    """Return the parsed attribute; an unknown or missing member is a TypeError or KeyError."""
    fields = dict(document)
    fields["kind"] = Kind(fields["kind"])
    fields["label"] = LocalText(fields["label"])
    fields["description"] = LocalText(fields["description"])
    if "absent" in fields:
        fields["absent"] = Absent(fields["absent"]["raw"], LocalText(fields["absent"]["label"]))
    if "computed" in fields:
        computed = dict(fields["computed"])
        fields["computed"] = Computed(Computation(computed.pop("by")), **computed)
    for bound in ("earliest", "latest"):
        if bound in fields:
            fields[bound] = datetime.strptime(fields[bound], "%Y%m%d").date()  # noqa: DTZ007  a day has no zone
    if "code_list" in fields:
        fields["codes"] = _CODE_LISTS[fields["code_list"]]()
    elif "codes" in fields:
        fields["codes"] = MappingProxyType({code: LocalText(label) for code, label in fields["codes"].items()})
    return Attribute(**fields)


def _unit_group_codes() -> Mapping[str, LocalText]:
    return MappingProxyType({str(code): isco08().codes[code] for code in unit_groups()})


def _country_codes() -> Mapping[str, LocalText]:
    return iso3166().codes


def _language_codes() -> Mapping[str, LocalText]:
    return iso639().codes


def _framework_codes() -> Mapping[str, LocalText]:
    return MappingProxyType({code: known.label for code, known in frameworks().items()})


_ABOUT = ("isco08-unit-groups", "iso639-3")
_CODE_LISTS = {
    "isco08-unit-groups": _unit_group_codes,
    "iso3166-1-alpha-3": _country_codes,
    "frameworks": _framework_codes,
    "iso639-3": _language_codes,
}


def _check_references(loaded: CredentialType) -> None:
    """Raise ValueError if attributes have one name or name another that is not there or of another kind."""
    kinds = {attribute.name: attribute.kind for attribute in loaded.attributes}
    if not are_distinct(attribute.name for attribute in loaded.attributes):
        raise ValueError("expected each attribute name once; AnonCreds ignores case and spaces in it")
    if not any(attribute.code_list in _ABOUT for attribute in loaded.attributes):
        raise ValueError("expected an attribute that says for which occupation or language it is")
    if any(name != common_name(name) for name in kinds):
        raise ValueError("expected attribute names in lower case and without spaces, as AnonCreds compares them")
    wanted: list[tuple[str | None, Kind]] = []
    for attribute in loaded.attributes:
        if attribute.kind is Kind.LEVEL and attribute.framework is not None:
            framework(attribute.framework)
        elif attribute.kind is Kind.LEVEL:
            wanted.append((attribute.framework_attribute, Kind.CODE))
        if attribute.kind is Kind.CODE and not attribute.codes:
            raise ValueError(f"expected codes for {attribute.name}")
        if attribute.computed and attribute.computed.by is Computation.YEAR_OF:
            wanted.append((attribute.computed.attribute, Kind.DATE))
        if attribute.computed and attribute.computed.by is Computation.RANK_OF:
            wanted.append((attribute.computed.attribute, Kind.LEVEL))
        if attribute.computed and attribute.computed.by is Computation.AT_LEAST:
            wanted.append((attribute.computed.attribute, Kind.INTEGER))
    for order in loaded.orders:
        wanted += [(order.earlier, Kind.DATE), (order.later, Kind.DATE)]
    for length in loaded.lengths:
        wanted += [(length.months, Kind.INTEGER), (length.earlier, Kind.DATE), (length.later, Kind.DATE)]
    for name, kind in wanted:
        if name is None or kinds.get(name) is not kind:
            raise ValueError(f"expected an attribute {name!r} of kind {kind.value}")
