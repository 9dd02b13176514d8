"""Templates over REST: list them, save one, and ask by one with one call."""

from collections.abc import Sequence
from typing import Any, Final, Self

from pydantic import Field

from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, delete, get, post
from wanderbuch.agents.verifier.models import RequestOut
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.putting import put_in_words
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.agents.verifier.questions.templates import Template
from wanderbuch.plugins.trust.verifying.exchange import as_put

MAX_TITLE: Final = 80


class NewTemplate(ApiModel):
    """A question to keep by a name."""

    title: str = Field(min_length=1, max_length=MAX_TITLE)
    question: WordedQuestion


class TemplateOut(ApiModel):
    """A template; the question of one that comes with the product names no place."""

    id: str
    title: str
    is_built_in: bool
    question: dict[str, Any]

    @classmethod
    def of(cls, template: Template) -> Self:
        """Return a template for the wire."""
        return cls(
            id=template.id, title=template.title, is_built_in=template.is_built_in, question=dict(template.question)
        )


class TemplatesOut(ApiModel):
    """All templates: those that come with the product, then those that were saved, the newest first."""

    items: list[TemplateOut]


class TemplateUse(ApiModel):
    """What the template does not say, or says otherwise, this once."""

    place: str | None = Field(default=None, min_length=1, max_length=200, examples=["Malta"])
    ref: str | None = Field(default=None, pattern="^[ -~]{1,64}$")
    answer_within_s: int | None = Field(default=None, ge=1, le=30 * 86_400)


class TemplateRemovedOut(ApiModel):
    """A template that is gone."""

    id: str


async def _every(office: VerifierOffice, _: Call[None]) -> TemplatesOut:
    return TemplatesOut(items=[TemplateOut.of(template) for template in await office.templates.all()])


async def _show(office: VerifierOffice, call: Call[None]) -> TemplateOut:
    return TemplateOut.of(await office.templates.get(call.path["id"]))


async def _save(office: VerifierOffice, call: Call[NewTemplate]) -> TemplateOut:
    if call.once is not None and (saved := await office.templates.find(call.once.id)) is not None:
        return TemplateOut.of(saved)  # the call came again
    by, told = manager(call), call.body
    return TemplateOut.of(await office.templates.save(told.title, told.question, by=by, template_id=call.new_id))


async def _remove(office: VerifierOffice, call: Call[None]) -> TemplateRemovedOut:
    await office.templates.remove(call.path["id"], by=manager(call))
    return TemplateRemovedOut(id=call.path["id"])


async def _ask(office: VerifierOffice, call: Call[TemplateUse]) -> RequestOut:
    if call.once is not None and (put := await office.desk.find(office.tenant.profile, call.once.id)) is not None:
        return RequestOut.shown(as_put(put), seen=None, qr_svg=None)  # the call came again
    template = await office.templates.get(call.path["id"])
    place = call.body.place or (None if template.question.get("place") else (await office.settings.get()).place)
    question = template.filled(place=place, ref=call.body.ref, answer_within_s=call.body.answer_within_s)
    asked = await put_in_words(office, question, question_id=call.new_id)
    return RequestOut.shown(asked, seen=None, qr_svg=None)


TEMPLATE_ROUTES: Final[Sequence[Route]] = (
    get("/templates", _every, result=TemplatesOut, summary="List the templates of questions"),
    post(
        "/templates",
        _save,
        body=NewTemplate,
        result=TemplateOut,
        status=201,
        summary="Save a question by a name",
        once=True,
    ),
    get("/templates/{id}", _show, result=TemplateOut, summary="Show a template"),
    delete("/templates/{id}", _remove, result=TemplateRemovedOut, summary="Remove a template that was saved"),
    post(
        "/templates/{id}/ask",
        _ask,
        body=TemplateUse,
        result=RequestOut,
        status=201,
        summary="Put the question of a template",
        once=True,
    ),
)
