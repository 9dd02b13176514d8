"""Signatures of parties at the desk: the bytes to sign go out as a file, and what a party sends back comes in as one.

Who carries a signature here does not matter (`rounds`), so any official who edits or approves may hand it in.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.authority.pages import desk_publishing
from wanderbuch.agents.authority.pages.desk import BASE, DeskPages, DeskParts, DeskVisit
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.agents.site.rendering import PageHandler


@dataclass(frozen=True, slots=True)
class SigningShown:
    """A round of signing, ready for the template.

    Args:
        version: the version that is signed.
        signed: DIDs of the parties who have signed.
        missing: DIDs of those who still can.
    """

    version: int
    signed: tuple[str, ...]
    missing: tuple[str, ...]


async def signing_shown(parts: DeskParts, draft: Draft) -> SigningShown | None:
    """Return the round of a draft that waits for signatures; None if it waits for none."""
    if draft.state is not DraftState.SIGNING:
        return None
    try:
        round_, missing = await parts.desk.round(draft.id)
    except RefusedError:  # signed meanwhile
        return None
    return SigningShown(round_.version, tuple(sorted(round_.signatures)), missing)


class DeskSigning:
    """The handlers of signatures.

    Args:
        desk: lets only officials in.
    """

    def __init__(self, desk: DeskPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        draft, served = f"{BASE}/{{language}}/draft/{{id}}", self._desk.served
        return {
            ("GET", f"{draft}/to-sign"): served(self._to_sign),
            ("POST", f"{draft}/signature"): served(self._hand_in, takes_file=True),
        }

    async def _to_sign(self, visit: DeskVisit) -> web.StreamResponse:
        round_, _ = await visit.parts.desk.round((await visit.draft()).id)
        name = f"to-sign-version-{round_.version}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return web.Response(body=round_.body, content_type="application/json", headers=headers)

    async def _hand_in(self, visit: DeskVisit) -> web.StreamResponse:
        official = visit.official
        if not (official.may(OfficialRole.EDITOR) or official.may(OfficialRole.APPROVER)):
            raise ForbiddenError("expected an official who edits or approves")
        draft = await visit.draft()
        await visit.parts.desk.take_signature(draft.id, jws=_signed(visit))
        await desk_publishing.publish(visit.parts, draft.id)
        return visit.go(f"/draft/{draft.id}")


def _signed(visit: DeskVisit) -> str:
    """Return the file that a party signed.

    Raises:
        MalformedError: it is none.
    """
    try:
        text = base64.b64decode(visit.sent.get("signed", ""), validate=True).decode("ascii").strip()
    except ValueError as err:
        raise MalformedError("expected the signed file, as the party sent it") from err
    if not text:
        raise MalformedError("expected the signed file, as the party sent it")
    return text
