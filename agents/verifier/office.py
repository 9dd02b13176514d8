"""A verifier's office for one tenant."""

from datetime import datetime, timedelta
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.people.desk_access import open_access
from wanderbuch.agents.people.kinds import kinds_in
from wanderbuch.agents.people.people import People
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.agents.runtime.own_applications import OwnApplications
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.verifier.config import VerifierConfig
from wanderbuch.agents.verifier.desk_log import DeskAct, DeskLog
from wanderbuch.agents.verifier.desk_settings import DeskSettings, SettingsBook
from wanderbuch.agents.verifier.erasing.eraser import Eraser
from wanderbuch.agents.verifier.erasing.erasure import ErasedError
from wanderbuch.agents.verifier.links.applying import Applying, was_proven
from wanderbuch.agents.verifier.links.link import Links
from wanderbuch.agents.verifier.policies.keeping import PolicyBook
from wanderbuch.agents.verifier.questions.templates import Templates
from wanderbuch.agents.verifier.staff import STAFF_KINDS, StaffMember, StaffRole, StaffSession, cookie_of
from wanderbuch.agents.verifier.walk_ins.asking import WalkIns
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.case_files.keeping_cases import CaseFiles, CaseMaker
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.plugins.trust.verifying.verifier import Asker, DeskLimits, VerificationDesk
from wanderbuch.store.errors import NotFoundError

_LETTING_IN: Final = (DeskAct.PERSON_ADDED, DeskAct.PERSON_CHANGED)


class VerifierOffice:
    """A verifier's work for one tenant: its desk, and what it asks and judges with."""

    def __init__(self, tenant: Tenant) -> None:
        """Open it; nobody is asked anything yet.

        Raises:
            ConfigurationError: there is no governance: a verifier that cannot decide has nothing to do.
        """
        source = tenant.governance
        if source is None:
            raise ConfigurationError(
                "a verifier needs the table [governance]", hint="add url and author of the governance file"
            )
        self.tenant = tenant
        self.governance = source
        self.config = tenant.settings(VerifierConfig)
        self.cases = CaseFiles(tenant.profile)
        self.desk = VerificationDesk(
            source,
            limits=DeskLimits(
                judging=timedelta(seconds=self.config.judging_limit_s),
                keep_seen=timedelta(days=self.longest_seen_days),
            ),
            recording=tenant.edge if isinstance(tenant.edge, FallbackEdge) else None,
            oldest_facts=None if self.config.oldest_facts_h is None else timedelta(hours=self.config.oldest_facts_h),
            keeps_cases=CaseMaker(
                tenant.edge,
                source.config.url,
                source.config.author,
                limit=timedelta(seconds=self.config.judging_limit_s),
            ),
            old_names=tenant.profile.inject_or(OldNames) or UNKNOWN_LEDGER,
        )

        self.name = tenant.name
        """What it is called: by its own people, or by the operator."""
        self.own_applications = OwnApplications(tenant, authority=source.config.author, url=source.config.url)
        self.log = DeskLog(tenant.profile, clock=tenant.clock)
        self.links = Links(tenant.profile, self.log)
        self.eraser = Eraser(
            tenant.profile, desk=self.desk, cases=self.cases, forget_place=self.links.forget_place, clock=tenant.clock
        )
        self.policy = PolicyBook(tenant.profile, self.log)
        self.walk_ins = WalkIns(tenant, self.desk, source, lambda: self.asker, self.config.walk_in, self.policy)
        self._applying = Applying(
            tenant.profile,
            self.links,
            desk=self.desk,
            source=source,
            asker=lambda: self.asker,
            answer_in=timedelta(seconds=self.config.answer_deadline_s),
        )

        self.templates = Templates(tenant.profile, self.log)
        self.settings = SettingsBook(tenant.profile, self.log)
        self.staff = People(
            StaffMember,
            StaffRole,
            StaffRole.ADMINISTRATOR,
            tenant.records(StaffMember),
            self.log,
            clock=tenant.clock,
        )
        kinds = kinds_in(tenant.config.roles, STAFF_KINDS)
        self.access = open_access(tenant, self.staff, StaffSession, cookie=cookie_of(tenant.id), kinds=kinds)

    @property
    def asker(self) -> Asker:
        """Who asks."""
        return Asker(self.tenant.did, self.name, self.tenant.place.url)

    async def verification(self, verification_id: str) -> Verification:
        """Return a verification as it stands now.

        Raises:
            NotFoundError: there is none with this id.
            ErasedError: it was erased; another process may still have it at hand.
        """
        try:
            verification = await self.desk.status(self.tenant.profile, verification_id)
        except NotFoundError:
            await self._refuse_erased(verification_id)
            raise
        if verification.answered_by is not None:
            await self._refuse_erased(verification_id)
        return verification

    async def _refuse_erased(self, verification_id: str) -> None:
        erasure = await self.eraser.find(verification_id)
        if erasure is not None and erasure.is_whole:
            raise ErasedError(
                "what was kept of this request was erased, since its worker asked for that",
                hint="GET …/erasure says when, and what",
            )

    async def take(self, profile: Profile, invitation_id: str, connection: Connection) -> bool:
        """Return whether a wallet may apply by a link."""
        return await self._applying.take(invitation_id, connection)

    async def connected(self, profile: Profile, invitation_id: str, connection: Connection, incoming: Incoming) -> None:
        """Put the question of a link to a wallet that has connected."""
        await self._applying.connected(invitation_id, connection, incoming)

    def unanswered(self, invitation_id: str, connection: Connection) -> None:
        """Leave it: a link is for many, so the person follows it once more."""

    @property
    def longest_seen_days(self) -> int:
        """How long what answers reveal may stay: as the operator set it, and not at all where anybody may ask."""
        return 0 if self.config.walk_in.enabled else self.config.keep_seen_days

    def seen_days(self, settings: DeskSettings) -> int:
        """Return how long what answers reveal stays."""
        longest = self.longest_seen_days
        return longest if settings.keep_seen_days is None else min(settings.keep_seen_days, longest)

    def apply(self, settings: DeskSettings) -> None:
        """Be called as the desk's people say, and keep what answers reveal for as long as they do."""
        self.name = settings.name or self.tenant.name
        self.desk.keep_seen(self.tenant.profile, timedelta(days=self.seen_days(settings)))

    async def sweep(self, now: datetime) -> None:
        """End what is overdue, forget what need not stay."""
        self.apply(await self.settings.get())
        await self.desk.sweep(self.tenant.profile, now)
        await self.eraser.sweep(now)
        await self._applying.free(now)
        await self.cases.sweep(now)
        await self.walk_ins.sweep(now)

    async def has_open(self, now: datetime) -> bool:
        """Return whether somebody may still answer a question, or apply by a link, or an application waits."""
        if any(application.is_open for application in await self.own_applications.all()):
            return True
        cursor: str | None = None
        while True:
            page = await self.links.page(state="OPEN", cursor=cursor)
            if any(link.is_open(now) for link in page.items):
                return True
            if (cursor := page.next_cursor) is None:
                break
        asked = await self.desk.page(self.tenant.profile, states=[VerificationState.OPEN], limit=1)
        return bool(asked.items)

    async def has_dealt(self) -> bool:
        """Return whether somebody has shown it something genuine, or the authority has taken an application of it."""
        if any(own.standing and own.standing.state != "REFUSED" for own in await self.own_applications.all()):
            return True
        decided = await self.desk.page(self.tenant.profile, states=[VerificationState.DECIDED])
        return any(was_proven(asked) for asked in decided.items)

    async def worked_at(self) -> datetime | None:
        """Return when somebody last asked, applied, or set or made something here, a passkey too.

        That whoever signed up was let in, by nobody at the desk, is none of that.
        """
        people, log = await self.staff.all(), await self.log.entries()
        asked, links = await self.desk.page(self.tenant.profile, limit=1), await self.links.page(limit=1)
        at = [line.at for line in log if line.by != OPERATOR.id or line.act not in _LETTING_IN]
        at += [own.created_at for own in await self.own_applications.all()]
        at += [record.created_at for record in (*asked.items, *links.items)]
        at += [person.created_at for person in people] if len(people) > 1 else []
        return max(at, default=None)

    async def close(self) -> None:
        """End the streams of pages."""
        self.access.close()
        self.walk_ins.close()
