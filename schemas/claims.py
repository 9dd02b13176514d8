"""Claims: validated before anything is signed, mapped to AnonCreds values, and read back.

1. The claim names attributes of its type only, and none that the issuer's agent computes (a year may be given if it
   agrees).
2. Every attribute that the type needs is there and has a value of its kind; it is kept in canonical form (`canonical`).
3. The values fit each other (`consistency`), and what must lie in the past does.
4. With the EQF level and crosswalk version from the governance file, the claim gives one raw text for each attribute
   of the type.

Every finding is reported at once. Findings name the attribute, what is expected and what kind of thing was found;
never a value.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.canonical import Value, ValueMismatch, from_raw, plain, to_raw
from wanderbuch.schemas.consistency import Inconsistency, inconsistencies, rank_of
from wanderbuch.schemas.credential_type import Computation, Computed, CredentialType

_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class ClaimError(CredentialError):
    """A claim or a set of credential values does not fit its credential type.

    Args:
        findings: all that is wrong, at least one.
    """

    def __init__(
        self, credential_type: CredentialType, findings: Iterable[Inconsistency], *, hint: str | None = None
    ) -> None:
        self.findings = tuple(findings)
        super().__init__(f"{credential_type.id}: {'; '.join(map(str, self.findings))}", hint=hint)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that was validated; only `validate_claim` and `read_values` make one.

    Args:
        raw: attribute name -> canonical raw text, for each attribute that a claim brings, in the type's order.
    """

    credential_type: CredentialType = field(repr=False)
    raw: Mapping[str, str] = field(repr=False, hash=False)

    @property
    def plain(self) -> dict[str, str]:
        """The values as an application writes them: itself a valid claim, so it can be kept and validated again."""
        return plain_values(self.credential_type, self.raw)

    @property
    def about(self) -> str:
        """What it is about: the code of an occupation, or of a language."""
        return self.raw[self.credential_type.about]

    @property
    def level(self) -> tuple[str, str] | None:
        """The framework and the level in its own words; None where the type has no level."""
        attribute = self.credential_type.level
        if attribute is None:
            return None
        return attribute.framework or self.raw[attribute.framework_attribute or ""], self.raw[attribute.name]

    def __getitem__(self, name: str) -> Value:
        """Return the value of the attribute `name`, None if there is none.

        Raises:
            CredentialError: a claim of this type has no such attribute.
        """
        attribute = self.credential_type.attribute(name)
        if name not in self.raw:
            raise CredentialError(f"{name} is computed; a claim of {self.credential_type.id} has none")
        return from_raw(attribute, self.raw[name])

    def to_values(self, *, eqf_level: int, crosswalk_version: str | None) -> dict[str, str]:
        """Return the raw text of every attribute, in the order of the AnonCreds schema.

        Args:
            eqf_level: the EQF level of the claim's framework and level on the day of award, 0 if there is no mapping.
            crosswalk_version: the version of the crosswalk that says so; None, "" or "none" if none was used (the
                framework is the EQF itself, or there is no crosswalk for it).

        Raises:
            ClaimError: level and crosswalk do not fit the claim.
        """
        values: dict[str, Value] = {name: self[name] for name in self.raw}
        texts = dict(self.raw)
        findings: list[Inconsistency] = []
        for attribute in self.credential_type.attributes:
            if attribute.computed is None:
                continue
            computed = _compute(self.credential_type, attribute.computed, values, eqf_level, crosswalk_version or None)
            try:
                texts[attribute.name] = to_raw(attribute, computed)
            except ValueMismatch as mismatch:
                findings.append(Inconsistency(attribute.name, mismatch.expected, mismatch.found))
                continue
            values[attribute.name] = from_raw(attribute, texts[attribute.name])
        findings += inconsistencies(self.credential_type, values)
        if findings:
            raise ClaimError(self.credential_type, findings)
        return {name: texts[name] for name in self.credential_type.attr_names}


@dataclass(frozen=True, slots=True)
class CredentialValues:
    """A whole set of credential values, read back: the claim and what the issuer's agent added.

    Args:
        crosswalk_version: None if no crosswalk was used.
    """

    claim: Claim
    eqf_level: int
    crosswalk_version: str | None


def validate_claim(credential_type: CredentialType, claim: Mapping[str, object], *, at: date | None = None) -> Claim:
    """Return the claim in canonical form.

    Args:
        credential_type: what the claim is a claim of.
        claim: attribute name -> value. Codes, levels and texts as str; numbers as int or str; dates as `date`,
            YYYYMMDD or YYYY-MM-DD; an attribute with an `absent` form may be left out or None.
        at: the last day that has begun anywhere; what must lie in the past is held against it. None leaves that rule
            out.

    Raises:
        ClaimError: the claim does not fit the type; all findings at once.
    """
    findings: list[Inconsistency] = []
    raw: dict[str, str] = {}
    values: dict[str, Value] = {}
    given = dict(claim)
    for attribute in credential_type.attributes:
        value = given.pop(attribute.name, None)
        if attribute.computed is not None and value is None:
            continue
        if attribute.computed is not None and attribute.computed.by is not Computation.YEAR_OF:
            findings.append(Inconsistency(attribute.name, "nothing: the issuer's agent computes it", "a value"))
            continue
        try:
            text = to_raw(attribute, value)
        except ValueMismatch as mismatch:
            findings.append(Inconsistency(attribute.name, mismatch.expected, mismatch.found))
            continue
        values[attribute.name] = parsed = from_raw(attribute, text)
        if attribute.computed is None:
            raw[attribute.name] = text
        if attribute.past and at is not None and isinstance(parsed, date) and parsed > at:
            findings.append(Inconsistency(attribute.name, "a day that is not in the future", "a later day"))
    findings += (
        Inconsistency(_shown(name), f"an attribute of {credential_type.id}", "an unknown name") for name in given
    )
    findings += inconsistencies(credential_type, values)
    if findings:
        raise ClaimError(credential_type, findings)
    return Claim(credential_type, MappingProxyType(raw))


def read_values(credential_type: CredentialType, values: Mapping[str, object]) -> CredentialValues:
    """Return what a whole set of credential values says: the inverse of `Claim.to_values`.

    For issuers before they sign and holders before they accept: every attribute is there and canonical, and all fit
    each other.

    Raises:
        ClaimError: they do not fit the type; all findings at once.
    """
    missing = [
        Inconsistency(name, "a value for each attribute of the type", "none")
        for name in credential_type.attr_names
        if name not in values
    ]
    if missing:
        raise ClaimError(credential_type, missing)
    read = read_revealed(credential_type, values)
    claim = Claim(
        credential_type,
        MappingProxyType({attribute.name: str(values[attribute.name]) for attribute in credential_type.claimed}),
    )
    return CredentialValues(
        claim,
        eqf_level=next(
            (int(str(read[attribute.name])) for attribute in credential_type.computed_by(Computation.CROSSWALK_LEVEL)),
            0,
        ),
        crosswalk_version=next(
            (
                _optional_text(read[attribute.name])
                for attribute in credential_type.computed_by(Computation.CROSSWALK_VERSION)
            ),
            None,
        ),
    )


def plain_values(credential_type: CredentialType, raws: Mapping[str, str]) -> dict[str, str]:
    """Return raw texts as people and applications write them; what the type does not know is left as it is.

    >>> from wanderbuch.schemas.credential_type import load_credential_type
    >>> plain_values(load_credential_type("qualification/1.0"), {"credential_id": "#0017", "other": "#0017"})
    {'credential_id': '0017', 'other': '#0017'}
    """
    return {
        name: plain(credential_type.attribute(name), raw) if name in credential_type.attr_names else raw
        for name, raw in raws.items()
    }


def read_revealed(credential_type: CredentialType, values: Mapping[str, object]) -> dict[str, Value]:
    """Return the parsed values of some attributes of one credential, such as those that a holder reveals together.

    Raises:
        ClaimError: a name is unknown, a raw text is not canonical, or the values do not fit each other; all findings
            at once.
    """
    findings: list[Inconsistency] = []
    read: dict[str, Value] = {}
    for name, raw in values.items():
        if name not in credential_type.attr_names:
            findings.append(Inconsistency(_shown(name), f"an attribute of {credential_type.id}", "an unknown name"))
            continue
        try:
            read[name] = from_raw(credential_type.attribute(name), raw)
        except ValueMismatch as mismatch:
            findings.append(Inconsistency(name, mismatch.expected, mismatch.found))
    findings += inconsistencies(credential_type, read)
    if findings:
        raise ClaimError(credential_type, findings)
    return read


def _compute(
    credential_type: CredentialType,
    computed: Computed,
    values: Mapping[str, Value],
    eqf_level: int,
    crosswalk_version: str | None,
) -> Value:
    """Return the value of a computed attribute; what it is computed from is in `values`."""
    source = values.get(computed.attribute or "")
    match computed.by:
        case Computation.CROSSWALK_LEVEL:
            return eqf_level
        case Computation.CROSSWALK_VERSION:
            return crosswalk_version
        case Computation.YEAR_OF:
            return source.year if isinstance(source, date) else None
        case Computation.RANK_OF:
            return rank_of(credential_type, computed, values)
        case Computation.AT_LEAST:
            return int(isinstance(source, int) and source >= (computed.level or 0))


def _optional_text(value: Value) -> str | None:
    return None if value is None else str(value)


def _shown(name: object) -> str:
    """Return an unknown attribute's name if it looks like one; anything else might be a value."""
    return name if isinstance(name, str) and _PLAIN_NAME.fullmatch(name) else "(a name in another form)"
