"""May this verifier ask that? Asked by the holder's agent before a person is bothered with a request.

Rules of `may_ask`, by the verification statements of the holder's own governance file:

1. Without a governance file nothing is known: UNKNOWN.
2. The file must be fresh at the instant of asking: else STALE.
3. The file says what the verifier may ask. Of whom it says nothing, nothing is known: UNKNOWN; such a verifier is shown
   as unknown, and the person may still decide to answer. So it is if the part that would name it was not read.
4. A statement concerns the credential type.
5. It is for the purpose that the verifier gives.
6. It is in force on a day that it is somewhere on earth at the instant of asking (`anywhere`).
7. It lists every attribute that would be revealed.
8. It lists every attribute about which a predicate is asked; to reveal an attribute says more, so whoever may ask for
   that may also ask for a predicate about it.

Rules 4 to 8 look for one statement that fits in every respect: what two statements allow for two purposes is never
added up to one bigger question. Whoever is listed and asks for more is NOT_TRUSTED. Statements of recognised
authorities are not followed: a recognition is about issuers. Where a statement counts is said by the file as a whole;
its `jurisdictions` are for people to read.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import PartMissingError
from wanderbuch.governance.facts.question import Purpose, Reason, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.spans import touches
from wanderbuch.governance.facts.statements import VerifierAuthorization
from wanderbuch.governance.facts.wording import stale, times


def may_ask(
    snapshot: GovernanceSnapshot | None,
    *,
    verifier: Did,
    credential_type: str,
    revealed: Collection[str],
    predicates: Collection[str],
    purpose: Purpose,
    at: datetime,
) -> TrustDecision:
    """Return whether the verifier may put this question.

    Args:
        snapshot: the governance of the one who is asked; None if there is none.
        verifier: who asks, proven by its DID; a label proves nothing.
        credential_type: of the credential asked for, such as "qualification/1.0".
        revealed: names of the attributes to be revealed.
        predicates: names of the attributes about which a predicate is asked.
        purpose: what the verifier says it is for.
        at: the instant of asking, aware.
    """
    if snapshot is None:  # 1
        reason = Reason("governance.missing", "There is no governance file that could be checked, so nothing is known.")
        return TrustDecision(Verdict.UNKNOWN, (reason,), None, at)

    def answer(verdict: Verdict, code: str, text: str, by: Iterable[VerifierAuthorization] = ()) -> TrustDecision:
        redress = tuple(sorted({authorization.redress for authorization in by}))
        return TrustDecision(verdict, (Reason(code, text), *snapshot.notes), snapshot.ref, at, redress=redress)

    if not snapshot.is_fresh(at):  # 2
        return answer(Verdict.STALE, "governance.stale", stale(snapshot))
    if not snapshot.file.holds(verifier):  # 3
        unread = "The part of the governance file that would name the verifier was not read."
        return answer(Verdict.UNKNOWN, PartMissingError.code, unread)
    fitting = snapshot.file.verifications_of(verifier)
    if not fitting:
        return answer(
            Verdict.UNKNOWN,
            "verifier.not_listed",
            "The governance file does not say what this verifier may ask. Answer only if you know who it is.",
        )
    today = days_anywhere(at)
    tests: tuple[tuple[str, Callable[[VerifierAuthorization], bool], Callable[[], str]], ...] = (
        (  # 4
            "verification.credential_type",
            lambda authorization: authorization.credential_type == credential_type,
            lambda: f"The verifier may not ask for credentials of type {credential_type}.",
        ),
        (  # 5
            "verification.purpose",
            lambda authorization: purpose in authorization.purposes,
            lambda: f"The verifier may not ask for the purpose {purpose.value}.",
        ),
        (  # 6
            "verification.not_in_force",
            lambda authorization: touches(authorization.intervals, today),
            lambda: f"The verifier may ask only {' or '.join(sorted(times(one.intervals) for one in fitting))}.",
        ),
        (  # 7
            "verification.attributes",
            lambda authorization: authorization.attributes.issuperset(revealed),
            lambda: f"The verifier may not ask to see {_beyond(revealed, (one.attributes for one in fitting))}.",
        ),
        (  # 8
            "verification.predicates",
            lambda authorization: (authorization.predicates | authorization.attributes).issuperset(predicates),
            lambda: (
                "The verifier may not ask about "
                f"{_beyond(predicates, (one.predicates | one.attributes for one in fitting))}."
            ),
        ),
    )
    for code, fits, text in tests:
        left = tuple(authorization for authorization in fitting if fits(authorization))
        if not left:
            return answer(Verdict.NOT_TRUSTED, code, text(), fitting)
        fitting = left
    ids = ", ".join(sorted(authorization.id for authorization in fitting))
    name = snapshot.file.participant_name(verifier) or str(verifier)
    return answer(Verdict.TRUSTED, "verifier.may_ask", f"{name} may ask this ({ids}).", fitting)


def _beyond(asked: Collection[str], allowed: Iterable[frozenset[str]]) -> str:
    """Return the names asked for beyond the statement that comes nearest."""
    beyond = [sorted(set(asked) - scope) for scope in allowed]
    nearest = min(beyond, key=lambda attributes: (len(attributes), attributes))
    return ", ".join(nearest)
