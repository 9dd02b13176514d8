"""A question without an account: whoever comes asks for one qualification, without a name, and sees the verdict.

1. It is switched on for a verifier of its own (`[verifier.walk_in]`), which an authority names as its own one.
2. Only what the authority's list lets this verifier ask is asked: a page that the authority points to and does not
   list would look like the authority's, and be anybody's.
3. Before anything is read or written, one network and all of them together have a budget; so many are open at once.
   Where all places are taken, the network that has most of them gives one (`gate.crowding`): its page goes, and what it
   asked with its age (5).
4. The worker is asked for occupation and level, and for no name; the values that they reveal are not kept.
5. When its time is over, the question, the decision and the page's secret go. A count for each month stays.

Budgets are this process's own; so many are open, whichever process put them, give or take one a process.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wanderbuch.agents.runtime.gate.budget import Budget, TooOftenError
from wanderbuch.agents.runtime.gate.crowding import TakenPlace, gives_way
from wanderbuch.agents.runtime.short_links import address_of
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.site.streams import Message, Streams
from wanderbuch.agents.verifier.config import WalkInConfig
from wanderbuch.agents.verifier.policies.keeping import PolicyBook, refuse_broken
from wanderbuch.agents.verifier.questions.document import LevelIn, QualificationIn, WordedQuestion, read
from wanderbuch.agents.verifier.questions.explaining import Explained, explain
from wanderbuch.agents.verifier.walk_ins.records import WalkInCounts, WalkInSession, outcome_of
from wanderbuch.errors import ExchangeError, PresentationError
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.verifying.asked import AskedCredential
from wanderbuch.plugins.trust.verifying.asking import Asker, NoGovernanceError
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.plugins.trust.verifying.verifier import VerificationDesk
from wanderbuch.store.once import own_id
from wanderbuch.store.records import NotFoundError, RecordStore
from wanderbuch.store.tables import DEFAULT_TENANT, tables_of, tenant_of

_TOKEN_BYTES: Final = 24
_LOOK_EVERY_S: Final = 1.0
_BATCH: Final = 200
_FULL_S: Final = 60  # so soon a place may be free

_NUMBERS: Final = {VerificationState.OPEN: 1, VerificationState.JUDGING: 2}
_ENDED: Final = 3


class NotRegisteredError(PresentationError):
    """The authority's list does not let this verifier ask that, or does not name it: nobody is asked (2)."""

    code = "presentation.not_registered"


@dataclass(frozen=True, slots=True)
class WalkInQuestion:
    """What whoever comes wants to have proven.

    Args:
        occupation: a code of ISCO-08.
        level: of the EQF, or one above it; None: any.
        place: where the issuer must count, ISO 3166-1 alpha-3.
        language: a tag of ours, in which the question is explained.
    """

    occupation: str
    level: int | None
    place: str
    language: str

    def document(self) -> WordedQuestion:
        """Return it as a question in words: for work, and without a name (4)."""
        level = None if self.level is None else LevelIn(at_least=str(self.level))
        wanted = QualificationIn(ask="qualification", occupation=self.occupation, level=level)
        return WordedQuestion.model_validate({"place": self.place, "credentials": [wanted], "language": self.language})


@dataclass(frozen=True, slots=True)
class WalkIn:
    """A question that is shown.

    Args:
        ends_at: when it goes.
    """

    verification: Verification
    ends_at: datetime


class WalkIns:
    """The questions that were put without an account, at one verifier.

    Args:
        tenant: whose.
        desk: puts and judges them.
        source: the authority's list.
        asker: gives who asks, as it is called now.
        config: its limits.
        policy: what all questions of the verifier must be like.
    """

    def __init__(
        self,
        tenant: Tenant,
        desk: VerificationDesk,
        source: GovernanceSource,
        asker: Callable[[], Asker],
        config: WalkInConfig,
        policy: PolicyBook,
    ) -> None:
        self._tenant = tenant
        self._desk = desk
        self._source = source
        self._asker = asker
        self._policy = policy
        self.config = config
        self.counts = WalkInCounts(tenant.profile)
        self.streams = Streams()
        self._sessions = RecordStore(tenant.profile, WalkInSession)
        self._budget = Budget(network_a_minute=config.network_a_minute, all_a_minute=config.all_a_minute)
        self._turn = asyncio.Lock()

    async def begin(self, question: WalkInQuestion, *, network: str) -> str:
        """Put a question, and return the secret of its page.

        Args:
            question: what is asked.
            network: from which it came.

        Raises:
            TooOftenError: the budget is used up, or too many are open.
            NoGovernanceError: there is no list yet.
            NotRegisteredError: the list does not let us ask that.
            NobodyCountsError: no accredited issuer could satisfy it.
            CredentialError: an occupation or country is none.
            PolicyBrokenError: it is against the verifier's own policy.
        """
        self._budget.take(network)  # 3
        answer_in, profile = timedelta(seconds=self.config.answer_s), self._tenant.profile
        async with self._turn:
            snapshot, now = await self._source.current(), self._tenant.clock()
            if snapshot is None:
                raise NoGovernanceError("no governance file could be fetched and checked yet")
            asked = read(question.document(), snapshot, today=now.date()).asked
            preview = await self._desk.preview(*asked, asker=self._asker())
            if any(permission.verdict is not Verdict.TRUSTED for permission in preview.permissions):  # 2
                raise NotRegisteredError(
                    "the authority's list does not name this verifier for that question",
                    hint="the authority adds a verification statement for its DID: see docs/authority.md",
                )
            if (policy := (await self._policy.get()).policy) is not None:
                refuse_broken(policy.broken_by(asked, None))
            taken_by = self._hashed(network)
            if await self._sessions.count() >= self.config.most_open:  # only for a question that can be put
                await self._make_room(taken_by)
            verification = await self._desk.ask(
                profile, *asked, asker=self._asker(), answer_in=answer_in, shorten=self._shorten
            )
            token = secrets.token_urlsafe(_TOKEN_BYTES)
            ends_at = verification.answer_by + timedelta(seconds=self.config.shown_s)
            await self._sessions.insert(
                WalkInSession(id=_session_id(token), question_id=verification.id, ends_at=ends_at, network=taken_by)
            )
        return token

    async def _make_room(self, network: str) -> None:
        """Let the newest open page of the network with most of them go, for one of this network (3).

        A verdict stays for as long as it is shown; a question that goes is taken back, so nobody answers it any more.

        Raises:
            TooOftenError: none gives way.
        """
        sessions = {session.id: session async for session in self._sessions.every()}
        places = [
            TakenPlace(session.id, session.network, may_go=await self._is_open(session))
            for session in sessions.values()
        ]
        gone = gives_way(places, network)
        if gone is None:
            raise TooOftenError(_FULL_S)
        try:
            await self._desk.cancel(self._tenant.profile, sessions[gone].question_id)
        except ExchangeError as err:  # it was answered just now
            raise TooOftenError(_FULL_S) from err
        await self._sessions.remove(gone)

    async def _is_open(self, session: WalkInSession) -> bool:
        try:
            verification = await self._desk.status(self._tenant.profile, session.question_id)
        except NotFoundError:
            return False
        return verification.state is VerificationState.OPEN

    def _hashed(self, network: str) -> str:
        """Return what a network is kept as; "": not known."""
        profile = self._tenant.profile
        hashes = tables_of(profile).hashes
        return hashes.of("walk-in network", tenant_of(profile), network).hex() if network else ""

    async def find(self, token: str) -> WalkIn | None:
        """Return the question of a page; None: there is none (any more)."""
        session = await self._sessions.get_or_none(_session_id(token))
        if session is None or session.ends_at <= self._tenant.clock():
            return None
        try:
            return WalkIn(await self._desk.status(self._tenant.profile, session.question_id), session.ends_at)
        except NotFoundError:
            return None

    async def explained(self, verification: Verification, language: str) -> Explained | None:
        """Return a question in plain words; None: the list is away."""
        asked = [
            AskedCredential(group.group, group.requirement, group.award_precision) for group in verification.groups
        ]
        try:
            preview = await self._desk.preview(*asked, asker=self._asker())
        except NoGovernanceError:
            return None
        return explain(asked, (), preview.permissions, language=language)

    async def after(self, token: str, number: int, say: Callable[[str], str]) -> Message:
        """Wait until a question has gone on since a message of this number, and tell it; gone counts as ended.

        Args:
            token: the secret of its page.
            number: of the last message.
            say: gives a sentence in the page's language.
        """
        while True:
            walk_in = await self.find(token)
            now = _ENDED if walk_in is None else _NUMBERS.get(walk_in.verification.state, _ENDED)
            if now > number:
                is_over = now == _ENDED
                text = "" if is_over else say("walk.waiting" if now == 1 else "walk.checking")
                return Message(now, "progress", {"over": is_over, "text": text, "of": 0}, is_last=is_over)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def sweep(self, now: datetime) -> None:
        """Remove what its time is over for, and count it (5).

        What was put goes by its own age, so that nothing stays of what a crash left without a page.
        """
        if not self.config.enabled:
            return
        async with self._sessions.claiming(now) as ended:
            async for session in ended:
                await self._sessions.remove(session.id)
        lifetime = timedelta(seconds=self.config.answer_s + self.config.shown_s)
        while True:
            page = await self._desk.page(self._tenant.profile, limit=_BATCH)
            old = [verification for verification in page.items if verification.created_at + lifetime <= now]
            for verification in old:
                if await self._desk.remove(self._tenant.profile, verification.id):
                    await self.counts.add(f"{verification.created_at:%Y-%m}", outcome_of(verification))
            if len(old) < _BATCH:
                return

    def close(self) -> None:
        """End the streams."""
        self.streams.close()

    async def _shorten(self, question_id: str, url: str) -> str:
        if self._tenant.id == DEFAULT_TENANT:  # the question holds what is behind its address
            return address_of(self._tenant.place.url, question_id)
        return await self._tenant.short_links.add(url, lifetime=timedelta(seconds=self.config.answer_s))


def _session_id(token: str) -> str:
    return own_id("walk-in", token)
