"""Links for many applicants: what goes over the wire."""

from datetime import datetime
from typing import Any

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.verifier.links.link import REFERENCES, QuestionLink
from wanderbuch.agents.verifier.models import RequestSummary
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.store.records import utc_now

_MONTH_S = 30 * 86_400


class NewLink(ApiModel):
    """A link to make: for a job advert, a desk, an e-mail. Each applicant gets a reference, so the question has none.

    `title` is for those who ask; applicants do not see it.
    """

    title: str = Field(min_length=1, max_length=200)
    question: WordedQuestion
    closes_in_s: int = Field(default=_MONTH_S, ge=60, le=12 * _MONTH_S)
    most_applicants: int = Field(default=200, ge=1, le=REFERENCES)


class MoreApplicants(ApiModel):
    """How many may apply from now on: not fewer than before."""

    most_applicants: int = Field(ge=1, le=REFERENCES)


class LinkOut(ApiModel):
    """A link: `invitation_url` and `short_url` are what is given to applicants; the same for all of them.

    `applicants` have a place now, `given_back` have lost theirs: they did not answer, or proved nothing, in time.
    `qr_svg` is drawn when the one link is looked at: elsewhere, also in the answer to who makes it, it is null.
    """

    id: str
    title: str
    question: dict[str, Any]
    is_open: bool
    is_full: bool
    closes_at: datetime
    most_applicants: int
    applicants: int
    given_back: int
    created_at: datetime
    invitation_url: str
    short_url: str
    qr_svg: str | None

    @classmethod
    def of(cls, link: QuestionLink, *, qr_svg: str | None = None) -> "LinkOut":
        """Return a link for the wire."""
        return cls(
            id=link.id,
            title=link.title,
            question=link.question,
            is_open=link.is_open(utc_now()),
            is_full=link.is_full,
            closes_at=link.closes_at,
            most_applicants=link.most,
            applicants=link.in_use,
            given_back=link.freed,
            created_at=link.created_at,
            invitation_url=link.invitation_url,
            short_url=link.short_url,
            qr_svg=qr_svg,
        )


class LinksOut(ApiModel):
    """The links, newest first; `next_cursor` is null where the list ends."""

    items: list[LinkOut]
    next_cursor: str | None


class ApplicantOut(RequestSummary):
    """One applicant: a request of its own, under the reference that they see too."""

    ref: str


class ApplicantsOut(ApiModel):
    """The applicants of a link, in the order in which they came; `next_cursor` is null where the list ends."""

    items: list[ApplicantOut]
    next_cursor: str | None
