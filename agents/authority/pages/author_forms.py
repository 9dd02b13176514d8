"""The forms of what an authority says about its own order: how levels compare, and who must sign.

Some things are not as the file has them. In a table of levels `null` is a choice of its own, "no equal"; its version,
which credentials carry, is made where nobody wrote one. A party is named as the register names it, where it stands in
the register. `as_shown` and `as_kept` turn a statement into what the form shows, and back.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from wanderbuch.agents.authority.pages.statement_form import StatementForm
from wanderbuch.agents.site.fields import FormField, Kind, is_day
from wanderbuch.agents.site.sections import FormSection
from wanderbuch.governance.facts.file import EQF
from wanderbuch.governance.form.model import CROSSWALK, SIGNATORIES
from wanderbuch.schemas.frameworks import Measure, frameworks

_NO_EQUAL: Final = "none"
_EQUALS: Final = (*"12345678", _NO_EQUAL)
_PARTIES: Final = ("authority", "employers", "workers", "other")

FRAMEWORKS: Final = tuple(code for code in frameworks() if code != EQF)
"""Whose levels can be compared; those of EQF are what they are compared with."""

LEVEL_TABLE: Final = StatementForm(
    "crosswalks",
    CROSSWALK,
    "form.level_table",
    (
        FormSection(
            "",
            (
                FormField("framework", Kind.CHOICE, "form.framework", options=FRAMEWORKS),
                FormField("valid_from", Kind.DAY, "form.start"),
                FormField("valid_until", Kind.DAY, "form.end", is_needed=False),
                FormField(
                    "levels",
                    Kind.ROWS,
                    "form.levels_compared",
                    has_hint=True,
                    fields=(
                        FormField("level", Kind.TEXT, "crosswalk.level"),
                        FormField("eqf", Kind.CHOICE, "crosswalk.eqf", options=_EQUALS, option_words="crosswalk."),
                    ),
                ),
                FormField("source", Kind.TEXT, "crosswalk.source", has_hint=True),
            ),
        ),
        FormSection(
            "form.rarely",
            (FormField("version", Kind.TEXT, "form.table_name", has_hint=True, is_needed=False),),
            is_folded=True,
        ),
    ),
    is_header=True,
    is_of_author=True,
)
SIGNING: Final = StatementForm(
    "signatories",
    SIGNATORIES,
    "form.signing",
    (
        FormSection(
            "",
            (
                FormField("threshold", Kind.NUMBER, "form.signatures_needed", has_hint=True),
                FormField(
                    "parties",
                    Kind.ROWS,
                    "form.parties",
                    has_hint=True,
                    fields=(
                        FormField("name", Kind.TEXT, "form.name"),
                        FormField("kind", Kind.CHOICE, "form.party_for", options=_PARTIES, option_words="party."),
                        FormField("did", Kind.TEXT, "form.party_did", has_hint=True),
                    ),
                ),
            ),
        ),
    ),
    is_header=True,
    is_of_author=True,
    is_single=True,
)


def begun_table(framework: str, others: Sequence[Any], today: str) -> dict[str, Any]:
    """Return a new table of a framework's levels; what they equal is that of its latest table, if it has one.

    Args:
        framework: its code.
        others: the tables that there are, as JSON of any form.
        today: the day from which it holds unless somebody says otherwise.
    """
    own = [other for other in others if isinstance(other, Mapping) and other.get("framework") == framework]
    latest = max(own, key=lambda other: str(other.get("valid_from", "")), default=None)
    known = frameworks().get(framework)
    if latest is not None and isinstance(latest.get("levels"), list):
        levels = latest["levels"]
    else:
        is_of_language = known is not None and known.measures is Measure.LANGUAGES
        equal: dict[str, Any] = {"eqf": None} if is_of_language else {}
        levels = [{"level": code, **equal} for code in (known.levels if known else ())]
    return {"framework": framework, "valid_from": today, "levels": levels}


def as_shown(form: StatementForm, statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statement as its form shows it."""
    if form is not LEVEL_TABLE:
        return dict(statement)
    return {**statement, **_levels(statement, lambda eqf: _NO_EQUAL if eqf is None else str(eqf))}


def as_kept(
    form: StatementForm, statement: Mapping[str, Any], others: Sequence[Any], named: Mapping[str, str]
) -> dict[str, Any]:
    """Return a statement as the draft keeps it, of what its form gave.

    Args:
        form: its form.
        statement: what was read of the form.
        others: the other statements of its kind.
        named: the DIDs of participants, by the names that parties were given.
    """
    if form is SIGNING and isinstance(parties := statement.get("parties"), list):
        return {**statement, "parties": [_with_did(party, named) for party in parties]}
    if form is not LEVEL_TABLE:
        return dict(statement)
    table = {**statement, **_levels(statement, lambda eqf: None if eqf == _NO_EQUAL else int(eqf))}
    if not table.get("version") and is_day(table.get("valid_from")) and isinstance(table.get("framework"), str):
        taken = {other.get("version") for other in others if isinstance(other, Mapping)}
        table["version"] = _version(table["framework"], table["valid_from"], taken)
    return table


def names_of_parties(form: StatementForm, statement: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what parties are known by that were given no DID."""
    parties = statement.get("parties") if form is SIGNING else None
    dids = [party.get("did", "") for party in parties or () if isinstance(party, Mapping)]
    return tuple(did for did in dids if did and not did.startswith("did:"))


def _levels(statement: Mapping[str, Any], turned: Callable[[Any], Any]) -> dict[str, Any]:
    levels = statement.get("levels")
    if not isinstance(levels, list):
        return {}
    rows = [dict(row) if isinstance(row, Mapping) else {} for row in levels]
    return {"levels": [row | ({"eqf": turned(row["eqf"])} if "eqf" in row else {}) for row in rows]}


def _version(framework: str, valid_from: str, taken: Collection[Any]) -> str:
    short = f"{framework.lower()}-{valid_from[:4]}"
    return f"{framework.lower()}-{valid_from}" if short in taken else short


def _with_did(party: Any, named: Mapping[str, str]) -> Any:
    if not isinstance(party, Mapping):
        return party
    did = str(party.get("did", ""))
    return {**party, "did": named[did]} if did in named else dict(party)
