"""What people meet at the addresses of an agent: who is here, an invitation, what did not work. See `runtime/front`.

The language is the one in the address (`?language=ta`, or a page's own `/registry/ta/…`), else the browser's. Names and
invitations are their sender's own word, and marked so: a page of the sender cannot vouch for the sender.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from wanderbuch.agents.runtime.closed_hosts import ClosedHost
from wanderbuch.agents.runtime.front import Failure, SayAsked, SiteKind, Who
from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.agents.site.languages import FALLBACK, FOR_WORKERS, LANGUAGES, Language, negotiated
from wanderbuch.agents.site.opening import opening
from wanderbuch.agents.site.rendering import SECURITY_HEADERS, Kit, Pages
from wanderbuch.agents.site.safe_text import plain
from wanderbuch.governance.facts.identifiers import IdentifierError, WebvhDid
from wanderbuch.plugins.trust.purposes import stated_purpose

_BASE: Final = "/site"
_CODE_MAX_AGE_S: Final = 300
_GONE: Final = 410
_SAID_IN_FULL: Final = frozenset({"unauthorized", "not-ready"})
"""Failures whose pages say all that helps a person; what programs are told of them is about headers."""
_SEGMENTS_WITH_LANGUAGE: Final = 4
_KINDS: Final = {
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "wrong-method",
    408: "too-slow",
    410: "not-found",
    413: "too-large",
    429: "too-many",
    503: "not-ready",
}


class SiteFront:
    """Makes the pages that both sites of every agent have; see `runtime.front.Front`.

    Args:
        kit: what they are made of.
    """

    def __init__(self, kit: Kit) -> None:
        self._pages = Pages(_BASE, kit)

    async def asset(self, request: web.Request) -> web.Response:
        """Answer with a file that the pages need."""
        return await self._pages.asset(None, request)

    async def favicon(self, _: web.Request) -> web.Response:
        """Answer with the picture that browsers ask for by themselves."""
        icon = self._pages.kit.assets["favicon.ico"]
        headers = {**SECURITY_HEADERS, "Cache-Control": "public, max-age=86400"}
        return web.Response(body=icon.body, content_type=icon.content_type, headers=headers)

    def root(self, request: web.Request, site: SiteKind, who: Who) -> web.Response:
        """Return the page that says where one is and what one can do here."""
        tag, prefix = self._language(request).tag, who.prefix if site is SiteKind.PUBLIC else ""
        there = tag if tag in LANGUAGES else FALLBACK.tag  # registers and desks have fewer
        entries = [
            (entry.name, prefix + entry.path.replace("{language}", there))
            for entry in who.entries
            if entry.site is site
        ]
        return self.page(
            request,
            "root.html",
            site_name=plain(who.name),
            start=f"{prefix}/?language={tag}",
            who=who,
            site=site.value,
            entries=entries,
        )

    async def invitation(
        self, request: web.Request, short: str, long: str, invitation: Mapping[str, Any], say_asked: SayAsked
    ) -> web.Response:
        """Return the page of an invitation: what it asks, whose it is, how to open it with a wallet or without one."""
        did = _first_did(invitation.get("services"))
        label, purpose = invitation.get("label"), stated_purpose(invitation.get("goal_code"))
        return self.page(
            request,
            "invitation.html",
            site_name=plain(request.host),
            label=label if isinstance(label, str) else "",
            did=did,
            did_host=_host_of(did),
            purpose=purpose.value if purpose else None,
            asked=await say_asked(self._language(request).tag),
            opening=opening(request, short=short, long=long),
            short=short,
            code=f"{urlsplit(short).path}/code.svg",
        )

    def carried(self, request: web.Request) -> web.Response:
        """Return the page for an address that carries an invitation; nothing of it is shown: anybody can make one."""
        return self.page(request, "carried.html", site_name=plain(request.host))

    def qr(self, address: str) -> web.Response:
        """Return the picture of an address."""
        headers = {**SECURITY_HEADERS, "Cache-Control": f"private, max-age={_CODE_MAX_AGE_S}"}
        return web.Response(text=qr_svg(address), content_type="image/svg+xml", headers=headers)

    def closed(self, request: web.Request, closed: ClosedHost) -> web.Response:
        """Return the page at the host of a centre that has closed."""
        return self.page(request, "closed.html", status=_GONE, site_name=plain(request.host), closed=closed)

    def problem(self, request: web.Request, failure: Failure) -> web.Response:
        """Return the page that says what did not work and how to go on."""
        kind = _KINDS.get(failure.status) or ("failed" if failure.status >= 500 else "request")
        return self.page(
            request,
            "failure.html",
            status=failure.status,
            site_name=plain(request.host),
            kind=kind,
            failure=Failure(failure.status) if kind in _SAID_IN_FULL else failure,
        )

    def page(self, request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """Return a page at an address that has no language in it; `?language=` chooses another than the browser's.

        Args:
            request: for the page.
            template: extends `front.html`.
            status: of HTTP.
            values: for the template, `site_name` among them.
        """
        language = self._language(request)

        def in_language(tag: str) -> str:
            kept = [(name, value) for name, value in request.query.items() if name != "language"]
            # No path: one that begins with two slashes would name another host.
            return f"?{urlencode([*kept, ('language', tag)])}"

        can_be_asked_again = request.method in {"GET", "HEAD"}
        shared = {
            "start": f"/?language={language.tag}",
            "in_language": in_language if can_be_asked_again else None,
        }
        response = self._pages.for_one(request, template, language, status=status, **(shared | values))
        response.headers["Vary"] = "Accept, Accept-Language"
        return response

    def _language(self, request: web.Request) -> Language:
        languages = self._pages.kit.languages
        named = [request.query.get("language", ""), *request.path.split("/", _SEGMENTS_WITH_LANGUAGE)]
        for tag in named:
            if tag in languages:
                return languages[tag]
        return negotiated(request.headers.get("Accept-Language", ""), languages)


FRONT: Final = SiteFront(Kit(languages=FOR_WORKERS))
"""Of every role: nothing in it belongs to one agent."""


def _first_did(services: object) -> str | None:
    service = services[0] if isinstance(services, list) and len(services) == 1 else None
    return service if isinstance(service, str) else None


def _host_of(did: str | None) -> str | None:
    """Return the web address that an identity belongs to; None: to none."""
    try:
        return WebvhDid.parse(did).host if did is not None else None
    except IdentifierError:
        return None
