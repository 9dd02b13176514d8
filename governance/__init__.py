"""Who may claim it: governance files (CTE 1.0 with our profile), their signatures and freshness, and the decision.

The library in one place. Names come from their modules when they are first used, so that a program which only wants a
type loads no more than that:

    >>> from datetime import UTC, date, datetime, timedelta
    >>> from importlib.resources import files
    >>> from wanderbuch.governance import Did, GovernanceSnapshot, issuer_standing, parse_file
    >>> file = parse_file(files("wanderbuch.governance").joinpath("files", "sri-lanka.example.json").read_bytes())
    >>> now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    Such a file counts only if its author signed it and vouches for it now: `verify_file`, `verify_freshness` and
    `snapshot_of` make a snapshot from what was fetched. This one is taken as it lies there:

    >>> snapshot = GovernanceSnapshot(file, "sha256:" + "0" * 64, fresh_until=now + timedelta(hours=1))
    >>> centre = next(one.did for one in file.participants if "Welding" in (one.name or ""))
    >>> welder = {"occupation": "C7212", "jurisdiction": "MLT", "eqf_level": 4, "on": date(2024, 6, 30), "at": now}
    >>> decision = issuer_standing(snapshot, issuer=centre, **welder)
    >>> decision.verdict.value, [reason.code for reason in decision.reasons]
    ('TRUSTED', ['issuer.accredited'])
    >>> issuer_standing(snapshot, issuer=Did.parse("did:example:nobody"), **welder).verdict.value
    'NOT_TRUSTED'

`decide` judges a credential that was shown, `issuer_standing` an issuer alone (`standing.standing`; its module has that
name here), `recognises` another authority, `may_ask` a verifier. The same as JSON, by TRQP 2.0: `parse_query`,
`answer_authorization`, `answer_recognition`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from wanderbuch.governance.deciding.asking_rules import may_ask as may_ask
    from wanderbuch.governance.deciding.decision import decide as decide
    from wanderbuch.governance.deciding.decision import explain as explain
    from wanderbuch.governance.deciding.decision import may_issue as may_issue
    from wanderbuch.governance.deciding.standing import recognises as recognises
    from wanderbuch.governance.deciding.standing import standing as issuer_standing  # noqa: F401 (typing)
    from wanderbuch.governance.deciding.trqp import answer_authorization as answer_authorization
    from wanderbuch.governance.deciding.trqp import answer_recognition as answer_recognition
    from wanderbuch.governance.deciding.trqp import parse_query as parse_query
    from wanderbuch.governance.divided.bulk import load_divided as load_divided
    from wanderbuch.governance.divided.bulk import load_partly as load_partly
    from wanderbuch.governance.facts.anoncreds_ids import CredDefId as CredDefId
    from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId as RevRegDefId
    from wanderbuch.governance.facts.file import GovernanceFile as GovernanceFile
    from wanderbuch.governance.facts.identifiers import Did as Did
    from wanderbuch.governance.facts.question import DateSpan as DateSpan
    from wanderbuch.governance.facts.question import Evidence as Evidence
    from wanderbuch.governance.facts.question import Purpose as Purpose
    from wanderbuch.governance.facts.question import Reason as Reason
    from wanderbuch.governance.facts.question import Requirement as Requirement
    from wanderbuch.governance.facts.question import TrustDecision as TrustDecision
    from wanderbuch.governance.facts.question import Verdict as Verdict
    from wanderbuch.governance.facts.snapshot import GovernanceSnapshot as GovernanceSnapshot
    from wanderbuch.governance.facts.sources import Binding as Binding
    from wanderbuch.governance.facts.sources import SourceId as SourceId
    from wanderbuch.governance.facts.statuses import StatusId as StatusId
    from wanderbuch.governance.form.validation import parse_file as parse_file
    from wanderbuch.governance.form.validation import validate_file as validate_file
    from wanderbuch.governance.signed.freshness import snapshot_of as snapshot_of
    from wanderbuch.governance.signed.freshness import verify_freshness as verify_freshness
    from wanderbuch.governance.signed.signing import SignedGovernanceFile as SignedGovernanceFile
    from wanderbuch.governance.signed.signing import verify_file as verify_file

_NAMES: Final = {
    "deciding.asking_rules": ("may_ask",),
    "divided.bulk": ("load_divided", "load_partly"),
    "deciding.decision": ("decide", "explain", "may_issue"),
    "facts.file": ("GovernanceFile",),
    "signed.freshness": ("snapshot_of", "verify_freshness"),
    "facts.anoncreds_ids": ("CredDefId", "RevRegDefId"),
    "facts.identifiers": ("Did",),
    "facts.question": ("DateSpan", "Evidence", "Purpose", "Reason", "Requirement", "TrustDecision", "Verdict"),
    "signed.signing": ("SignedGovernanceFile", "verify_file"),
    "facts.snapshot": ("GovernanceSnapshot",),
    "facts.sources": ("Binding", "SourceId"),
    "facts.statuses": ("StatusId",),
    "deciding.standing": ("recognises",),
    "deciding.trqp": ("answer_authorization", "answer_recognition", "parse_query"),
    "form.validation": ("parse_file", "validate_file"),
}
_PLACES: Final = {name: (module, name) for module, names in _NAMES.items() for name in names} | {
    "issuer_standing": ("deciding.standing", "standing")
}


def __getattr__(name: str) -> Any:
    """Return a name of the library from its module."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, there = _PLACES[name]
    return getattr(import_module(f"{__name__}.{module}"), there)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
