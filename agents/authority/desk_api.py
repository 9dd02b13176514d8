"""The REST API of the desk: officials, drafts, suspensions, reviews, keys and signatures of parties.

The operator (the agent's own token) and administrators add and remove officials; the operator rotates the key. Neither
has a part in drafts: officials do the rest with their own tokens. Any of them may carry a party's signature here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from wanderbuch.agents.authority.changes import header_parts
from wanderbuch.agents.authority.desk_models import (
    Approval,
    ClosedReview,
    DifferenceOut,
    DifferenceViews,
    DraftOut,
    DraftViews,
    Edit,
    FindingOut,
    FindingViews,
    GivenReason,
    HeaderOut,
    NewDraft,
    NewOfficial,
    NewRefusal,
    NewSignature,
    NewSuspension,
    OfficialAdded,
    OfficialChange,
    OfficialOut,
    OfficialViews,
    OfficialWithToken,
    Rebase,
    RecordOut,
    ReviewOut,
    ReviewViews,
    Rotation,
    Schedule,
    SigningOut,
    SuspensionOut,
)
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.authority.reviews import ReviewState
from wanderbuch.agents.people.rest import PeopleModels, PeopleSummaries, people_routes
from wanderbuch.agents.runtime.app import OPERATOR, Call, Route, get, patch, post
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.governance.facts.identifiers import DidUrl, IdentifierError

if TYPE_CHECKING:
    from wanderbuch.agents.authority.office import AuthorityOffice

EDITOR: Final = frozenset({OfficialRole.EDITOR.value})
APPROVER: Final = frozenset({OfficialRole.APPROVER.value})
OFFICIALS: Final = EDITOR | APPROVER
EVERYBODY: Final = OFFICIALS | OPERATOR.roles
ADMINISTRATOR: Final = frozenset({OfficialRole.ADMINISTRATOR.value})
MANAGERS: Final = ADMINISTRATOR | OPERATOR.roles


# Officials


async def _me(office: "AuthorityOffice", call: Call[None]) -> OfficialOut:
    return OfficialOut.of(await office.desk.officials.get(call.caller.id))


OFFICIAL_ROUTES: Final[Sequence[Route]] = (
    *people_routes(
        "/officials",
        lambda office: office.parts.access,
        PeopleModels(
            NewOfficial,
            OfficialChange,
            OfficialOut,
            OfficialViews,
            added=OfficialAdded,
            renewed=OfficialWithToken,
            person="official",
        ),
        PeopleSummaries("List all officials", "Add an official", one="an official"),
        needs=MANAGERS,
    ),
    get("/me", _me, result=OfficialOut, summary="Show who asks", needs=OFFICIALS | ADMINISTRATOR),
)


# Drafts, and what is published


async def _draft(office: "AuthorityOffice", call: Call[None]) -> DraftOut:
    return DraftOut.of(await office.desk.drafts.get(call.path["id"]))


async def _drafts(office: "AuthorityOffice", call: Call[None]) -> DraftViews:
    state = _state(DraftState, call.query.get("state"))
    return DraftViews(items=[DraftOut.of(draft) for draft in await office.desk.drafts.all(state=state)])


async def _begin(office: "AuthorityOffice", call: Call[NewDraft]) -> DraftOut:
    return DraftOut.of(await office.desk.drafts.open(await _who(office, call), call.body.why, draft_id=call.body.id))


async def _edit(office: "AuthorityOffice", call: Call[Edit]) -> DraftOut:
    edit = call.body
    draft = await office.desk.drafts.edit(
        call.path["id"],
        await _who(office, call),
        header=edit.header,
        records=edit.records,
        undo=edit.undo,
        revision=edit.revision,
    )
    return DraftOut.of(draft)


async def _diff(office: "AuthorityOffice", call: Call[None]) -> DifferenceViews:
    desk = office.desk
    base = await desk.compared_with(await desk.drafts.get(call.path["id"]))
    differences = await desk.drafts.diff(call.path["id"], base=base)
    return DifferenceViews(items=[DifferenceOut.of(difference) for difference in differences])


async def _findings(office: "AuthorityOffice", call: Call[None]) -> FindingViews:
    return FindingViews(
        items=[FindingOut.of(finding) for finding in await office.desk.drafts.findings(call.path["id"])]
    )


async def _schedule(office: "AuthorityOffice", call: Call[Schedule]) -> DraftOut:
    return DraftOut.of(
        await office.desk.drafts.schedule(call.path["id"], await _who(office, call), call.body.not_before)
    )


async def _submit(office: "AuthorityOffice", call: Call[None]) -> DraftOut:
    return DraftOut.of(await office.desk.drafts.submit(call.path["id"], await _who(office, call)))


async def _approve(office: "AuthorityOffice", call: Call[Approval]) -> DraftOut:
    return DraftOut.of(
        await office.desk.approve(
            call.path["id"], await _who(office, call), revision=call.body.revision, digest=call.body.digest
        )
    )


async def _reject(office: "AuthorityOffice", call: Call[GivenReason]) -> DraftOut:
    return DraftOut.of(await office.desk.reject(call.path["id"], await _who(office, call), call.body.why))


async def _discard(office: "AuthorityOffice", call: Call[None]) -> DraftOut:
    return DraftOut.of(await office.desk.drafts.discard(call.path["id"], await _who(office, call)))


async def _rebase(office: "AuthorityOffice", call: Call[Rebase]) -> DraftOut:
    choice = call.body
    return DraftOut.of(
        await office.desk.drafts.rebase(call.path["id"], await _who(office, call), keep=choice.keep, drop=choice.drop)
    )


async def _refuse(office: "AuthorityOffice", call: Call[NewRefusal]) -> DraftOut:
    refusal = call.body
    draft = await office.desk.refuse(
        call.path["id"],
        await _who(office, call),
        applicant=refusal.applicant,
        refusal_id=refusal.id,
        occupations=refusal.occupations,
        decision=refusal.decision,
        reason=refusal.reason,
        redress=refusal.redress,
        decided_on=refusal.decided_on,
    )
    return DraftOut.of(draft)


async def _record(office: "AuthorityOffice", call: Call[None]) -> RecordOut:
    if not (did := call.query.get("did")):
        raise MalformedError("expected the query parameter did")
    base = await office.desk.publication.published()
    return RecordOut(version=base.version, record=await base.record(did))


async def _header(office: "AuthorityOffice", _: Call[None]) -> HeaderOut:
    base = await office.desk.publication.published()
    return HeaderOut(version=base.version, header=header_parts(base.header))


DRAFT_ROUTES: Final[Sequence[Route]] = (
    get("/drafts", _drafts, result=DraftViews, summary="List drafts", query=("state",), needs=OFFICIALS),
    post("/drafts", _begin, body=NewDraft, result=DraftOut, status=201, summary="Open a draft", needs=EDITOR),
    get("/drafts/{id}", _draft, result=DraftOut, summary="Show a draft", needs=OFFICIALS),
    patch("/drafts/{id}", _edit, body=Edit, result=DraftOut, summary="Change parts of a draft", needs=EDITOR),
    get(
        "/drafts/{id}/diff", _diff, result=DifferenceViews, summary="Show what it changes, or changed", needs=OFFICIALS
    ),
    get("/drafts/{id}/findings", _findings, result=FindingViews, summary="Show its mistakes", needs=OFFICIALS),
    post(
        "/drafts/{id}/schedule",
        _schedule,
        body=Schedule,
        result=DraftOut,
        summary="Set when it may be published",
        needs=EDITOR,
    ),
    post(
        "/drafts/{id}/refusals",
        _refuse,
        body=NewRefusal,
        result=DraftOut,
        summary="Record a refusal in it",
        needs=EDITOR,
    ),
    post("/drafts/{id}/submit", _submit, result=DraftOut, summary="Give it to the approvers", needs=EDITOR),
    post(
        "/drafts/{id}/approve",
        _approve,
        body=Approval,
        result=DraftOut,
        summary="Approve and publish it",
        needs=APPROVER,
    ),
    post("/drafts/{id}/reject", _reject, body=GivenReason, result=DraftOut, summary="Reject it", needs=OFFICIALS),
    post("/drafts/{id}/discard", _discard, result=DraftOut, summary="Give it up for good", needs=EDITOR),
    post(
        "/drafts/{id}/rebase",
        _rebase,
        body=Rebase,
        result=DraftOut,
        summary="Take it back to edit, on the current version",
        needs=EDITOR,
    ),
    get("/record", _record, result=RecordOut, summary="Show a record", query=("did",), needs=EVERYBODY),
    get("/header", _header, result=HeaderOut, summary="Show the header", needs=EVERYBODY),
)


# Suspensions, reviews, the key, and signatures of parties


async def _suspend(office: "AuthorityOffice", call: Call[NewSuspension]) -> SuspensionOut:
    new = call.body
    draft = await office.desk.suspend(
        new.issuer,
        await _who(office, call),
        why=new.why,
        effective_from=new.effective_from,
        statuses=new.statuses,
        nothing_counts=new.nothing_counts,
        decision=new.decision,
        draft_id=new.id,
    )
    review = await office.desk.reviews.get(draft.id)
    return SuspensionOut(draft=DraftOut.of(draft), review=ReviewOut.of(review))


async def _reviews(office: "AuthorityOffice", call: Call[None]) -> ReviewViews:
    state = _state(ReviewState, call.query.get("state"))
    return ReviewViews(items=[ReviewOut.of(review) for review in await office.desk.reviews.all(state=state)])


async def _close(office: "AuthorityOffice", call: Call[ClosedReview]) -> ReviewOut:
    closed = await office.desk.reviews.close(
        call.path["id"], await _who(office, call), finding=call.body.finding, note=call.body.note
    )
    return ReviewOut.of(closed)


async def _rotate(office: "AuthorityOffice", call: Call[Rotation]) -> DraftOut:
    return DraftOut.of(await office.desk.rotate(call.body.why, draft_id=call.body.id))


async def _signing(office: "AuthorityOffice", call: Call[None]) -> SigningOut:
    round_, missing = await office.desk.round(call.path["id"])
    text = None
    if kid := call.query.get("kid"):
        _, signed = await office.desk.signing_input(call.path["id"], _kid(kid))
        text = signed.decode("ascii")
    return SigningOut(
        draft_id=round_.id,
        version=round_.version,
        signed_by=sorted(round_.signatures),
        missing=list(missing),
        payload=round_.payload,
        signing_input=text,
    )


async def _sign(office: "AuthorityOffice", call: Call[NewSignature]) -> DraftOut:
    handed_in = call.body
    kid = None if handed_in.kid is None else _kid(handed_in.kid)
    draft: Draft = await office.desk.sign(call.path["id"], jws=handed_in.jws, kid=kid, signature=handed_in.signature)
    return DraftOut.of(draft)


DECIDING_ROUTES: Final[Sequence[Route]] = (
    post(
        "/suspensions",
        _suspend,
        body=NewSuspension,
        result=SuspensionOut,
        status=201,
        summary="Suspend an issuer at once",
        needs=APPROVER,
    ),
    get("/reviews", _reviews, result=ReviewViews, summary="List reviews", query=("state",), needs=OFFICIALS),
    post(
        "/reviews/{id}/close",
        _close,
        body=ClosedReview,
        result=ReviewOut,
        summary="Close a review",
        needs=APPROVER,
    ),
    post("/keys/rotate", _rotate, body=Rotation, result=DraftOut, summary="Replace the signing key"),
    get(
        "/drafts/{id}/signing",
        _signing,
        result=SigningOut,
        summary="Show the exact bytes that parties sign",
        query=("kid",),
        needs=EVERYBODY,
    ),
    post(
        "/drafts/{id}/signatures",
        _sign,
        body=NewSignature,
        result=DraftOut,
        summary="Hand in a party's signature",
        needs=EVERYBODY,
    ),
)


DESK_ROUTES: Final[Sequence[Route]] = (*OFFICIAL_ROUTES, *DRAFT_ROUTES, *DECIDING_ROUTES)


async def _who(office: "AuthorityOffice", call: Call[Any]) -> Official:
    return await office.desk.officials.get(call.caller.id)


def _state[E: (DraftState, ReviewState)](kind: type[E], text: str | None) -> E | None:
    try:
        return None if text is None else kind(text)
    except ValueError as err:
        raise MalformedError(f"expected one of the states {', '.join(state.value for state in kind)}") from err


def _kid(text: str) -> DidUrl:
    try:
        return DidUrl.parse(text)
    except IdentifierError as err:
        raise MalformedError(f"kid: {err.message}") from err
