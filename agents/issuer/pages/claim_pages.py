"""The page of a slip, on the public site: what it is for, what must be told, and then the offer.

`/claim/<token>` is what a slip shows: the page in the reader's language, as `/claim/<language>/<token>` is in one that
they choose, and to which its form is sent. Opening a page changes nothing, for messengers and mail filters open
whatever they pass on: only the button does. The page works without JavaScript, sets no cookie, asks no other site, and
says nothing of whose slip it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from aiohttp import web
from cachetools import LRUCache

from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.claiming import ClaimRefusedError, SlipLook, SlipUnknownError
from wanderbuch.agents.issuer.desk import OfferRefusedError
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.pages.kit import KIT
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.gate.budget import Budget, TooOftenError
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, NotReadyError, TooSlowError
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.site.languages import Language, negotiated
from wanderbuch.agents.site.opening import opening, wallet_host
from wanderbuch.agents.site.posted_form import read_form
from wanderbuch.agents.site.rendering import PageHandler, Pages, answer_to_one, language_of
from wanderbuch.agents.site.safe_text import plain
from wanderbuch.governance.facts.accreditation import Participant
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Reason
from wanderbuch.store.errors import LeaseBusyError

CLAIM_PLACE: Final = "/claim"
_MAX_TOLD: Final = 100
_MOST_OPEN: Final = 32  # pages that are alike but for their tokens; 10 KB each
_ANY_SLIP: Final = "~any-slip~"  # which no token and no page has in it
_STATUS: Final[Mapping[str, int]] = {"wrong": 403, "locked": 403, "paused": 503}
"""Of a slip that cannot be claimed; the others are over."""
_OVER: Final = 410


class ClaimWork(Protocol):
    """What the pages work on: an open issuer's office."""

    @property
    def tenant(self) -> Tenant:
        """Return whose it is."""

    @property
    def batches(self) -> BatchDesk:
        """Return its batches."""

    @property
    def standing(self) -> Standing:
        """Return what it may attest."""

    @property
    def claims(self) -> Budget:
        """Return how often strangers may try."""


class ClaimPages:
    """The handlers."""

    def __init__(self) -> None:
        self._open: LRUCache[tuple[str, str, str, SlipLook], str] = LRUCache(_MOST_OPEN)

    def routes(self) -> tuple[PublicRoute, ...]:
        """Return the routes of the public site."""
        pages: tuple[tuple[str, str, PageHandler], ...] = (
            ("GET", "/{token}", self._welcome),
            ("GET", "/{language}/{token}", self._slip),
            ("POST", "/{language}/{token}", self._claim),
            ("GET", "/assets/{digest}/{name}", self._asset),
        )
        return tuple(PublicRoute(method, CLAIM_PLACE + path, handler) for method, path, handler in pages)

    async def _welcome(self, office: ClaimWork, request: web.Request) -> web.StreamResponse:
        language = negotiated(request.headers.get("Accept-Language", ""), KIT.languages)
        response = await self._looked(office, request, language)
        response.headers["Vary"] = "Accept-Language"
        return response

    async def _asset(self, office: ClaimWork, request: web.Request) -> web.StreamResponse:
        return await Pages(_base(office), KIT).asset(office, request)

    async def _slip(self, office: ClaimWork, request: web.Request) -> web.StreamResponse:
        return await self._looked(office, request, _language(request))

    async def _looked(self, office: ClaimWork, request: web.Request, language: Language) -> web.Response:
        """Return the page of a slip; nothing is changed."""
        try:
            look = await office.batches.claiming.look(request.match_info["token"])
        except SlipUnknownError:
            return self._unknown(office, request, language)
        return self._show(office, request, language, look, status=200 if look.is_open else _status(look))

    async def _claim(self, office: ClaimWork, request: web.Request) -> web.StreamResponse:
        language, token = _language(request), request.match_info["token"]
        claiming = office.batches.claiming
        try:
            told = (await read_form(request)).get("told", "")[:_MAX_TOLD]
        except TooSlowError as err:
            raise web.HTTPRequestTimeout from err
        except MalformedError as err:
            raise web.HTTPBadRequest from err
        except ForbiddenError:
            return await self._elsewhere(office, request, language)
        try:
            await claiming.expect_genuine(token)
            office.claims.take(network_of(office, request))
            offer = await claiming.claim(token, told)
        except SlipUnknownError:
            return self._unknown(office, request, language)
        except ClaimRefusedError as err:
            return self._show(office, request, language, err.look, status=_status(err.look))
        except OfferRefusedError as err:
            reasons = err.decision.reasons
            return await self._say(office, request, language, "claim.refused", reasons=reasons, status=409)
        except TooOftenError as err:
            response = await self._say(office, request, language, "claim.too_often", status=429)
            response.headers["Retry-After"] = str(err.wait_s)
            return response
        except (NotReadyError, LeaseBusyError):
            return await self._say(office, request, language, "claim.not_now", status=503)
        return self._offer(office, request, language, offer)

    async def _elsewhere(self, office: ClaimWork, request: web.Request, language: Language) -> web.Response:
        """Return the page for a form that a page of another site sent: nothing of it was read."""
        return await self._say(office, request, language, "form.elsewhere", status=403)

    async def _say(
        self,
        office: ClaimWork,
        request: web.Request,
        language: Language,
        sentence: str,
        *,
        reasons: Sequence[Reason] = (),
        status: int,
    ) -> web.Response:
        """Return the page of a slip as it is now, with why it was not claimed."""
        try:
            look = await office.batches.claiming.look(request.match_info["token"])
        except SlipUnknownError:
            return self._unknown(office, request, language)
        return self._show(office, request, language, look, sentence=sentence, reasons=reasons, status=status)

    def _offer(self, office: ClaimWork, request: web.Request, language: Language, offer: Offer) -> web.Response:
        short = offer.short_url or ""
        return self._page(
            office,
            request,
            "claim_offer.html",
            language,
            code=f"{urlsplit(short).path}/code.svg",
            short=short,
            opening=opening(request, short=short, long=offer.invitation_url or ""),
            answer_by=offer.answer_by,
        )

    def _unknown(self, office: ClaimWork, request: web.Request, language: Language) -> web.Response:
        return self._page(office, request, "claim_unknown.html", language, status=404)

    def _show(
        self,
        office: ClaimWork,
        request: web.Request,
        language: Language,
        look: SlipLook,
        *,
        sentence: str = "",
        reasons: Sequence[Reason] = (),
        status: int = 200,
    ) -> web.Response:
        if look.is_open and not sentence:
            return _unindexed(answer_to_one(self._open_page(office, request, language, look), language, status=status))
        return self._page(
            office,
            request,
            "claim.html",
            language,
            status=status,
            look=look,
            wallet=wallet_host(request),
            successor=_successor(office, look),
            said=sentence,
            reasons=reasons,
            action=_action(office, language, request.match_info["token"]),
        )

    def _open_page(self, office: ClaimWork, request: web.Request, language: Language, look: SlipLook) -> str:
        """Return the page of a slip that may be claimed: but for its token it is the same for many."""
        name, base = plain(office.tenant.name), _base(office)
        kept = self._open.get((base, name, language.tag, look))
        if kept is None:
            wallet = wallet_host(request)
            of_all = {"look": look, "wallet": wallet, "successor": None, "said": "", "reasons": (), "site_name": name}
            action = _action(office, language, _ANY_SLIP)
            kept = Pages(base, KIT).text("claim.html", language, path=f"/{_ANY_SLIP}", action=action, **of_all)
            self._open[base, name, language.tag, look] = kept
        return kept.replace(_ANY_SLIP, request.match_info["token"])  # of our own making: no letter of it is special

    def _page(
        self,
        office: ClaimWork,
        request: web.Request,
        template: str,
        language: Language,
        *,
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        response = Pages(_base(office), KIT).for_one(
            request,
            template,
            language,
            status=status,
            path=f"/{request.match_info['token']}",
            site_name=plain(office.tenant.name),
            **values,
        )
        return _unindexed(response)


def _unindexed(response: web.Response) -> web.Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _action(office: ClaimWork, language: Language, token: str) -> str:
    return f"{_base(office)}/{language.tag}/{token}"


def network_of(office: ClaimWork, request: web.Request) -> str:
    """Return the network that a request came from."""
    networks = Networks(office.tenant.parts.config.public.trusted_proxies)
    return networks.of_request(request)


def claim_routes() -> tuple[PublicRoute, ...]:
    """Return the routes of the page of a slip."""
    return ClaimPages().routes()


def _successor(office: ClaimWork, look: SlipLook) -> Participant | None:
    """Return who goes on with a row that was handed over, as the authority's file describes them."""
    snapshot = None if look.handed_to is None else office.standing.snapshot()
    if snapshot is None or look.handed_to is None:
        return None
    known = snapshot.file.index.participants.get(Did(look.handed_to))
    return known if known is not None and known.name else None


def _status(look: SlipLook) -> int:
    return _STATUS.get(look.why, _OVER)


def _language(request: web.Request) -> Language:
    language = language_of(request, KIT.languages)
    if language is None:
        raise web.HTTPNotFound
    return language


def _base(office: ClaimWork) -> str:
    return "/" + office.tenant.place.published(CLAIM_PLACE.removeprefix("/"))
