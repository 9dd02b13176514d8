"""One question at the desk: its QR code while it is open, its decision when it is over; both at one address.

While it is open the page follows it by a stream, without JavaScript it asks again by itself. It says that an answer is
awaited or being checked, and nothing of the wallet: what a worker does before they answer is theirs.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.site.progress import ProgressShown
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.site.streams import Message
from wanderbuch.agents.site.works import WorkState
from wanderbuch.agents.verifier.asking_again import ask_wallet_again, may_ask_wallet_again
from wanderbuch.agents.verifier.desk_log import DeskAct
from wanderbuch.agents.verifier.pages.answer_view import answer_view, good_until_of
from wanderbuch.agents.verifier.pages.desk import AskingPages, AskingVisit, about_question
from wanderbuch.agents.verifier.putting import put_again
from wanderbuch.agents.verifier.questions.explaining import marked_worker_words
from wanderbuch.agents.verifier.receipts import receipt_address
from wanderbuch.agents.verifier.staff import StaffRole
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.trust.verifying.asked import AskedCredential
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.plugins.trust.verifying.seen import forgetting_seen
from wanderbuch.store.records import DuplicateError

_LOOK_EVERY_S: Final = 0.7
_STEPS: Final = {VerificationState.OPEN: 1, VerificationState.JUDGING: 2}
_OVER: Final = 3


@dataclass(frozen=True, slots=True)
class WorkerWords:
    """The question in the words of one language, as the worker has it."""

    language: str
    direction: str
    sentences: Sequence[str]


class DeskQuestions:
    """The handlers of single questions.

    Args:
        desk: its pages.
    """

    def __init__(self, desk: AskingPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        question, served = f"{self._desk.base}/question/{{id}}", self._desk.served
        return {
            ("GET", question): served(self._show),
            ("GET", f"{question}/events"): served(self._follow),
            ("POST", f"{question}/withdraw"): served(self._withdraw),
            ("POST", f"{question}/again"): served(self._again),
            ("POST", f"{question}/again-same-wallet"): served(self._again_same_wallet),
            ("POST", f"{question}/forget"): served(self._forget),
        }

    async def _show(self, visit: AskingVisit) -> web.StreamResponse:
        verification = await self._question(visit)
        if not verification.state.is_final:
            return self._live(visit, verification)
        office = visit.office
        seen = await office.desk.seen(office.tenant.profile, verification)
        may_again = await may_ask_wallet_again(office, verification)
        view = answer_view(verification, seen, visit.language.tag, again_same_wallet=may_again)
        members = await office.staff.all()
        days = office.seen_days(await office.settings.get())  # as it is set now, like the sweep
        return self._desk.show(
            visit,
            "desk_answer.html",
            view=view,
            about=about_question(verification, visit.words),
            good_until=good_until_of(view),
            receipt=receipt_address(office, verification) if verification.decision else None,
            asked_by=next((one.name for one in members if one.id == verification.asked_by), verification.asked_by),
            words=_worker_words(verification, visit.language.tag),
            seen_until=None if verification.ended_at is None else verification.ended_at + timedelta(days=days),
        )

    def _live(self, visit: AskingVisit, verification: Verification) -> web.Response:
        address = verification.short_url or verification.invitation_url
        chosen = visit.request.query.get("words", visit.language.tag)
        left = verification.answer_by - visit.office.tenant.clock()
        return self._desk.show(
            visit,
            "desk_live.html",
            question=verification,
            about=about_question(verification, visit.words),
            code=Markup(qr_svg(address)) if address else None,  # noqa: S704 (made here, of an address of ours)
            address=address,
            minutes=max(1, round(left.total_seconds() / 60)),
            progress=ProgressShown(
                f"{visit.home}/question/{verification.id}/events", _state_text(visit, verification), WorkState(1, "")
            ),
            words=_worker_words(verification, chosen if chosen in LANGUAGES else visit.language.tag),
        )

    async def _follow(self, visit: AskingVisit) -> web.StreamResponse:
        """Tell the page when the question goes on; it looks in the store, where any process may have written it."""
        question_id = (await self._question(visit)).id

        async def source(number: int) -> Message:
            while True:
                verification = await visit.office.desk.status(visit.office.tenant.profile, question_id)
                step = _STEPS.get(verification.state, _OVER)
                if step > number:
                    is_over = step == _OVER
                    data: dict[str, Any] = {"text": "", "done": 0, "of": 0, "over": is_over}
                    data["text"] = "" if is_over else str(_state_text(visit, verification))
                    return Message(step, "progress", data, is_last=is_over)
                await asyncio.sleep(_LOOK_EVERY_S)

        return await visit.office.access.sessions.stream(
            visit.request, visit.person, source, still_may=lambda person: person.may(StaffRole.ASKER)
        )

    async def _withdraw(self, visit: AskingVisit) -> web.StreamResponse:
        verification = await self._question(visit)
        office, by = visit.office, visit.person.id
        with contextlib.suppress(ExchangeError):  # an answer came first: the page shows that
            ended = await office.desk.cancel(office.tenant.profile, verification.id, by=by)
            await office.log.note(DeskAct.CANCELLED, by=by, what=ended.id, key=f"cancelled:{ended.id}")
        return visit.go(f"/question/{verification.id}")

    async def _again(self, visit: AskingVisit) -> web.StreamResponse:
        """Put the same question again; with the day of award where the decision lacked it, as the button says."""
        verification = await self._question(visit)
        question_id = visit.own_id("question")
        with contextlib.suppress(DuplicateError):  # a second click
            await put_again(visit.office, verification, asked_by=visit.person.id, question_id=question_id)
        return visit.go(f"/question/{question_id}")

    async def _again_same_wallet(self, visit: AskingVisit) -> web.StreamResponse:
        """Put an applicant's question once more to their wallet; a second click finds the same one."""
        verification = await self._question(visit)
        asked = await ask_wallet_again(visit.office, verification, asked_by=visit.person.id)
        return visit.go(f"/question/{asked.id}")

    async def _forget(self, visit: AskingVisit) -> web.StreamResponse:
        verification = await self._question(visit)
        office, by = visit.office, visit.person.id
        await office.desk.ended(office.tenant.profile, verification.id)  # of what is open values may still come
        is_first = await office.log.note(
            DeskAct.FORGOTTEN,
            by=by,
            what=verification.id,
            key=f"forgotten:{verification.id}:{by}",
            also=forgetting_seen(verification.id),
        )
        if not is_first:
            await office.desk.forget(office.tenant.profile, verification.id)
        return visit.go(f"/question/{verification.id}")

    async def _question(self, visit: AskingVisit) -> Verification:
        visit.must_ask()
        return await visit.office.verification(visit.request.match_info["id"][:64])


def _state_text(visit: AskingVisit, verification: Verification) -> Markup:
    is_judged = verification.state is VerificationState.JUDGING
    return visit.words("desk.live.checking" if is_judged else "desk.live.waiting")


def _worker_words(verification: Verification, tag: str) -> WorkerWords:
    asked = [AskedCredential(group.group, group.requirement, group.award_precision) for group in verification.groups]
    words = marked_worker_words(asked, keeping=verification.keeping, language=tag)
    return WorkerWords(tag, LANGUAGES[tag].direction, words)
