"""Questions in words of the trade: what goes over the wire beside the document itself."""

from typing import Any

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.site.languages import LanguageTag
from wanderbuch.agents.verifier.questions.document import ReadQuestion, WordedQuestion
from wanderbuch.agents.verifier.questions.explaining import Explained, Weight
from wanderbuch.plugins.trust.verifying.asking import Preview


class ToExplain(ApiModel):
    """A question to explain, and the language to explain it in."""

    question: WordedQuestion
    language: LanguageTag = "en"


class RemarkOut(ApiModel):
    """What whoever asks should know before they do."""

    code: str
    weight: Weight
    text: str
    in_english: str = Field(default="", description="what only English says in full; empty where `text` says it")


class LevelOut(ApiModel):
    """A level that is not of the EQF, as it is asked for."""

    framework: str
    level: str
    eqf: int
    crosswalk: str | None


class ExplanationOut(ApiModel):
    """A question in plain words; nobody was asked anything.

    `could_answer` says how many credential definitions of accredited issuers could be shown, by credential.
    """

    language: str
    learnt: list[str]
    not_learnt: list[str]
    remarks: list[RemarkOut]
    levels: list[LevelOut]
    could_answer: dict[str, int]
    may_be_put: bool
    proof_request: dict[str, Any] = Field(description="what would be sent, without a nonce")

    @classmethod
    def of(cls, read: ReadQuestion, explained: Explained, preview: Preview) -> "ExplanationOut":
        """Return an explanation for the wire."""
        return cls(
            language=explained.language,
            learnt=list(explained.learnt),
            not_learnt=list(explained.not_learnt),
            remarks=[
                RemarkOut(code=remark.code, weight=remark.weight, text=remark.text, in_english=remark.in_english)
                for remark in explained.remarks
            ],
            levels=[
                LevelOut(framework=level.framework, level=level.level, eqf=level.eqf, crosswalk=level.crosswalk)
                for level in read.levels
            ],
            could_answer={group.group: len(group.eligible) for group in preview.compiled.groups},
            may_be_put=all(remark.weight is not Weight.FORBIDDEN for remark in explained.remarks),
            proof_request=preview.compiled.proof_request,
        )


class WordsOut(ApiModel):
    """A question that was put, in the worker's words: what is learnt, and what is not."""

    language: str
    learnt: list[str]
    not_learnt: list[str]


class SchemaOut(ApiModel):
    """A JSON schema of what is sent."""

    json_schema: dict[str, Any]
