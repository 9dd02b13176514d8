"""A certificate that nobody can check, on paper or of an unknown kind: what can be said of it, a note to its centre.

It is never accepted: the page says whether that centre counted on that day, and that this says nothing of the
certificate. The rules are those of `verifier.papers`. Nothing of it is kept.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from pydantic import ValidationError

from wanderbuch.agents.runtime.problems import MalformedError, status_of
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.verifier.pages.desk import AskingPages, AskingVisit
from wanderbuch.agents.verifier.pages.question_form import country_text
from wanderbuch.agents.verifier.papers.models import PaperIn, PaperOut
from wanderbuch.agents.verifier.papers.paper import PaperKind
from wanderbuch.agents.verifier.papers.paper_api import look_at_paper
from wanderbuch.errors import WanderbuchError

_FIELDS: Final = ("kind", "centre", "occupation", "place", "awarded_on", "level")
_MAX_TEXT: Final = 512


class DeskPapers:
    """The handlers.

    Args:
        desk: its pages.
    """

    def __init__(self, desk: AskingPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        path, served = f"{self._desk.base}/paper", self._desk.served
        return {("GET", path): served(self._form), ("POST", path): served(self._look)}

    async def _form(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        settings = await visit.office.settings.get()
        return self._show(visit, {"place": country_text(settings.place or "", visit.words)})

    async def _look(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        filled = {name: visit.text(name)[:_MAX_TEXT] for name in _FIELDS}
        told: dict[str, object] = {name: text for name, text in filled.items() if text and name != "level"}
        if filled["level"]:
            told["level"] = {"at_least": filled["level"]}
        try:
            paper = PaperIn.model_validate(told | {"language": visit.language.tag})
            answer = await look_at_paper(visit.office, paper)
        except ValidationError:
            return self._show(visit, filled, err=MalformedError("something is missing, or is no day"))
        except WanderbuchError as err:
            return self._show(visit, filled, err=err)
        return self._show(visit, filled, answer=answer)

    def _show(
        self,
        visit: AskingVisit,
        filled: Mapping[str, str],
        *,
        answer: PaperOut | None = None,
        err: WanderbuchError | None = None,
    ) -> web.StreamResponse:
        return self._desk.show(
            visit,
            "desk_paper.html",
            status=200 if err is None else max(status_of(err), 422),
            filled={name: filled.get(name, "") for name in _FIELDS},
            kinds=tuple(kind.value for kind in PaperKind),
            answer=answer,
            err=err,
        )
