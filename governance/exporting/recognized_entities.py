"""W3C Recognized Entities 1.0 (working draft): the file as one RecognizedEntityCredential (VCDM 2.0), as JSON.

Who counts on the day of the export is a recognized entity with one action `issue` for each accreditation in force; who
may ask is one with actions `verify`. The scope (occupations, levels, award dates) is a JSON Schema in
`outputValidation`. What decides for a past award, where it counts and for what purpose is not expressible.

`validUntil` is never later than the first mandate that ends, so a copy that is passed on does not outlive what it says
(threat T10).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from wanderbuch.governance.exporting.export import (
    Export,
    Loss,
    counting_spans,
    exclusions_of,
    json_content,
    left_out,
    span_in_force,
)
from wanderbuch.governance.exporting.scope_schema import asking_schema, issuing_schema, output_validation
from wanderbuch.governance.facts.anywhere import days_anywhere, ends_at
from wanderbuch.governance.facts.file import GovernanceFile, Participant
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END, touches
from wanderbuch.governance.facts.statements import VerifierAuthorization

# The draft's own examples use the examples context; terms without a context of their own are what this one is for.
CONTEXTS: Final = ("https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2")


def recognized_entity_credential(file: GovernanceFile, *, at: datetime, lifetime: timedelta) -> Export:
    """Return the unsigned credential; `data_integrity.with_proof` signs it.

    Args:
        file: what is told.
        at: the instant of the export, aware; what counts then is told.
        lifetime: how long it is valid at most.
    """
    telling = _Telling(file, at)
    losses = telling.losses
    subjects = [entity for participant in file.participants if (entity := telling.entity(participant))]
    last = min((span.last for span in telling.spans if span.last != OPEN_END), default=None)
    until = at + lifetime
    if last is not None:
        until = min(until, ends_at(last))
    if not subjects:
        losses.append(
            Loss("entities.none", "", "nobody counts today, and a credential needs a subject: the author stands alone")
        )
        subjects = [{"id": file.author, "type": "RecognizedEntity"}]
    author = next((participant for participant in file.participants if participant.did == file.author), None)
    document: dict[str, Any] = {
        "@context": list(CONTEXTS),
        "id": f"urn:wanderbuch:governance:{file.id}:{file.version}",
        "type": ["VerifiableCredential", "RecognizedEntityCredential"],
        "name": file.name,
        "issuer": {"id": file.author, "type": "RecognizedIssuer", **_described(author)},
        "validFrom": _instant(at),
        "validUntil": _instant(until),
        "credentialSubject": subjects,
    }
    losses.append(Loss("draft", "", "the format is an experimental draft of W3C; readers of it may change"))
    return Export(json_content(document), tuple(losses))


class _Telling:
    """What is told, entity by entity; `spans` and `losses` grow."""

    def __init__(self, file: GovernanceFile, at: datetime) -> None:
        self.losses: list[Loss] = list(left_out(file, "verifications"))
        self.spans: list[DateSpan] = []  # of award dates and of asking, in which all that is told holds
        self._file = file
        self._at = at
        self._exclusions = exclusions_of(file)
        self._verifications: dict[str, list[VerifierAuthorization]] = {}
        for verification in file.verifications:
            self._verifications.setdefault(verification.verifier, []).append(verification)

    def entity(self, participant: Participant) -> dict[str, Any] | None:
        """Return the recognized entity that a participant is, None if it may do nothing today."""
        actions = [*self._issuing(participant), *self._asking(participant)]
        if not actions:
            return None
        return {
            "id": participant.did,
            "type": "RecognizedEntity",
            **_described(participant),
            "recognizedTo": actions if len(actions) > 1 else actions[0],
        }

    def _issuing(self, participant: Participant) -> Iterator[dict[str, Any]]:
        excluded = self._exclusions.get(participant.did, ())
        for given in self._file.index.by_issuer.get(participant.did, ()):
            span = span_in_force(given, self._at)
            if span is None:
                self._lose("accreditation.not-in-force", given.id, "does not count today and is left out")
                continue
            self.spans.append(span)
            if len(counting_spans(given)) > 1:
                self._lose("accreditation.earlier-mandates", given.id, "has earlier mandates, which are not told")
            self._lose(
                "accreditation.places",
                given.id,
                f"counts in {', '.join(given.jurisdictions)} only: a comment",
                widens=True,
            )
            text = "counts with its credential definitions only, which are a comment in its schema"
            self._lose("accreditation.definitions", given.id, text, widens=True)
            if given.lapses:
                text = "counts for earlier awards from certain status lists only, which is not told"
                self._lose("accreditation.statuses", given.id, text, widens=True)
            yield {
                "type": "RecognizedAction",
                "action": "issue",
                "recognizedBy": given.accrediting_agent.did or self._file.author,
                "outputValidation": output_validation(issuing_schema(self._file, given, excluded, span)),
            }

    def _asking(self, participant: Participant) -> Iterator[dict[str, Any]]:
        for given in self._verifications.get(participant.did, ()):
            days = days_anywhere(self._at)
            span = next((interval for interval in reversed(given.intervals) if touches((interval,), days)), None)
            if span is None:
                self._lose("verification.not-in-force", given.id, "does not hold today and is left out")
                continue
            self.spans.append(span)
            text = "holds for certain purposes and places and has predicates, which are not told"
            self._lose("verification.purposes", given.id, text, widens=True)
            yield {
                "type": "RecognizedAction",
                "action": "verify",
                "recognizedBy": self._file.author,
                "outputValidation": output_validation(asking_schema(given.attributes)),
            }

    def _lose(self, code: str, subject: str, text: str, *, widens: bool = False) -> None:
        self.losses.append(Loss(code, subject, f"{subject} {text}", widens))


def _described(participant: Participant | None) -> dict[str, str]:
    if participant is None:
        return {}
    description = {"name": participant.name, "url": participant.website}
    return {name: text for name, text in description.items() if text}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
