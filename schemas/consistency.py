"""Whether the values of one credential fit each other.

The rules work on whatever part of the values is there, so the same ones judge a claim, a whole credential and the few
values that a holder reveals:

1. Dates stand in order, with the whole years between them that the type asks for.
2. A level belongs to the framework that is named with it.
3. A year is the year of its date.
4. A thermometer attribute is 1 exactly if the number reaches its level; among themselves a higher one is never 1 over
   a lower 0.
5. An EQF level of a qualification that was awarded in the EQF itself is that level, by no crosswalk; from any other
   framework an EQF level above 0, shown or proven by a thermometer attribute, names the crosswalk it came from.
6. A rank is that of its level.
7. A number of months is at most the time between its two days; a month that has begun counts as one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from wanderbuch.schemas.canonical import Value
from wanderbuch.schemas.credential_type import Computation, Computed, CredentialType, Kind
from wanderbuch.schemas.frameworks import EQF, frameworks


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """One thing that is wrong with a claim or credential.

    Args:
        attribute: its name.
        found: what kind of thing was found; never a value.
    """

    attribute: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.attribute}: expected {self.expected}, found {self.found}"


def inconsistencies(credential_type: CredentialType, values: Mapping[str, Value]) -> tuple[Inconsistency, ...]:
    """Return what does not fit together in `values`; attributes that are not there are not judged."""
    rules = (_dates_in_order, _levels_in_their_framework, _years_of_dates, _thermometers, _crosswalk, _ranks, _lengths)
    return tuple(finding for rule in rules for finding in rule(credential_type, values))


def _dates_in_order(credential_type: CredentialType, values: Mapping[str, Value]) -> Iterator[Inconsistency]:
    for order in credential_type.orders:
        match values.get(order.earlier), values.get(order.later):
            case date() as earlier, date() as later:
                if earlier > later:
                    yield Inconsistency(order.later, f"a day not before {order.earlier}", "an earlier day")
                elif order.min_years and _whole_years(earlier, later) < order.min_years:
                    yield Inconsistency(
                        order.later, f"a day {order.min_years} years or more after {order.earlier}", "fewer"
                    )
                elif order.max_years is not None and _whole_years(earlier, later) > order.max_years:
                    yield Inconsistency(
                        order.later, f"a day at most {order.max_years} years after {order.earlier}", "more"
                    )


def _levels_in_their_framework(credential_type: CredentialType, values: Mapping[str, Value]) -> Iterator[Inconsistency]:
    for attribute in credential_type.attributes:
        if attribute.kind is not Kind.LEVEL or attribute.framework_attribute is None:
            continue
        code, level = values.get(attribute.framework_attribute), values.get(attribute.name)
        if isinstance(code, str) and isinstance(level, str) and level not in frameworks()[code].levels:
            levels = ", ".join(frameworks()[code].levels)
            yield Inconsistency(attribute.name, f"a level of {code} ({levels})", "a level that it does not have")


def _years_of_dates(credential_type: CredentialType, values: Mapping[str, Value]) -> Iterator[Inconsistency]:
    for attribute in credential_type.computed_by(Computation.YEAR_OF):
        source = attribute.computed.attribute if attribute.computed else None
        day, year = values.get(source or ""), values.get(attribute.name)
        if isinstance(day, date) and year is not None and year != day.year:
            yield Inconsistency(attribute.name, f"the year of {source}", "another year")


def _thermometers(credential_type: CredentialType, values: Mapping[str, Value]) -> Iterator[Inconsistency]:
    marks: dict[str, list[tuple[int, str, int]]] = {}
    for attribute in credential_type.computed_by(Computation.AT_LEAST):
        mark = values.get(attribute.name)
        if attribute.computed and attribute.computed.attribute and isinstance(mark, int):
            level = attribute.computed.level or 0
            marks.setdefault(attribute.computed.attribute, []).append((level, attribute.name, mark))
    for source, levels in marks.items():
        number = values.get(source)
        for level, name, mark in levels:
            if isinstance(number, int) and mark != int(number >= level):
                yield Inconsistency(name, f"1 if {source} is {level} or more, else 0", "the opposite")
        for (_, lower_name, lower), (_, name, mark) in pairwise(sorted(levels)):
            if mark > lower:
                yield Inconsistency(name, f"0, as {lower_name} is 0", "1")


def _crosswalk(credential_type: CredentialType, values: Mapping[str, Value]) -> Iterator[Inconsistency]:
    leveled = next((attribute for attribute in credential_type.attributes if attribute.kind is Kind.LEVEL), None)
    eqf = next(iter(credential_type.computed_by(Computation.CROSSWALK_LEVEL)), None)
    version = next(iter(credential_type.computed_by(Computation.CROSSWALK_VERSION)), None)
    if leveled is None or leveled.framework_attribute is None or eqf is None or version is None:
        return
    framework, eqf_level = values.get(leveled.framework_attribute), values.get(eqf.name)
    if framework == EQF:
        level = values.get(leveled.name)
        if level is not None and eqf_level is not None and str(eqf_level) != level:
            yield Inconsistency(
                eqf.name, f"the same level as {leveled.name}, as the framework is the EQF", "another level"
            )
        if values.get(version.name) is not None:
            yield Inconsistency(version.name, "no crosswalk, as the framework is the EQF", "one")
    elif framework is not None and values.get(version.name, "") is None:
        thermometer = (values.get(attribute.name) for attribute in credential_type.computed_by(Computation.AT_LEAST))
        if eqf_level or any(thermometer):
            yield Inconsistency(version.name, f"the crosswalk that gave the {eqf.name}", "none")


def rank_of(credential_type: CredentialType, computed: Computed, values: Mapping[str, Value]) -> int | None:
    """Return the rank of a level in its framework, None if either is not there."""
    attribute = credential_type.attribute(computed.attribute or "")
    code, level = attribute.framework or values.get(attribute.framework_attribute or ""), values.get(attribute.name)
    if not isinstance(code, str) or not isinstance(level, str) or level not in frameworks()[code].levels:
        return None
    return frameworks()[code].levels[level].rank


def _ranks(credential_type: CredentialType, values: Mapping[str, Value]) -> Iterator[Inconsistency]:
    for attribute in credential_type.computed_by(Computation.RANK_OF):
        if attribute.computed is None or attribute.name not in values:
            continue
        rank = rank_of(credential_type, attribute.computed, values)
        if rank is not None and values[attribute.name] != rank:
            yield Inconsistency(attribute.name, f"the rank of {attribute.computed.attribute}", "another rank")


def _lengths(credential_type: CredentialType, values: Mapping[str, Value]) -> Iterator[Inconsistency]:
    for length in credential_type.lengths:
        match values.get(length.months), values.get(length.earlier), values.get(length.later):
            case int() as months, date() as earlier, date() as later:
                begun = 12 * (later.year - earlier.year) + later.month - earlier.month + (later.day >= earlier.day)
                if months > begun:
                    expected = f"at most the months from {length.earlier} to {length.later}"
                    yield Inconsistency(length.months, expected, "more")


def _whole_years(earlier: date, later: date) -> int:
    return later.year - earlier.year - ((later.month, later.day) < (earlier.month, earlier.day))
