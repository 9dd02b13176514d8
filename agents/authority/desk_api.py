"""The REST API of the desk: officials, drafts, suspensions, reviews, keys and signatures of parties.

The operator (the agent's own token) adds and removes officials and rotates the key, and has no part in drafts;
officials do the rest with their own tokens. Any of them may carry a party's signature here.
"""

from collections.abc import Callable, Sequence
from typing import Final

from wanderbuch.agents.authority.changes import header_parts
from wanderbuch.agents.authority.desk import Desk
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

EDITOR: Final = frozenset({OfficialRole.EDITOR.value})
APPROVER: Final = frozenset({OfficialRole.APPROVER.value})
OFFICIALS: Final = EDITOR | APPROVER
EVERYBODY: Final = OFFICIALS | OPERATOR.roles


def official_routes(desk: Callable[[], Desk]) -> Sequence[Route]:
    """Return the routes about officials."""

    async def every(_: Call[None]) -> OfficialViews:
        return OfficialViews(items=[OfficialView.of(each) for each in await desk().officials.all()])

    async def add(call: Call[NewOfficial]) -> OfficialWithToken:
        new = call.body
        official, token = await desk().officials.add(new.id, name=new.name, roles=new.roles)
        return OfficialWithToken(official=OfficialView.of(official), token=token)

    async def change(call: Call[OfficialChange]) -> OfficialView:
        changed = await desk().officials.change(call.path["id"], name=call.body.name, roles=call.body.roles)
        return OfficialView.of(changed)

    async def remove(call: Call[None]) -> OfficialView:
        return OfficialView.of(await desk().officials.remove(call.path["id"]))

    async def renew(call: Call[None]) -> OfficialWithToken:
        official, token = await desk().officials.renew_token(call.path["id"])
        return OfficialWithToken(official=OfficialView.of(official), token=token)

    async def me(call: Call[None]) -> OfficialView:
        return OfficialView.of(await desk().officials.get(call.caller.id))

    return (
        get("/officials", every, result=OfficialViews, summary="List all officials"),
        post("/officials", add, body=NewOfficial, result=OfficialWithToken, status=201, summary="Add an official"),
        patch("/officials/{id}", change, body=OfficialChange, result=OfficialView, summary="Change an official"),
        delete("/officials/{id}", remove, result=OfficialView, summary="Remove an official"),
        post("/officials/{id}/token", renew, result=OfficialWithToken, summary="Give an official a new token"),
        get("/me", me, result=OfficialView, summary="Show who asks", needs=OFFICIALS),
    )


def draft_routes(desk: Callable[[], Desk]) -> Sequence[Route]:
    """Return the routes about drafts and what is published."""

    async def who(call: Call[object]) -> Official:
        return await desk().officials.get(call.caller.id)

    async def show(call: Call[None]) -> DraftView:
        return DraftView.of(await desk().drafts.get(call.path["id"]))

    async def every(call: Call[None]) -> DraftViews:
        state = _state(DraftState, call.query.get("state"))
        return DraftViews(items=[DraftView.of(each) for each in await desk().drafts.all(state=state)])

    async def begin(call: Call[NewDraft]) -> DraftView:
        return DraftView.of(await desk().drafts.open(await who(call), call.body.why, draft_id=call.body.id))

    async def edit(call: Call[Edit]) -> DraftView:
        said = call.body
        draft = await desk().drafts.edit(
            call.path["id"],
            await who(call),
            header=said.header,
            records=said.records,
            undo=said.undo,
            revision=said.revision,
        )
        return DraftView.of(draft)

    async def diff(call: Call[None]) -> DifferenceViews:
        return DifferenceViews(items=[DifferenceView.of(each) for each in await desk().drafts.diff(call.path["id"])])

    async def findings(call: Call[None]) -> FindingViews:
        return FindingViews(items=[FindingView.of(each) for each in await desk().drafts.findings(call.path["id"])])

    async def schedule(call: Call[Schedule]) -> DraftView:
        return DraftView.of(await desk().drafts.schedule(call.path["id"], await who(call), call.body.not_before))

    async def submit(call: Call[None]) -> DraftView:
        return DraftView.of(await desk().drafts.submit(call.path["id"], await who(call)))

    async def approve(call: Call[Approval]) -> DraftView:
        return DraftView.of(await desk().approve(call.path["id"], await who(call), revision=call.body.revision))

    async def reject(call: Call[Reason]) -> DraftView:
        return DraftView.of(await desk().reject(call.path["id"], await who(call), call.body.why))

    async def rebase(call: Call[Rebase]) -> DraftView:
        said = call.body
        return DraftView.of(
            await desk().drafts.rebase(call.path["id"], await who(call), keep=said.keep, drop=said.drop)
        )

    async def refuse(call: Call[NewRefusal]) -> DraftView:
        said = call.body
        draft = await desk().refuse(
            call.path["id"],
            await who(call),
            applicant=said.applicant,
            refusal_id=said.id,
            occupations=said.occupations,
            decision=said.decision,
            reason=said.reason,
            redress=said.redress,
            decided_on=said.decided_on,
        )
        return DraftView.of(draft)

    async def record(call: Call[None]) -> RecordView:
        if not (did := call.query.get("did")):
            raise MalformedError("expected the query parameter did")
        base = await desk().publication.published()
        return RecordView(version=base.version, record=await base.record(did))

    async def header(_: Call[None]) -> HeaderView:
        base = await desk().publication.published()
        return HeaderView(version=base.version, header=header_parts(base.header))

    return (
        get("/drafts", every, result=DraftViews, summary="List drafts", query=("state",), needs=OFFICIALS),
        post("/drafts", begin, body=NewDraft, result=DraftView, status=201, summary="Open a draft", needs=EDITOR),
        get("/drafts/{id}", show, result=DraftView, summary="Show a draft", needs=OFFICIALS),
        patch("/drafts/{id}", edit, body=Edit, result=DraftView, summary="Change parts of a draft", needs=EDITOR),
        get("/drafts/{id}/diff", diff, result=DifferenceViews, summary="Show what it changes", needs=OFFICIALS),
        get("/drafts/{id}/findings", findings, result=FindingViews, summary="Show its mistakes", needs=OFFICIALS),
        post(
            "/drafts/{id}/schedule",
            schedule,
            body=Schedule,
            result=DraftView,
            summary="Set when it may be published",
            needs=EDITOR,
        ),
        post(
            "/drafts/{id}/refusals",
            refuse,
            body=NewRefusal,
            result=DraftView,
            summary="Record a refusal in it",
            needs=EDITOR,
        ),
        post("/drafts/{id}/submit", submit, result=DraftView, summary="Give it to the approvers", needs=EDITOR),
        post(
            "/drafts/{id}/approve",
            approve,
            body=Approval,
            result=DraftView,
            summary="Approve and publish it",
            needs=APPROVER,
        ),
        post("/drafts/{id}/reject", reject, body=Reason, result=DraftView, summary="Reject it", needs=OFFICIALS),
        post(
            "/drafts/{id}/rebase",
            rebase,
            body=Rebase,
            result=DraftView,
            summary="Take it back to edit, on the current version",
            needs=EDITOR,
        ),
        get("/record", record, result=RecordView, summary="Show a record", query=("did",), needs=EVERYBODY),
        get("/header", header, result=HeaderView, summary="Show the header", needs=EVERYBODY),
    )


def deciding_routes(desk: Callable[[], Desk]) -> Sequence[Route]:
    """Return the routes about suspensions, reviews, the key and signatures of parties."""

    async def who(call: Call[object]) -> Official:
        return await desk().officials.get(call.caller.id)

    async def suspend(call: Call[NewSuspension]) -> SuspensionView:
        said = call.body
        draft = await desk().suspend(
            said.issuer,
            await who(call),
            why=said.why,
            effective_from=said.effective_from,
            registries=said.registries,
            nothing_counts=said.nothing_counts,
            decision=said.decision,
            draft_id=said.id,
        )
        review = await desk().reviews.get(draft.id)
        return SuspensionView(draft=DraftView.of(draft), review=ReviewView.of(review))

    async def reviews(call: Call[None]) -> ReviewViews:
        state = _state(ReviewState, call.query.get("state"))
        return ReviewViews(items=[ReviewView.of(each) for each in await desk().reviews.all(state=state)])

    async def close(call: Call[ClosedReview]) -> ReviewView:
        closed = await desk().reviews.close(
            call.path["id"], await who(call), finding=call.body.finding, note=call.body.note
        )
        return ReviewView.of(closed)

    async def rotate(call: Call[Rotation]) -> DraftView:
        return DraftView.of(await desk().rotate(call.body.why, draft_id=call.body.id))

    async def signing(call: Call[None]) -> SigningView:
        held, missing = await desk().round(call.path["id"])
        text = None
        if kid := call.query.get("kid"):
            _, signed = await desk().signing_input(call.path["id"], _kid(kid))
            text = signed.decode("ascii")
        return SigningView(
            draft_id=held.id,
            version=held.version,
            signed_by=sorted(held.signatures),
            missing=list(missing),
            payload=held.payload,
            signing_input=text,
        )

    async def sign(call: Call[NewSignature]) -> DraftView:
        said = call.body
        kid = None if said.kid is None else _kid(said.kid)
        draft: Draft = await desk().sign(call.path["id"], jws=said.jws, kid=kid, signature=said.signature)
        return DraftView.of(draft)

    return (
        post(
            "/suspensions",
            suspend,
            body=NewSuspension,
            result=SuspensionView,
            status=201,
            summary="Suspend an issuer at once",
            needs=APPROVER,
        ),
        get("/reviews", reviews, result=ReviewViews, summary="List reviews", query=("state",), needs=OFFICIALS),
        post(
            "/reviews/{id}/close",
            close,
            body=ClosedReview,
            result=ReviewView,
            summary="Close a review",
            needs=APPROVER,
        ),
        post("/keys/rotate", rotate, body=Rotation, result=DraftView, summary="Replace the signing key"),
        get(
            "/drafts/{id}/signing",
            signing,
            result=SigningView,
            summary="Show the exact bytes that parties sign",
            query=("kid",),
            needs=EVERYBODY,
        ),
        post(
            "/drafts/{id}/signatures",
            sign,
            body=NewSignature,
            result=DraftView,
            summary="Hand in a party's signature",
            needs=EVERYBODY,
        ),
    )


def desk_routes(desk: Callable[[], Desk]) -> Sequence[Route]:
    """Return all routes of the desk.

    Args:
        desk: what they work on; raises NotReadyError before the role has started.
    """
    return (*official_routes(desk), *draft_routes(desk), *deciding_routes(desk))


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
