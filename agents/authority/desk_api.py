"""The REST API of the desk: officials, drafts, suspensions, reviews, keys and signatures of parties.

The operator (the agent's own token) adds and removes officials and rotates the key, and has no part in drafts;
officials do the rest with their own tokens. Any of them may carry a party's signature here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from wanderbuch.agents.authority.changes import header_parts
from wanderbuch.agents.authority.desk_views import (
    Approval,
    ClosedReview,
    DifferenceView,
    DifferenceViews,
    DraftView,
    DraftViews,
    Edit,
    FindingView,
    FindingViews,
    HeaderView,
    NewDraft,
    NewOfficial,
    NewRefusal,
    NewSignature,
    NewSuspension,
    OfficialChange,
    OfficialView,
    OfficialViews,
    OfficialWithToken,
    Reason,
    Rebase,
    RecordView,
    ReviewView,
    ReviewViews,
    Rotation,
    Schedule,
    SigningView,
    SuspensionView,
)
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.authority.reviews import ReviewState
from wanderbuch.agents.runtime.app import OPERATOR, Call, Route, delete, get, patch, post
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.governance.identifiers import DidUrl, IdentifierError

if TYPE_CHECKING:
    from wanderbuch.agents.authority.office import AuthorityOffice

EDITOR: Final = frozenset({OfficialRole.EDITOR.value})
APPROVER: Final = frozenset({OfficialRole.APPROVER.value})
OFFICIALS: Final = EDITOR | APPROVER
EVERYBODY: Final = OFFICIALS | OPERATOR.roles


# Officials


async def _officials(office: "AuthorityOffice", _: Call[None]) -> OfficialViews:
    return OfficialViews(items=[OfficialView.of(each) for each in await office.desk.officials.all()])


async def _add_official(office: "AuthorityOffice", call: Call[NewOfficial]) -> OfficialWithToken:
    new = call.body
    official, token = await office.desk.officials.add(new.id, name=new.name, roles=new.roles)
    return OfficialWithToken(official=OfficialView.of(official), token=token)


async def _change_official(office: "AuthorityOffice", call: Call[OfficialChange]) -> OfficialView:
    changed = await office.desk.officials.change(call.path["id"], name=call.body.name, roles=call.body.roles)
    return OfficialView.of(changed)


async def _remove_official(office: "AuthorityOffice", call: Call[None]) -> OfficialView:
    return OfficialView.of(await office.desk.officials.remove(call.path["id"]))


async def _renew_token(office: "AuthorityOffice", call: Call[None]) -> OfficialWithToken:
    official, token = await office.desk.officials.renew_token(call.path["id"])
    return OfficialWithToken(official=OfficialView.of(official), token=token)


async def _me(office: "AuthorityOffice", call: Call[None]) -> OfficialView:
    return OfficialView.of(await office.desk.officials.get(call.caller.id))


OFFICIAL_ROUTES: Final[Sequence[Route]] = (
    get("/officials", _officials, result=OfficialViews, summary="List all officials"),
    post(
        "/officials", _add_official, body=NewOfficial, result=OfficialWithToken, status=201, summary="Add an official"
    ),
    patch("/officials/{id}", _change_official, body=OfficialChange, result=OfficialView, summary="Change an official"),
    delete("/officials/{id}", _remove_official, result=OfficialView, summary="Remove an official"),
    post("/officials/{id}/token", _renew_token, result=OfficialWithToken, summary="Give an official a new token"),
    get("/me", _me, result=OfficialView, summary="Show who asks", needs=OFFICIALS),
)


# Drafts, and what is published


async def _draft(office: "AuthorityOffice", call: Call[None]) -> DraftView:
    return DraftView.of(await office.desk.drafts.get(call.path["id"]))


async def _drafts(office: "AuthorityOffice", call: Call[None]) -> DraftViews:
    state = _state(DraftState, call.query.get("state"))
    return DraftViews(items=[DraftView.of(each) for each in await office.desk.drafts.all(state=state)])


async def _begin(office: "AuthorityOffice", call: Call[NewDraft]) -> DraftView:
    return DraftView.of(await office.desk.drafts.open(await _who(office, call), call.body.why, draft_id=call.body.id))


async def _edit(office: "AuthorityOffice", call: Call[Edit]) -> DraftView:
    said = call.body
    draft = await office.desk.drafts.edit(
        call.path["id"],
        await _who(office, call),
        header=said.header,
        records=said.records,
        undo=said.undo,
        revision=said.revision,
    )
    return DraftView.of(draft)


async def _diff(office: "AuthorityOffice", call: Call[None]) -> DifferenceViews:
    return DifferenceViews(items=[DifferenceView.of(each) for each in await office.desk.drafts.diff(call.path["id"])])


async def _findings(office: "AuthorityOffice", call: Call[None]) -> FindingViews:
    return FindingViews(items=[FindingView.of(each) for each in await office.desk.drafts.findings(call.path["id"])])


async def _schedule(office: "AuthorityOffice", call: Call[Schedule]) -> DraftView:
    return DraftView.of(
        await office.desk.drafts.schedule(call.path["id"], await _who(office, call), call.body.not_before)
    )


async def _submit(office: "AuthorityOffice", call: Call[None]) -> DraftView:
    return DraftView.of(await office.desk.drafts.submit(call.path["id"], await _who(office, call)))


async def _approve(office: "AuthorityOffice", call: Call[Approval]) -> DraftView:
    return DraftView.of(
        await office.desk.approve(call.path["id"], await _who(office, call), revision=call.body.revision)
    )


async def _reject(office: "AuthorityOffice", call: Call[Reason]) -> DraftView:
    return DraftView.of(await office.desk.reject(call.path["id"], await _who(office, call), call.body.why))


async def _rebase(office: "AuthorityOffice", call: Call[Rebase]) -> DraftView:
    said = call.body
    return DraftView.of(
        await office.desk.drafts.rebase(call.path["id"], await _who(office, call), keep=said.keep, drop=said.drop)
    )


async def _refuse(office: "AuthorityOffice", call: Call[NewRefusal]) -> DraftView:
    said = call.body
    draft = await office.desk.refuse(
        call.path["id"],
        await _who(office, call),
        applicant=said.applicant,
        refusal_id=said.id,
        occupations=said.occupations,
        decision=said.decision,
        reason=said.reason,
        redress=said.redress,
        decided_on=said.decided_on,
    )
    return DraftView.of(draft)


async def _record(office: "AuthorityOffice", call: Call[None]) -> RecordView:
    if not (did := call.query.get("did")):
        raise MalformedError("expected the query parameter did")
    base = await office.desk.publication.published()
    return RecordView(version=base.version, record=await base.record(did))


async def _header(office: "AuthorityOffice", _: Call[None]) -> HeaderView:
    base = await office.desk.publication.published()
    return HeaderView(version=base.version, header=header_parts(base.header))


DRAFT_ROUTES: Final[Sequence[Route]] = (
    get("/drafts", _drafts, result=DraftViews, summary="List drafts", query=("state",), needs=OFFICIALS),
    post("/drafts", _begin, body=NewDraft, result=DraftView, status=201, summary="Open a draft", needs=EDITOR),
    get("/drafts/{id}", _draft, result=DraftView, summary="Show a draft", needs=OFFICIALS),
    patch("/drafts/{id}", _edit, body=Edit, result=DraftView, summary="Change parts of a draft", needs=EDITOR),
    get("/drafts/{id}/diff", _diff, result=DifferenceViews, summary="Show what it changes", needs=OFFICIALS),
    get("/drafts/{id}/findings", _findings, result=FindingViews, summary="Show its mistakes", needs=OFFICIALS),
    post(
        "/drafts/{id}/schedule",
        _schedule,
        body=Schedule,
        result=DraftView,
        summary="Set when it may be published",
        needs=EDITOR,
    ),
    post(
        "/drafts/{id}/refusals",
        _refuse,
        body=NewRefusal,
        result=DraftView,
        summary="Record a refusal in it",
        needs=EDITOR,
    ),
    post("/drafts/{id}/submit", _submit, result=DraftView, summary="Give it to the approvers", needs=EDITOR),
    post(
        "/drafts/{id}/approve",
        _approve,
        body=Approval,
        result=DraftView,
        summary="Approve and publish it",
        needs=APPROVER,
    ),
    post("/drafts/{id}/reject", _reject, body=Reason, result=DraftView, summary="Reject it", needs=OFFICIALS),
    post(
        "/drafts/{id}/rebase",
        _rebase,
        body=Rebase,
        result=DraftView,
        summary="Take it back to edit, on the current version",
        needs=EDITOR,
    ),
    get("/record", _record, result=RecordView, summary="Show a record", query=("did",), needs=EVERYBODY),
    get("/header", _header, result=HeaderView, summary="Show the header", needs=EVERYBODY),
)


# Suspensions, reviews, the key, and signatures of parties


async def _suspend(office: "AuthorityOffice", call: Call[NewSuspension]) -> SuspensionView:
    said = call.body
    draft = await office.desk.suspend(
        said.issuer,
        await _who(office, call),
        why=said.why,
        effective_from=said.effective_from,
        registries=said.registries,
        nothing_counts=said.nothing_counts,
        decision=said.decision,
        draft_id=said.id,
    )
    review = await office.desk.reviews.get(draft.id)
    return SuspensionView(draft=DraftView.of(draft), review=ReviewView.of(review))


async def _reviews(office: "AuthorityOffice", call: Call[None]) -> ReviewViews:
    state = _state(ReviewState, call.query.get("state"))
    return ReviewViews(items=[ReviewView.of(each) for each in await office.desk.reviews.all(state=state)])


async def _close(office: "AuthorityOffice", call: Call[ClosedReview]) -> ReviewView:
    closed = await office.desk.reviews.close(
        call.path["id"], await _who(office, call), finding=call.body.finding, note=call.body.note
    )
    return ReviewView.of(closed)


async def _rotate(office: "AuthorityOffice", call: Call[Rotation]) -> DraftView:
    return DraftView.of(await office.desk.rotate(call.body.why, draft_id=call.body.id))


async def _signing(office: "AuthorityOffice", call: Call[None]) -> SigningView:
    held, missing = await office.desk.round(call.path["id"])
    text = None
    if kid := call.query.get("kid"):
        _, signed = await office.desk.signing_input(call.path["id"], _kid(kid))
        text = signed.decode("ascii")
    return SigningView(
        draft_id=held.id,
        version=held.version,
        signed_by=sorted(held.signatures),
        missing=list(missing),
        payload=held.payload,
        signing_input=text,
    )


async def _sign(office: "AuthorityOffice", call: Call[NewSignature]) -> DraftView:
    said = call.body
    kid = None if said.kid is None else _kid(said.kid)
    draft: Draft = await office.desk.sign(call.path["id"], jws=said.jws, kid=kid, signature=said.signature)
    return DraftView.of(draft)


DECIDING_ROUTES: Final[Sequence[Route]] = (
    post(
        "/suspensions",
        _suspend,
        body=NewSuspension,
        result=SuspensionView,
        status=201,
        summary="Suspend an issuer at once",
        needs=APPROVER,
    ),
    get("/reviews", _reviews, result=ReviewViews, summary="List reviews", query=("state",), needs=OFFICIALS),
    post(
        "/reviews/{id}/close",
        _close,
        body=ClosedReview,
        result=ReviewView,
        summary="Close a review",
        needs=APPROVER,
    ),
    post("/keys/rotate", _rotate, body=Rotation, result=DraftView, summary="Replace the signing key"),
    get(
        "/drafts/{id}/signing",
        _signing,
        result=SigningView,
        summary="Show the exact bytes that parties sign",
        query=("kid",),
        needs=EVERYBODY,
    ),
    post(
        "/drafts/{id}/signatures",
        _sign,
        body=NewSignature,
        result=DraftView,
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
        raise MalformedError(f"expected one of the states {', '.join(each.value for each in kind)}") from err


def _kid(text: str) -> DidUrl:
    try:
        return DidUrl.parse(text)
    except IdentifierError as err:
        raise MalformedError(f"kid: {err.message}") from err
