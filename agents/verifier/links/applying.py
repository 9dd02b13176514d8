"""A wallet answers a link: it gets a connection, and over it a question of its own.

1. The link is open, and asks still what the governance file lets it ask: the question is compiled anew for each.
2. One exchange for each wallet: its id follows from the link and the connection, so who comes twice, or at two
   processes, is asked once and takes one place; the question is only sent again.
   Who has had an answer to that link erased is asked no more by it.
3. A place is taken before the question is put, so that no more are asked than the link allows; what a crash leaves
   between the two is an empty place, and nothing else. It is taken when the wallet asks to connect: who never goes on
   with that leaves no more connections here than the link has references.
   Who cannot be asked now, whatever the cause, gets no connection either, and takes no place; nor does who comes when
   the link is full or closed, and is told so.
4. A place at which nothing was proven when its question's time is over is given back, also where an answer could not be
   checked: else whoever names what nobody can fetch would keep a link full. A wallet that comes again then is asked
   anew, at another place, a few times.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.verifier.links.link import (
    REFERENCE_CHARS,
    Applicant,
    LinkOverError,
    Links,
    PlaceFate,
    QuestionLink,
    reference,
)
from wanderbuch.agents.verifier.links.wallet_questions import had_erased, ids_asked_again, ids_at_places
from wanderbuch.agents.verifier.questions.document import read, read_kept
from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.handling import Invited
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.proof_messages import PROBLEM
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.purposes import goal_code
from wanderbuch.plugins.trust.verifying.answer_facts import FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.asking import Asker, LinkPlace, NoGovernanceError, asked_message, title_of
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.plugins.trust.verifying.verifier import VerificationDesk
from wanderbuch.store.errors import DuplicateError, NotFoundError, StoreError
from wanderbuch.store.once import one_step
from wanderbuch.store.records import utc_now

LOGGER = logging.getLogger(__name__)
_JUDGED_BY: Final = timedelta(minutes=5)  # after its time, whatever was answered in it is judged
_CANNOT_ASK: Final = "This link cannot be answered now; ask who made it."


class Applying:
    """Asks those who answer the links of one verifier."""

    def __init__(
        self,
        profile: Profile,
        links: Links,
        *,
        desk: VerificationDesk,
        source: GovernanceSource,
        asker: Callable[[], Asker],
        answer_in: timedelta,
    ) -> None:
        """Begin to ask.

        Args:
            profile: whose.
            links: its links.
            desk: puts the questions.
            source: the governance that they are read by.
            asker: gives who asks, as it is called now.
            answer_in: how long a question stands if its document does not say.
        """
        self._profile = profile
        self._links = links
        self._desk = desk
        self._source = source
        self._asker = asker
        self._answer_in = answer_in

    async def take(self, invitation_id: str, connection: Connection) -> bool:
        """Return whether a wallet may apply by a link: it has begun, or gets a place now.

        Raises:
            StoreError: the store does not answer; it may come again.
        """
        link = await self._links.find(invitation_id)
        if link is None or not (link.is_open(utc_now()) or await self._has_begun(link, connection)):
            return False
        try:
            await self._question(link, connection)
        except (LinkOverError, NotFoundError):  # over, or removed just now
            return False
        except StoreError:
            raise
        except WanderbuchError as err:
            LOGGER.warning("link %s: an applicant cannot be asked now: %s", link.id, describe(err))
            return False
        return True

    async def connected(self, invitation_id: str, connection: Connection, incoming: Incoming) -> None:
        """Put the question to a wallet that has connected, or send it again."""
        link = await self._links.find(invitation_id)
        if link is None:
            LOGGER.warning("connection %s answers a link that is not there", connection.connection_id)
            return
        sending = self._profile.inject(Sending)
        try:
            asked = await self._question(link, connection)
        except WanderbuchError as err:
            LOGGER.warning("link %s: an applicant is not asked: %s", link.id, describe(err))
            thread = ids_at_places(link.id, connection.id)[0]
            report = problem_report(PROBLEM, thread_id=thread, code="abandoned", text=_CANNOT_ASK)
            await sending.answer(incoming, connection.channel, report)
            return
        if asked.state is not VerificationState.OPEN:
            return
        await sending.answer(incoming, connection.channel, question_message(asked))

    async def _has_begun(self, link: QuestionLink, connection: Connection) -> bool:
        """Return whether a wallet was asked by a link before."""
        first = ids_at_places(link.id, connection.id)[0]
        return await self._desk.find(self._profile, first) is not None

    async def _question(self, link: QuestionLink, connection: Connection) -> Verification:
        asked: Verification | None = None
        for question_id in ids_at_places(link.id, connection.id):  # 4
            asked = await self._desk.find(self._profile, question_id)
            if asked is None:
                async with one_step(self._profile, f"applying.{question_id}"):
                    asked = await self._desk.find(self._profile, question_id) or await self._put(
                        link, connection, question_id
                    )
            await self._noted(link, asked)
            if not _lost(asked, utc_now()):
                break
        assert asked is not None  # noqa: S101  (there are some; for the type checker)
        return asked

    async def free(self, now: datetime) -> None:
        """Give back the places at which nothing was proven in time (4)."""

        async def fate_of(applicant: Applicant) -> PlaceFate:
            asked = await self._desk.find(self._profile, applicant.question_id)
            if asked is not None and not asked.state.is_final:
                return PlaceFate.OPEN
            return PlaceFate.LOST if asked is None or _lost(asked, now) else PlaceFate.KEPT

        await self._links.free(now, fate_of)

    async def _noted(self, link: QuestionLink, asked: Verification) -> Verification:
        """Have a question stand at its place, also where a crash came between the two."""
        if asked.place is not None and asked.ref is not None:
            await self._links.note(link.id, asked.place, asked.id, asked.ref, free_at=asked.answer_by + _JUDGED_BY)
        return asked

    async def _put(self, link: QuestionLink, connection: Connection, question_id: str) -> Verification:
        """Take a place and put the question (3).

        Raises:
            LinkOverError: there is no place any more.
            WanderbuchError: it cannot be asked now.
        """
        all_by_link = (*ids_at_places(link.id, connection.id), *ids_asked_again(link.id, connection.id))
        is_first = question_id == all_by_link[0]  # then there are no others
        if await had_erased(self._profile, all_by_link[:1] if is_first else all_by_link):
            raise LinkOverError(
                "this wallet had an answer to this link erased", hint="ask who made it for another link"
            )
        snapshot, now = await self._source.current(), utc_now()
        if snapshot is None:
            raise NoGovernanceError("no governance file could be fetched and checked yet")
        document = read_kept(link.question)
        # Read, compiled and checked before a place is taken: what cannot be asked takes none.
        wanted, asker = read(document, snapshot, today=now.date()), self._asker_of(link)
        compiled = await self._desk.compile(*wanted.asked, asker=asker)
        answer_in = self._answer_in
        if document.answer_within_s is not None:
            answer_in = timedelta(seconds=document.answer_within_s)
        answer_by = min(now + answer_in, link.closes_at)
        title = title_of(asker, "x" * REFERENCE_CHARS)
        self._desk.check_keeping(document.keeping, title=title, last_answer=answer_by)
        link, place = await self._links.take_place(link.id, at=now)
        try:
            return await self._desk.put_over_connection(
                self._profile,
                compiled,
                asker=asker,
                place=LinkPlace(link.id, place, question_id, link.short_url, connection.id),
                ref=reference(place, offset=link.offset),
                answer_by=answer_by,
                keeping=document.keeping,
                asked_by=link.made_by,
            )
        except DuplicateError:  # the same wallet, at a process that slept in its step
            return await self._desk.status(self._profile, question_id)

    def _asker_of(self, link: QuestionLink) -> Asker:
        """Return who asks, called as the link's invitation calls them: another name may not fit."""
        asker = self._asker()
        return replace(asker, title=link.called) if link.called else asker


def question_message(asked: Verification) -> dict[str, Any]:
    """Return a question of a link as it goes over a connection: on a thread of its own, below the link's."""
    message = asked_message(asked, goal_code=goal_code(asked.requirement.purpose))
    return message | {"~thread": {"thid": asked.id, "pthid": asked.link}}


def _lost(asked: Verification, at: datetime) -> bool:
    """Return whether a question's time is over and nothing was proven."""
    return asked.state.is_final and asked.expired(at) and not was_proven(asked)


def was_proven(asked: Verification) -> bool:
    """Return whether an answer proved something genuine, whatever was decided."""
    if asked.decision is None or asked.grounds is None:
        return asked.decision is not None
    genuine = [fact.outcome for fact in asked.grounds.facts if fact.kind is FactKind.GENUINE]
    return FactOutcome.HOLDS in genuine


async def find_link(profile: Profile, invitation_id: str) -> Invited | None:
    """Return the invitation of a link until its day is over: who comes while it is full or closed is told so."""
    link, now = await Links(profile).find(invitation_id), utc_now()
    if link is None or now > link.closes_at:
        return None
    return Invited(reusable=True, is_over=not link.is_open(now))


async def find_link_url(profile: Profile, link_id: str) -> str | None:
    """Return the address of a link's invitation while somebody may apply; None if there is none (any more)."""
    link = await Links(profile).find(link_id)
    return link.invitation_url if link is not None and link.is_open(utc_now()) else None
