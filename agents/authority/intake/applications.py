"""The applications of one authority: taken, asked back, decided; what was approved becomes a draft of the file.

Who may do what, four eyes, the revision that was read and the trail are the rules of `agents.work`. What is an
application's own:

1. The same application, or an older revision of it, changes nothing: it is answered with how it stands.
2. A later revision is taken while a question to the applicant is open, and answers it.
3. So many may be open, of one applicant and in all: they are counted and kept in one step, of all processes. Where all
   places are taken, the network that has most of them gives one that no official has worked on (`gate.crowding`): so
   strangers with a few networks keep nobody out. What is older than a day goes last: all employers of one operator
   come from one network. Whoever gave way applies again as they did.
4. What is proposed fits the application as it stands when it is submitted: no question is open, and no more is granted
   than is applied for then.
5. An approval becomes a draft of the editor who proposed it, submitted if it has no mistake. It is published when
   somebody else has approved that draft too, which shows exactly what changes in the file.
6. For an issuer that proves that it has the code of an invitation, the draft is made at once, in the name of the
   official who invited it. A wrong code begins no case. Where that cannot be, it is sent back, and officials take it
   up as any other: what is approved of it connects it.
7. What an editor approves of an issuer's application becomes the draft at once: its four eyes are the draft's. All who
   edited the application are editors of the draft.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.cte_roles import role_of_issuer
from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.draft_changes import Base
from wanderbuch.agents.authority.drafts import Drafts
from wanderbuch.agents.authority.intake.case import (
    ANSWER,
    APPLICANT,
    ASK_BACK,
    CHECK_IN,
    RECEIVE,
    ApplicationCase,
    ApplicationState,
    AskedBack,
    ProposedDecision,
    case_id,
)
from wanderbuch.agents.authority.intake.config import IntakeConfig
from wanderbuch.agents.authority.intake.granting import accredited, connected, issuer_wants, with_sources
from wanderbuch.agents.authority.joining.invitation import JoiningInvitation
from wanderbuch.agents.authority.joining.invitations import Invitations
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.runtime.gate.crowding import TakenPlace, gives_way
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.agents.work.case import Step, check_why
from wanderbuch.agents.work.cases import Outcome
from wanderbuch.agents.work.content import RevisedCases, content_digest
from wanderbuch.agents.work.rules import SUBMIT, Rules
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.records import ParticipantRecord
from wanderbuch.governance.signed.application import Application, IntendedUse, IssuerWants, VerifierWants
from wanderbuch.store.once import one_step, own_id
from wanderbuch.store.records import DuplicateError, NotFoundError, Page
from wanderbuch.store.tables import tables_of, tenant_of

_LOG = logging.getLogger(__name__)
_YOUNG = timedelta(days=1)
_OPEN = tuple(
    state.value for state in ApplicationState if state not in (ApplicationState.DECIDED, ApplicationState.DISCARDED)
)


class TooManyApplicationsError(WanderbuchError):
    """No further application is taken now (3)."""

    code = "too-many"


class Applications(RevisedCases[ApplicationCase, ProposedDecision]):
    """The applications, in the wallet store.

    Args:
        profile: whose.
        desk: where drafts are made.
        config: how many may be open.
        clock: the instant now, aware UTC.
        invitations: of those who may check in; by default those of the same profile.
    """

    def __init__(
        self,
        profile: Profile,
        desk: Desk,
        config: IntakeConfig,
        *,
        clock: Callable[[], datetime],
        invitations: Invitations | None = None,
    ) -> None:
        rules = Rules(edits=OfficialRole.EDITOR, approves=OfficialRole.APPROVER, four_eyes=desk.four_eyes)
        super().__init__(profile, ApplicationCase, ProposedDecision, rules, clock=clock)
        self._desk = desk
        self._config = config
        self.invitations = invitations or Invitations(profile, str(desk.publication.place.author), clock=clock)

    @property
    def redress(self) -> str | None:
        """Whom to appeal to, where no decision says it."""
        return self._desk.redress

    async def draft_of(self, case: ApplicationCase) -> Draft | None:
        """Return the draft that an approved application became; None: it became none."""
        return None if case.draft_id is None else await self._desk.drafts.get_or_none(case.draft_id)

    async def invitation_of(self, case: ApplicationCase) -> JoiningInvitation | None:
        """Return the invitation with whose code an application came; None: it came without one."""
        return None if case.invitation_id is None else await self.invitations.get(case.invitation_id)

    async def open_ones(self) -> list[ApplicationCase]:
        """Return those that wait for a decision, the oldest first."""
        return [case async for case in self._records.every(state=_OPEN)]

    async def page(
        self, *, state: ApplicationState | None = None, limit: int, cursor: str | None = None
    ) -> Page[ApplicationCase]:
        """Return a part of the applications (in this state), the oldest first; errors as `RecordStore.page`."""
        wanted = None if state is None else state.value
        return await self._records.page(state=wanted, limit=limit, cursor=cursor, newest_first=False)

    async def take(self, applicant: Did, application: Application, jws: str, *, network: str) -> ApplicationCase:
        """Take an application that was verified, and return its case as it stands then.

        Args:
            applicant: who signed it.
            application: what it says.
            jws: the same as it was signed.
            network: from which it came.

        Raises:
            TooManyApplicationsError: too many wait already.
            RefusedError: it is a later revision that nobody asked for.
        """
        known = await self._records.get_or_none(case_id(applicant, application.id))
        if known is None:
            begun = await self._begin(applicant, application, jws, network)
            if begun.invitation_id is not None:  # 6
                with contextlib.suppress(WanderbuchError):  # what stands in the way now, a sweep goes on with
                    return await self.go_on_with(begun.id)
            return begun
        if application.revision <= known.application.revision:  # 1
            return known
        now, digest = self.clock(), content_digest([jws.encode()])

        def step(case: ApplicationCase) -> ApplicationCase | None:
            if application.revision <= case.application.revision:
                return None
            return _answered(case, application, jws, Step(at=now, who=APPLICANT, what=ANSWER, digest=digest))

        return await self._records.change(known.id, step)

    async def ask_back(self, case_id: str, editor: Official, question: str, *, read: int) -> ApplicationCase:
        """Ask the applicant something; errors as `Rules.edited`.

        Args:
            case_id: which application.
            editor: who asks.
            question: for the applicant to read.
            read: the revision that they saw.
        """
        asked, now = check_why(question), self.clock()

        def step(case: ApplicationCase) -> ApplicationCase:
            edited = self.rules.edited(case, editor, read=read)
            question = AskedBack(at=now, who=editor.id, question=asked)
            return edited.with_step(
                Step(at=now, who=editor.id, what=ASK_BACK, why=asked), asked_back=(*case.asked_back, question)
            )

        return await self._records.change(case_id, step)

    async def propose(
        self, case_id: str, editor: Official, decision: ProposedDecision, *, read: int
    ) -> ApplicationCase:
        """Propose a decision and give it to the approvers; errors as `Cases.edit` and `Cases.submit`."""
        case = await self.get(case_id)
        _must_not_wait(case)
        if not _fits(decision, case):
            raise MalformedError("expected to grant what was applied for, or less of it")
        edited = await self.edit(case_id, editor, decision, read=read)
        proposed = await self.submit(case_id, editor, read=edited.revision)  # this decision, and no later one
        if decision.outcome == "refuse" or isinstance(proposed.application.wants, VerifierWants):
            return proposed
        why = "its draft is approved by somebody else"
        await self.move(case_id, ApplicationState.APPROVED, why=why, read=proposed.revision)  # 7
        return await self.go_on_with(case_id)

    async def must_be_ready(self, case: ApplicationCase) -> None:
        """Go on only where a decision is proposed that fits the application as it stands (4).

        Raises:
            RefusedError: none is.
        """
        if (proposed := await self.content(case)) is None:
            raise RefusedError("no decision is proposed", hint="propose one")
        _must_not_wait(case)
        if not _fits(proposed, case):
            raise RefusedError("more would be granted than is applied for now", hint="read it again, then propose anew")

    async def decide(self, case_id: str, approver: Official, *, revision: int, digest: str | None) -> ApplicationCase:
        """Approve what was proposed, and carry it out; errors as `Cases.approve`."""
        await self.approve(case_id, approver, revision=revision, digest=digest)
        return await self.go_on_with(case_id)

    async def go_on_with(self, case_id: str) -> ApplicationCase:
        """Carry out what was approved; again and again it is done once."""
        return await self.carry_out(case_id, self._carry_out)

    async def _begin(self, applicant: Did, application: Application, jws: str, network: str) -> ApplicationCase:
        if application.revision != 1:
            raise RefusedError("expected the first revision of an application that nobody has seen")
        async with one_step(self.profile, "intake"):  # 3
            return await self._keep(applicant, application, jws, self._hashed(network))

    async def _keep(self, applicant: Did, application: Application, jws: str, network: str) -> ApplicationCase:
        if (known := await self._records.get_or_none(case_id(applicant, application.id))) is not None:  # just now
            return known
        own = [case for case in await self._records.find(applicant=str(applicant)) if case.is_open]
        if len(own) >= self._config.most_of_one:
            raise TooManyApplicationsError(f"{len(own)} applications of this DID wait for a decision already")
        own_case = case_id(applicant, application.id)
        invitation = await self._invitation(applicant, application, own_case)
        if invitation is None and await self._records.count(state=_OPEN) >= self._config.most_open:  # 3
            await self._make_room(network)
        now = self.clock()
        step = Step(at=now, who=APPLICANT, what=RECEIVE, digest=content_digest([jws.encode()]))
        checked_in = () if invitation is None else (Step(at=now, who=invitation.invited_by, what=CHECK_IN),)
        case = ApplicationCase(
            id=own_case,
            state=ApplicationState.RECEIVED if invitation is None else ApplicationState.APPROVED,
            invitation_id=None if invitation is None else invitation.id,
            created_at=now,
            why=application.name,
            opened_by=APPLICANT,
            editors=(),
            applicant=str(applicant),
            application=application,
            jws=jws,
            network=network,
            trail=(step, *checked_in),
        )
        try:
            return await self._records.insert(case)
        except DuplicateError:  # the same application, just now
            return await self._records.get(case.id)

    async def _make_room(self, network: str) -> None:
        """Let an application of the network with most of them go, for one of this network (3).

        Raises:
            TooManyApplicationsError: none gives way.
        """
        young = self.clock() - _YOUNG
        places = [
            TakenPlace(case.id, case.network, may_go=case.is_untouched, is_old=case.created_at <= young)
            for case in await self.open_ones()
        ]
        gone = gives_way(places, network)
        if gone is None:
            raise TooManyApplicationsError("too many applications wait for a decision", hint="apply again next week")
        await self._records.remove(gone)
        log_event(_LOG, logging.WARNING, "intake.gave_way", application=gone, open=len(places))

    def _hashed(self, network: str) -> str:
        """Return what a network is kept as: who has the store's key alone can tell which one it was; "": unknown."""
        if not network:
            return ""
        return tables_of(self.profile).hashes.of("intake network", tenant_of(self.profile), network).hex()

    async def _invitation(self, applicant: Did, application: Application, own_case: str) -> JoiningInvitation | None:
        """Use the invitation that an application has the code of; None: it comes without one."""
        wants = application.wants
        if not isinstance(wants, IssuerWants) or wants.invitation is None:
            return None
        return await self.invitations.use(
            wants.invitation, applicant=str(applicant), application_id=application.id, case_id=own_case
        )

    async def _carry_out(self, case: ApplicationCase) -> Outcome:
        decision = await self.content(case)
        if decision is not None and decision.outcome == "refuse":
            return Outcome(ApplicationState.DECIDED, decision.reason, {"outcome": "refuse"})
        try:
            if case.invitation_id is not None:
                draft_id = await self._check_in(case, await self.invitations.get(case.invitation_id))
            else:
                draft_id = await self._draft(case, decision)
        except (ForbiddenError, NotFoundError, RefusedError) as err:  # such as: who proposed it is no editor any more
            return Outcome(ApplicationState.SENT_BACK, f"no draft could be made: {err.message}")
        kept = {"outcome": "approve", "draft_id": draft_id}
        return Outcome(ApplicationState.DECIDED, None if decision is None else decision.reason, kept)

    async def _check_in(self, case: ApplicationCase, invitation: JoiningInvitation) -> str:
        """Make the draft of an institution that has checked in (6): in the name of who invited, or proposed it."""

        async def connecting(drafts: Drafts, draft_id: str, base: Base) -> Mapping[str, ParticipantRecord]:
            listed = await drafts.record(draft_id, invitation.register_id, base=base)
            record = await drafts.record(draft_id, case.applicant, base=base)
            return connected(invitation, listed, record, case.applicant, issuer_wants(case.application))

        who = invitation.invited_by if case.content == 0 else _proposer(case)
        return await self._drafted(case, who, f"{invitation.name} has checked in", connecting)

    async def _draft(self, case: ApplicationCase, decision: ProposedDecision | None) -> str:
        """Make the draft of what was approved (5)."""
        if decision is None:
            raise RefusedError("no decision is proposed")

        async def granting(drafts: Drafts, draft_id: str, base: Base) -> Mapping[str, ParticipantRecord]:
            record = await drafts.record(draft_id, case.applicant, base=base) or {"did": case.applicant}
            return {case.applicant: await self._granted(record, case, decision)}

        return await self._drafted(case, _proposer(case), f"Application of {case.application.name}", granting)

    async def _granted(
        self, record: ParticipantRecord, case: ApplicationCase, decision: ProposedDecision
    ) -> ParticipantRecord:
        wants, since = case.application.wants, self.clock()
        if isinstance(wants, VerifierWants):
            return _with_statements(record, case, decision, since=since)
        if not decision.accreditations:
            return with_sources(record, wants)
        author = self._desk.publication.place.author
        own = await (await self._desk.publication.published()).record(str(author)) or {}
        name = own.get("description", {}).get("name", str(author))
        agent = {"name": name, "did": str(author)}
        return accredited(record, case, decision, agent=agent, since=since.date().isoformat())

    async def _drafted(
        self,
        case: ApplicationCase,
        who: str,
        why: str,
        change: Callable[[Drafts, str, Base], Awaitable[Mapping[str, ParticipantRecord]]],
    ) -> str:
        """Make a draft, in steps that may be done again, and return its id."""
        editor = await self._desk.officials.get(who)
        drafts, draft_id = self._desk.drafts, own_id("application-draft", case.id, str(case.content))
        draft = await drafts.open(editor, why[:500], draft_id=draft_id, also=case.editors)
        if draft.state is not DraftState.OPEN:
            return draft_id
        base, changed = await drafts.base(), {}
        header = await drafts.header(draft_id, base=base)
        for key, record in (await change(drafts, draft_id, base)).items():
            role = role_of_issuer(record.get("accreditations", ()), header) if "roles" not in record else {}
            with_role = {**record, **(role if "accreditations" in record else {})}
            if with_role != await drafts.record(draft_id, key, base=base):
                changed[key] = with_role
        if changed:
            draft = await drafts.edit(draft_id, editor, records=changed, revision=draft.revision, base=base)
        with contextlib.suppress(RefusedError):  # it has a mistake, which its page shows: an editor corrects it
            await drafts.submit(draft_id, editor, read=draft.revision)
        return draft_id


def _proposer(case: ApplicationCase) -> str:
    return next(step.who for step in reversed(case.trail) if step.what == SUBMIT)


def _answered(case: ApplicationCase, application: Application, jws: str, step: Step) -> ApplicationCase:
    """Return the case with a later revision of its application (2)."""
    question = case.open_question
    if question is None or application.revision != case.application.revision + 1:
        raise RefusedError(
            f"expected no revision {application.revision} of this application now: nobody has asked for one",
            members={"revision": case.application.revision},
        )
    answered = question.model_copy(update={"answered_at": step.at})
    return case.with_step(
        step,
        application=application,
        jws=jws,
        revision=case.revision + 1,
        asked_back=(*case.asked_back[:-1], answered),
    )


def _must_not_wait(case: ApplicationCase) -> None:
    if case.open_question is not None:
        raise RefusedError("the applicant was asked something and has not answered", hint="wait for the answer")


def _fits(decision: ProposedDecision, case: ApplicationCase) -> bool:
    wants = case.application.wants
    if decision.outcome != "approve":
        return True
    if isinstance(wants, VerifierWants):
        return not decision.accreditations and _is_within(decision.grants, wants.uses)
    scopes = [grant.scope for grant in decision.accreditations]
    numbers = {grant.number for grant in decision.accreditations}
    is_sound = len(set(scopes)) == len(scopes) == len(numbers) and all(scope < len(wants.scopes) for scope in scopes)
    return not decision.grants and is_sound and bool(scopes) == bool(wants.scopes)


def _is_within(grants: tuple[IntendedUse, ...], uses: tuple[IntendedUse, ...]) -> bool:
    """Return whether every grant is one of the uses, or less of it."""

    def is_less(grant: IntendedUse, use: IntendedUse) -> bool:
        narrowed = grant.model_copy(update={"attributes": use.attributes, "predicates": use.predicates})
        attributes, predicates = set(grant.attributes), set(grant.predicates)
        return narrowed == use and attributes <= set(use.attributes) and predicates <= set(use.predicates)

    return bool(grants) and all(any(is_less(grant, use) for use in uses) for grant in grants)


def _with_statements(
    record: dict[str, Any], case: ApplicationCase, decision: ProposedDecision, *, since: datetime
) -> dict[str, Any]:
    """Return a participant's record with what was granted, in place of what this application granted before."""
    prefix, application = f"A-{case.id[:12]}-", case.application
    listed = record.get("verifications")
    others = [
        one
        for one in (listed if isinstance(listed, list) else [])
        if not (isinstance(one, dict) and str(one.get("id", "")).startswith(prefix))
    ]
    interval = {"start": since.date().isoformat()}
    if decision.ends_on is not None:
        interval["end"] = decision.ends_on.isoformat()
    granted = [
        {
            "id": f"{prefix}{number}",
            "credential_type": use.credential_type,
            "attributes": list(use.attributes),
            "predicates": list(use.predicates),
            "purposes": list(use.purposes),
            "jurisdictions": list(use.jurisdictions),
            "intervals": [interval],
            "legal_basis": use.legal_basis,
            "redress": decision.redress,
            "aim": use.aim,
            "privacy_policy": use.privacy_policy,
            "keeps_days": use.keeps_days,
        }
        for number, use in enumerate(decision.grants, start=1)
    ]
    contacts = {"website": application.website, "email": application.email}
    described = {"name": application.name, **{name: text for name, text in contacts.items() if text}}
    return {**record, "description": record.get("description") or described, "verifications": [*others, *granted]}
