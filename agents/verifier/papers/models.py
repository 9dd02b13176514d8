"""Certificates that cannot be checked here: what goes over the wire."""

from datetime import date
from typing import Literal

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.runtime.decisions import DecisionOut
from wanderbuch.agents.site.languages import LanguageTag
from wanderbuch.agents.verifier.papers.paper import Counted, PaperAnswer, PaperKind
from wanderbuch.agents.verifier.questions.document import LevelIn
from wanderbuch.governance.facts.question import Purpose


class PaperIn(ApiModel):
    """A paper certificate, or one of an unknown format, as somebody reads it off. It names no holder."""

    kind: PaperKind = PaperKind.PAPER
    centre: str = Field(min_length=1, max_length=512, description="its whole name as the list has it, or its DID")
    occupation: str = Field(min_length=1, max_length=200, examples=["welder", "C7212"])
    place: str = Field(min_length=1, max_length=100, examples=["Malta", "MLT"])
    awarded_on: date
    level: LevelIn | None = None
    purpose: Purpose = Purpose.EMPLOYMENT
    language: LanguageTag = "en"


class PaperOut(ApiModel):
    """What can be said of it: never that it is to be trusted.

    `centre_counted` and `centre_decision` are about the centre on that day, not about the certificate: anybody can
    print one. `note` is for the holder to send to the centre.
    """

    verdict: Literal["UNKNOWN"] = "UNKNOWN"
    category: Literal["not_checked"] = "not_checked"
    kind: PaperKind
    centre: str
    centre_name: str
    centre_counted: Counted
    centre_decision: DecisionOut
    told: list[str]
    note: str
    redress: list[str]

    @classmethod
    def of(cls, kind: PaperKind, centre: str, answer: PaperAnswer) -> "PaperOut":
        """Return an answer for the wire."""
        return cls(
            kind=kind,
            centre=centre,
            centre_name=answer.centre_name,
            centre_counted=answer.counted,
            centre_decision=DecisionOut.of(answer.standing),
            told=list(answer.told),
            note=answer.note,
            redress=list(answer.standing.redress),
        )
