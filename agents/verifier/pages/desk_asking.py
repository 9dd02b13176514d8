"""A new question: filled in as a form, explained in plain words, then put, kept by name, or made a link for many.

What the explanation's page sends back is the question's document itself, which is read anew like any other: nobody can
put by it what the rules would not let them put.
"""

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from wanderbuch.agents.runtime.problems import MalformedError, malformed
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.verifier.links.link import REFERENCES
from wanderbuch.agents.verifier.links.models import NewLink
from wanderbuch.agents.verifier.making_links import make_link
from wanderbuch.agents.verifier.pages.desk import AskingPages, AskingVisit, template_title
from wanderbuch.agents.verifier.pages.question_form import (
    ANSWER_WITHIN_S,
    CEFR,
    KINDS,
    LEAST,
    MONTHS,
    RECENT,
    CertificateRow,
    QuestionForm,
    blank,
    country_text,
    form_of,
    read_question_form,
)
from wanderbuch.agents.verifier.putting import explain_question, put_in_words
from wanderbuch.agents.verifier.questions.document import LevelIn, WordedQuestion, map_level
from wanderbuch.agents.verifier.template_api import MAX_TITLE
from wanderbuch.errors import CredentialError, PresentationError, WanderbuchError
from wanderbuch.governance.facts.question import Purpose, Subject
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.schemas.frameworks import EQF, Measure, frameworks
from wanderbuch.store.records import DuplicateError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_DOCUMENT: Final = 20_000
_MAX_DEPTH: Final = 6
_CLOSES_IN_DAYS: Final = (7, 30, 90)
_DAY_S: Final = 86_400
_MOST: Final = 200


class DeskAsking:
    """The handlers of asking.

    Args:
        desk: its pages.
    """

    def __init__(self, desk: AskingPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        base, served = self._desk.base, self._desk.served
        return {
            ("GET", f"{base}/ask"): served(self._begin),
            ("POST", f"{base}/ask"): served(self._go_on),
            ("POST", f"{base}/ask/put"): served(self._put),
            ("POST", f"{base}/ask/link"): served(self._link),
            ("POST", f"{base}/ask/save"): served(self._save),
            ("POST", f"{base}/template/{{id}}/ask"): served(self._ask_by_template),
            ("POST", f"{base}/template/{{id}}/remove"): served(self._remove_template),
        }

    async def _begin(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        settings = await visit.office.settings.get()
        place = country_text(settings.place or "", visit.words)
        if (template_id := visit.request.query.get("template", "")[:64]) == "":
            kind = visit.request.query.get("ask", "")
            known = kind if kind in KINDS else KINDS[0]
            return await self._form(visit, blank(known, place=place, answer_within_s=settings.answer_within_s))
        template = await visit.office.templates.get(template_id)
        form = form_of(template.question, visit.words)
        form.values["place"] = form.text("place") or place
        return await self._form(visit, form, title=template_title(template, visit.words))

    async def _go_on(self, visit: AskingVisit) -> web.StreamResponse:
        """Do what the pressed button says: a certificate more or less, change the question, or explain it."""
        visit.must_ask()
        if "question" in visit.sent:
            return await self._form(
                visit, form_of(_document(visit).model_dump(mode="json", by_alias=True), visit.words)
            )
        form = read_question_form(visit.sent, visit.words)
        if (kind := visit.text("add")) in KINDS and not form.is_full:
            form.rows.append(CertificateRow(len(form.rows), kind, {}))
            return await self._form(visit, form, only_shape=True, focus=f"c{len(form.rows) - 1}.about")
        drop = visit.text("drop")
        if drop in {str(row.number) for row in form.rows} and len(form.rows) > 1:
            del form.rows[int(drop)]
            form.renumber()
            return await self._form(visit, form, only_shape=True, focus="c0.about")
        if form.problems or not form.rows:
            return await self._form(visit, form, status=422)
        try:
            question = _read(form.document)
        except MalformedError as err:
            return await self._form(visit, form, status=422, err=err)
        return await self._explained(visit, question, form)

    async def _explained(self, visit: AskingVisit, question: WordedQuestion, form: QuestionForm) -> web.StreamResponse:
        try:
            explanation, explained = await explain_question(visit.office, question, visit.language.tag)
        except (CredentialError, PresentationError) as err:  # nobody could answer, no such level, cannot be kept
            return await self._form(visit, form, status=422, err=err)
        settings = await visit.office.settings.get()
        return self._desk.show(
            visit,
            "desk_explained.html",
            explanation=explanation,
            explained=explained,
            question=question.model_dump_json(by_alias=True, exclude_none=True),
            may_link=question.ref is None,
            closes_in_days=_CLOSES_IN_DAYS,
            most=_MOST,
            most_of_all=REFERENCES,
            max_title=MAX_TITLE,
            settings=settings,
        )

    async def _put(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        return await _put_once(visit, _document(visit))

    async def _link(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        days, most = _number(visit.text("days")), _number(visit.text("most"))
        if not visit.text("title") or days not in _CLOSES_IN_DAYS or not 1 <= most <= REFERENCES:
            raise MalformedError(
                f"expected a title, how long the link stands, and 1 to {REFERENCES} applicants: go back, and say so"
            )
        told = NewLink(
            title=visit.text("title")[:200],
            question=_document(visit),
            closes_in_s=days * _DAY_S,
            most_applicants=most,
        )
        link_id = visit.own_id("link")
        with contextlib.suppress(DuplicateError):  # a second click
            await make_link(visit.office, told, made_by=visit.person.id, link_id=link_id)
        return visit.go(f"/link/{link_id}")

    async def _save(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        title = visit.text("title")
        if not 0 < len(title) <= MAX_TITLE:
            raise MalformedError(f"expected a name of 1 to {MAX_TITLE} characters: go back, and give it one")
        with contextlib.suppress(DuplicateError):  # a second click
            await visit.office.templates.save(
                title, _document(visit), by=visit.person.id, template_id=visit.own_id("template")
            )
        return visit.go("/#templates")

    async def _ask_by_template(self, visit: AskingVisit) -> web.StreamResponse:
        """Put a template's question with one click; where it names no place, and none is set, the form asks for it."""
        visit.must_ask()
        template = await visit.office.templates.get(visit.request.match_info["id"])
        settings = await visit.office.settings.get()
        place = None if template.question.get("place") else settings.place
        if not (place or template.question.get("place")):
            return visit.go(f"/ask?template={template.id}")
        within = None if template.question.get("answer_within_s") else settings.answer_within_s
        question = template.filled(place=place, answer_within_s=within)
        return await _put_once(visit, question)

    async def _remove_template(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        await visit.office.templates.remove(visit.request.match_info["id"], by=visit.person.id)
        return visit.go("/#templates")

    async def _form(
        self,
        visit: AskingVisit,
        form: QuestionForm,
        *,
        status: int = 200,
        err: WanderbuchError | None = None,
        title: object = None,
        only_shape: bool = False,
        focus: str = "",
    ) -> web.Response:
        if only_shape:  # a button that adds or drops a certificate is no question yet: nothing is wrong with it
            form.problems = {}
            for row in form.rows:
                row.problem, row.choices = "", ()
        return self._desk.show(
            visit,
            "desk_ask.html",
            status=status,
            form=form,
            err=err,
            title=title,
            focus=focus,
            levels=_levels(await visit.office.governance.current(), visit),
            months=MONTHS,
            recent=RECENT,
            cefr=CEFR,
            within=ANSWER_WITHIN_S,
            kinds=KINDS,
            purposes=tuple(Purpose),
            subjects=tuple(Subject),
            least=LEAST,
        )


async def _put_once(visit: AskingVisit, question: WordedQuestion) -> web.Response:
    """Put a question, and show it; a second click shows the same one."""
    question_id = visit.own_id("question")
    with contextlib.suppress(DuplicateError):
        await put_in_words(visit.office, question, asked_by=visit.person.id, question_id=question_id)
    return visit.go(f"/question/{question_id}")


def _levels(snapshot: GovernanceSnapshot | None, visit: AskingVisit) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the levels that may be asked for, by framework: those of the EQF, and those that are mapped to it."""
    today = visit.office.tenant.clock().astimezone(UTC).date()
    listed: list[tuple[str, list[tuple[str, str]]]] = []
    for code, framework in sorted(frameworks().items(), key=lambda item: (item[0] != EQF, item[0])):
        if framework.measures is Measure.LANGUAGES or snapshot is None:
            continue
        levels = []
        for level in framework.levels:
            try:
                map_level(LevelIn(framework=code, at_least=level), snapshot, on=today)
            except CredentialError:
                continue
            levels.append((f"{code}:{level}", level))
        if levels:
            listed.append((str(visit.words.framework(code).striptags()), levels))
    return listed


def _document(visit: AskingVisit) -> WordedQuestion:
    """Return the question that a page gave back.

    Raises:
        MalformedError: it is none.
    """
    text = visit.sent.get("question", "")
    try:
        read = read_strict_json(text.encode(), max_bytes=_MAX_DOCUMENT, max_depth=_MAX_DEPTH)
    except StrictJsonError as err:
        raise MalformedError(f"the question cannot be read: {err.message}; begin a new one") from err
    return _read(read)


def _read(document: Any) -> WordedQuestion:
    try:
        return WordedQuestion.model_validate_json(json.dumps(document))
    except ValidationError as err:
        raise malformed(err) from err


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
