"""Signing as a party at the desk: what another authority is about to publish is brought, looked at, and signed."""

import base64
from collections.abc import Mapping
from datetime import UTC

from aiohttp import web

from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.authority.pages.desk import BASE, DeskPages, DeskVisit
from wanderbuch.agents.authority.party_memory import Doubt
from wanderbuch.agents.authority.party_signing import LookedAt, PartyFile
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import SECURITY_HEADERS, PageHandler
from wanderbuch.errors import WanderbuchError

_LATEST = 50
_FRAME = ("file.version", "file.first")


class DeskParty:
    """The handlers of what other authorities ask us to sign.

    Args:
        desk: lets only officials in, and shows pages.
    """

    def __init__(self, desk: DeskPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, place = self._desk.served, f"{BASE}/{{language}}/party"
        return {
            ("GET", place): served(self._every),
            ("POST", place): served(self._bring, takes_file=True),
            ("GET", f"{place}/{{id}}"): served(self._show),
            ("POST", f"{place}/{{id}}/sign"): served(self._sign),
            ("GET", f"{place}/{{id}}/signature"): served(self._signature),
            ("POST", f"{place}/{{id}}/remove"): served(self._remove),
        }

    async def _every(
        self, visit: DeskVisit, *, err: WanderbuchError | None = None, status: int = 200
    ) -> web.StreamResponse:
        signing = visit.parts.party_signing
        return self._desk.show(
            visit,
            "desk_party.html",
            status=status,
            files=await signing.all(),
            signed=await signing.signed(limit=_LATEST),
            names=await self._names(visit),
            err=err,
        )

    async def _bring(self, visit: DeskVisit) -> web.StreamResponse:
        try:
            content = base64.b64decode(visit.sent.get("file", ""), validate=True)
        except ValueError as err:
            raise MalformedError("expected a file") from err
        if not content:
            raise MalformedError("expected a file that is not empty")
        signing, name = visit.parts.party_signing, visit.sent.get("file.name", "")
        try:
            kept = await signing.bring(visit.official, name, content)
        except WanderbuchError as err:
            return await self._every(visit, err=err, status=422)
        return visit.go(f"/party/{kept.id}")

    async def _show(
        self, visit: DeskVisit, *, err: WanderbuchError | None = None, status: int = 200
    ) -> web.StreamResponse:
        parts = visit.parts
        kept = await self._kept(visit)
        looked: LookedAt | None = None
        if not kept.jws:  # what was signed stays so, whatever is in force by now
            try:
                looked = await parts.party_signing.look(kept)
            except WanderbuchError as failure:
                err = err or failure
        facts = await parts.register.facts()
        known = [] if facts is None else [one.publisher for one in facts.file.recognitions]
        four_eyes = parts.desk.four_eyes and kept.brought_by == visit.official.id
        return self._desk.show(
            visit,
            "desk_party_file.html",
            status=status,
            kept=kept,
            looked=looked,
            changes=[] if looked is None else [one for one in looked.changes if one.code not in _FRAME],
            is_known=looked is not None and looked.file.author in known,
            may_sign=visit.official.may(OfficialRole.APPROVER) and not four_eyes,
            names=await self._names(visit),
            err=err,
        )

    async def _sign(self, visit: DeskVisit) -> web.StreamResponse:
        if visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm that you have read what changes")
        kept = await self._kept(visit)
        ticked = visit.sent.getall("looked_into", [])
        looked_into = [doubt for doubt in Doubt if doubt.value in ticked]
        try:
            await visit.parts.party_signing.sign(
                kept.id, visit.official, compared=visit.text("compared"), looked_into=looked_into
            )
        except WanderbuchError as err:
            return await self._show(visit, err=err, status=409)
        return visit.go(f"/party/{kept.id}")

    async def _signature(self, visit: DeskVisit) -> web.StreamResponse:
        kept = await self._kept(visit)
        if not kept.jws or kept.signed_at is None:
            raise MalformedError("nobody has signed this yet")
        name = f"signature-{kept.signed_at.astimezone(UTC):%Y-%m-%d}.jws"
        headers = {
            **SECURITY_HEADERS,
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        return web.Response(body=kept.jws.encode("ascii"), content_type="application/jose", headers=headers)

    async def _remove(self, visit: DeskVisit) -> web.StreamResponse:
        await visit.parts.party_signing.remove((await self._kept(visit)).id, visit.official)
        return visit.go("/party")

    async def _names(self, visit: DeskVisit) -> Mapping[str, str]:
        return {official.id: official.name for official in await visit.parts.desk.officials.all()}

    async def _kept(self, visit: DeskVisit) -> PartyFile:
        return await visit.parts.party_signing.get(visit.request.match_info["id"])
