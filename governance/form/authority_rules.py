"""The rules of what an authority says about its own order: regulated occupations, refusals, who goes on, who signs.

Errors, regulations: 1. only the author states them; 2. an id stands once; 3. countries exist; 4. intervals, as in
`scope_rules`. Errors, refusals: 5. an id stands once; 6. it was decided before the file was made. Errors, signatories:
7. only the author states them; 8. each party stands once, the author among them; 9. the threshold is not above the
number of parties. Errors, divided: 10. only the author states it; 11. its parts have each value of its bits once.
Errors, successions: 16. only the author states them; 17. an id stands once; 18. a centre has one successor, another
issuer, and no way along them leads back; 19. as 6. That occupations exist, and that each regulation and refusal names
whom to appeal to, is part of its form.

Warnings: 12. a refused applicant that was accredited for the same occupation on that day; 13. the author does not sign
as the authority; 14. fewer signatures than parties of more than one kind are needed, so one side can decide alone; 15.
a party whose DID is no did:webvh, so nobody can check its signature.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from wanderbuch.governance.facts.groups import covers_whole
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import covers
from wanderbuch.governance.form.findings import Finding, error, warning
from wanderbuch.governance.form.model import AnyAccreditation
from wanderbuch.governance.form.parts import Parts, Placed
from wanderbuch.governance.form.scope_rules import (
    by_author,
    counting_days,
    countries_known,
    ids_once,
    intervals_in_order,
)
from wanderbuch.governance.form.statement_domain import division
from wanderbuch.governance.form.statement_model import RefusalJson, SignatoriesJson


def authority_findings(parts: Parts, latest: date | None) -> Iterator[Finding]:
    """Yield every finding of this module; `latest` is the last day a decision can have been made."""
    yield from ids_once("regulation", parts.regulations)  # 2
    for regulation in parts.regulations:
        yield from by_author("regulation", regulation, parts)  # 1
        yield from countries_known(regulation, regulation.content.jurisdictions)  # 3
        yield from intervals_in_order(regulation, regulation.content.intervals)  # 4
    yield from ids_once("refusal", parts.refusals)  # 5
    refused = {refusal.did for refusal in parts.refusals}
    accredited: dict[str, list[Placed[AnyAccreditation]]] = {}
    for accreditation in parts.accreditations:
        if accreditation.did in refused:
            accredited.setdefault(accreditation.did, []).append(accreditation)
    for refusal in parts.refusals:
        if latest is not None and refusal.content.decided_on > latest:  # 6
            message = f"expected a decision made before the file was, found {refusal.content.decided_on}"
            yield error(refusal.at("decided_on"), "decision-in-past", message, "publish it when it is made")
        yield from _contradiction(refusal, accredited.get(refusal.did, ()))
    yield from _successions(parts, latest)
    for signatories in parts.signatories:
        yield from by_author("signatories", signatories, parts)  # 7
        yield from _signatories(signatories, parts)
    for divided in parts.divided:
        yield from by_author("divided", divided, parts)  # 10
        stated = division(divided.content)
        if not stated.is_whole:  # 11
            wanted, last = 2**stated.bits, stated.ends[-1] if stated.ends else 0
            message = f"expected parts of {wanted} buckets, one for each value of {stated.bits} bits, found {last}"
            yield error(divided.at("parts"), "part-for-each", message, "divide the file anew")


def _contradiction(
    refusal: Placed[RefusalJson], accreditations: Iterable[Placed[AnyAccreditation]]
) -> Iterator[Finding]:
    day = DateSpan(refusal.content.decided_on, refusal.content.decided_on)
    for accreditation in accreditations:
        statement = accreditation.content
        if not covers(counting_days(statement.intervals, statement.status), day):
            continue
        for position, code in enumerate(refusal.content.occupations):
            if covers_whole(statement.occupations, statement.excluded_occupations, code):  # 12
                message = f"on that day {statement.id} accredited the same applicant for {code}"
                fix = "a refusal takes nothing away; suspend or withdraw the accreditation if that was meant"
                yield warning(refusal.at("occupations", position), "refused-and-accredited", message, fix)


def _successions(parts: Parts, latest: date | None) -> Iterator[Finding]:
    yield from ids_once("succession", parts.successions)  # 17
    successors: dict[str, str] = {}
    for succession in parts.successions:
        yield from by_author("succession", succession, parts)  # 16
        content = succession.content
        if content.centre in successors:  # 18
            message = "expected one successor of a centre, found another"
            yield error(succession.at("centre"), "succession-of-one", message, "remove one")
            continue
        successors[content.centre] = content.successor
        if _leads_to(content.successor, content.centre, successors):
            message = "expected another issuer as the successor, found one that leads back to the centre"
            yield error(succession.at("successor"), "succession-by-another", message, "name another, or remove one")
        if latest is not None and content.decided_on > latest:  # 19
            message = f"expected a decision made before the file was, found {content.decided_on}"
            yield error(succession.at("decided_on"), "decision-in-past", message, "publish it when it is made")


def _leads_to(start: str, end: str, successors: Mapping[str, str]) -> bool:
    """Return whether the way from one DID along its successors comes to another; none before it leads back."""
    at: str | None = start
    for _ in range(len(successors) + 1):
        if at is None or at == end:
            break
        at = successors.get(at)
    return at == end


def _signatories(signatories: Placed[SignatoriesJson], parts: Parts) -> Iterator[Finding]:
    signatories_json = signatories.content
    seen: set[str] = set()
    for position, party in enumerate(signatories_json.parties):  # 8
        if party.did in seen:
            message = "expected each party once, found this DID again"
            yield error(signatories.at("parties", position, "did"), "party-once", message, "remove one")
        if party.did.method != "webvh":  # 15
            path = signatories.at("parties", position, "did")
            message = f"expected a did:webvh, found a did:{party.did.method}, whose signature nobody here can check"
            yield warning(path, "signature-checkable", message, "ask the party for its did:webvh")
        seen.add(party.did)
    if parts.file is not None and parts.file.author not in seen:
        message = "expected the author among the parties, found other DIDs only"
        yield error(
            signatories.at("parties"), "author-signs", message, "add the author; its signature is always needed"
        )
    if signatories_json.threshold > len(seen):  # 9
        message = f"expected at most {len(seen)}, the number of parties, found {signatories_json.threshold}"
        yield error(signatories.at("threshold"), "threshold-reachable", message, "lower it, or add parties")
    own = [party for party in signatories_json.parties if parts.file is not None and party.did == parts.file.author]
    if own and own[0].kind != "authority":  # 13
        message = f"expected the author as authority, found {own[0].kind}"
        path = signatories.at("parties", signatories_json.parties.index(own[0]), "kind")
        yield warning(path, "author-is-authority", message, "correct it if that was not meant")
    kinds = {party.kind for party in signatories_json.parties}
    largest = max(sum(party.kind == kind for party in signatories_json.parties) for kind in kinds)
    if len(kinds) > 1 and signatories_json.threshold <= largest:  # 14
        message = (
            f"{signatories_json.threshold} of {len(signatories_json.parties)} is enough, so one side can decide alone"
        )
        yield warning(
            signatories.at("threshold"), "sides-sign", message, f"raise it to {largest + 1} if all are to agree"
        )
