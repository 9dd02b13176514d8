"""Questions that are kept by name, to be asked again with one click: some come with the product, others are saved.

A template is a question's document; one that comes with the product names no place, which whoever uses it says. What is
saved stands in the tenant's encrypted profile. A template is read anew each time it is used, by the governance file in
force then, so it can never ask what may not be asked any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.verifier.desk_log import DeskAct, DeskLog
from wanderbuch.agents.verifier.questions.document import WordedQuestion, read_kept
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.once import one_step
from wanderbuch.store.records import Record, RecordStore, new_id

MOST_TEMPLATES: Final = 200
_PLACE: Final = "place"

BUILT_IN: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "welder": {
            "credentials": [{"ask": "qualification", "occupation": "C7212", "level": {"at_least": "3"}}],
            "subject": "none",
        },
        "care-worker": {
            "credentials": [{"ask": "qualification", "occupation": "C5322", "level": {"at_least": "3"}}],
            "subject": "name",
        },
        "domestic-worker": {
            "credentials": [
                {"ask": "experience", "occupation": "C9111", "months": 12, "ended_within_months": 60},
            ],
            "subject": "name",
        },
        "driver": {
            "credentials": [
                {"ask": "qualification", "occupation": "C8332", "awarded_within_months": 120},
                {"ask": "experience", "occupation": "C8332", "months": 24, "ended_within_months": 60},
            ],
            "subject": "name",
        },
    }
)
"""By id; what each is called stands in the catalogues of the pages (`template.<id>`)."""


class QuestionTemplate(Record):
    """A question that somebody saved.

    Args:
        question: the document, as it was saved.
        saved_by: id of who saved it at the desk; None: a program with the agent's token.
    """

    category: ClassVar[str] = "wanderbuch.question_template"

    title: str
    question: dict[str, Any]
    saved_by: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A template, wherever it comes from.

    Args:
        id: stable.
        title: what it is called; its own id where it comes with the product.
        question: its document; without a place where it comes with the product.
    """

    id: str
    title: str
    question: Mapping[str, Any]
    is_built_in: bool

    def filled(self, **members: Any) -> WordedQuestion:
        """Return the question, with what whoever uses it says; a member that is None changes nothing.

        Raises:
            RefusedError: nobody says the place.
            CredentialError: it was kept by another version, and cannot be read.
        """
        told = {name: value for name, value in members.items() if value is not None}
        document = {**self.question, **told}
        if not document.get(_PLACE):
            raise RefusedError(
                f"expected the place where issuers must count: the template {self.id!r} names none",
                hint="say `place`, such as Malta",
            )
        return read_kept(document)


class Templates:
    """The templates of one verifier.

    Args:
        profile: whose.
        log: learns what was saved and removed.
    """

    def __init__(self, profile: Profile, log: DeskLog) -> None:
        self._profile = profile
        self._saved = RecordStore(profile, QuestionTemplate)
        self._log = log

    async def all(self) -> list[Template]:
        """Return those that come with the product, then those that were saved, the newest first."""
        page = await self._saved.page(limit=MOST_TEMPLATES)
        built_in = [Template(name, name, question, is_built_in=True) for name, question in BUILT_IN.items()]
        return [*built_in, *(_of(saved) for saved in page.items)]

    async def get(self, template_id: str) -> Template:
        """Return a template.

        Raises:
            NotFoundError: there is none.
        """
        if template_id in BUILT_IN:
            return Template(template_id, template_id, BUILT_IN[template_id], is_built_in=True)
        return _of(await self._saved.get(template_id))

    async def find(self, template_id: str) -> Template | None:
        """Return a template that was saved, None if there is none."""
        saved = await self._saved.get_or_none(template_id)
        return None if saved is None else _of(saved)

    async def save(self, title: str, question: WordedQuestion, *, by: str, template_id: str | None = None) -> Template:
        """Keep a question by a name.

        Args:
            title: of 1 to 80 characters.
            question: as it is asked; its reference is not kept.
            by: id of who saves it.
            template_id: its id; by default a fresh one.

        Raises:
            RefusedError: there are too many.
            DuplicateError: there is one with that id.
        """
        document = question.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"ref", "keep"})
        saved = QuestionTemplate(id=template_id or new_id(), title=title, question=document, saved_by=by)
        async with one_step(self._profile, "saving-template"):  # or of many at once too many would find room
            if await self._saved.count() >= MOST_TEMPLATES and await self._saved.get_or_none(saved.id) is None:
                raise RefusedError(f"there are {MOST_TEMPLATES} templates already", hint="remove one that nobody uses")
            await self._log.note(DeskAct.TEMPLATE_SAVED, by=by, what=saved.id, key=f"saved:{saved.id}", new=[saved])
        return _of(saved)

    async def remove(self, template_id: str, *, by: str) -> None:
        """Remove a template that was saved.

        Raises:
            NotFoundError: there is none.
            RefusedError: it comes with the product.
        """
        if template_id in BUILT_IN:
            raise RefusedError(f"the template {template_id!r} comes with the product", hint="save one of your own")
        saved = await self._saved.get_or_none(template_id)
        if saved is None or not await self._log.note(
            DeskAct.TEMPLATE_REMOVED, by=by, what=template_id, key=f"removed:{template_id}", removed=[saved]
        ):
            raise NotFoundError(f"there is no template {template_id[:64]}", hint="it may have been removed")


def _of(saved: QuestionTemplate) -> Template:
    return Template(saved.id, saved.title, saved.question, is_built_in=False)
