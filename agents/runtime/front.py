"""What people meet where programs are meant: the seam between the sites and what their pages look like.

The sites know who asks, a person with a browser or a program, and what there is to say; a `Front` makes a page of it
(`agents/site/front.py`). Programs get what they always get: nothing here changes an answer unless HTML is asked for.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

from aiohttp import web
from markupsafe import Markup

from wanderbuch.agents.runtime.closed_hosts import ClosedHost

_QUALITY: Final = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", re.IGNORECASE)
_MAX_ACCEPT: Final = 2_000
_PAGE: Final = frozenset({"text/html", "application/xhtml+xml"})
_KEPT_HEADERS: Final = ("Allow", "Retry-After")


class SiteKind(Enum):
    """One of the two sites of an agent."""

    PUBLIC = "public"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that people can do at a site.

    Args:
        site: where.
        name: its words are `entry.<name>` and `entry.<name>_hint` in the catalogues of `agents/site`.
        path: below the tenant's place on the public site; on the app site from the root.
    """

    site: SiteKind
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Who:
    """Whose site it is; all of it is their own word.

    Args:
        roles: by name.
        entries: what people can do at either site.
        prefix: where the tenant's place on the public site begins: "" or "/" and a path.
    """

    name: str
    did: str | None
    roles: Sequence[str]
    entries: Sequence[Entry]
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """What did not work.

    Args:
        status: of HTTP.
        detail: in English, for whoever asked; None: the status says all there is to say.
        hint: what to do next, likewise.
    """

    status: int
    detail: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What an invitation's question asks of whoever opens it, in sentences of one language, safe for a page.

    Args:
        learnt: what whoever asks would learn.
        not_learnt: what stays hidden.
        language: of the sentences, a BCP 47 tag; a page has more languages than questions are told in.
    """

    learnt: Sequence[Markup]
    not_learnt: Sequence[Markup]
    language: str = "en"


type SayAsked = Callable[[str], Awaitable[Asked | None]]
"""Says it in the language of a tag; None: the invitation asks nothing, or that cannot be said now."""


class Front(Protocol):
    """Makes the pages."""

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """Answer with a file that the pages need: the address has `digest` and `name`."""
        ...

    async def favicon(self, request: web.Request) -> web.StreamResponse:
        """Answer with the picture that browsers ask for by themselves."""
        ...

    def root(self, request: web.Request, site: SiteKind, who: Who) -> web.StreamResponse:
        """Return the page that says where one is and what one can do here."""
        ...

    async def invitation(
        self, request: web.Request, short: str, long: str, invitation: Mapping[str, Any], say_asked: SayAsked
    ) -> web.StreamResponse:
        """Return the page of an invitation of ours.

        Args:
            request: for the page.
            short: its short address.
            long: its long one, which carries it.
            invitation: the message.
            say_asked: says what it asks of whoever opens it.
        """
        ...

    def carried(self, request: web.Request) -> web.StreamResponse:
        """Return the page for an address that carries an invitation, whosever it is, and was opened in a browser."""
        ...

    def qr(self, address: str) -> web.StreamResponse:
        """Return the picture of an address, for the camera of a wallet."""
        ...

    def closed(self, request: web.Request, closed: ClosedHost) -> web.StreamResponse:
        """Return the page at the host of a centre that has closed, wherever nothing is served."""
        ...

    def problem(self, request: web.Request, failure: Failure) -> web.StreamResponse:
        """Return the page that says what did not work and how to go on."""
        ...


WALLET_SITES: Final[web.AppKey[tuple[str, ...]]] = web.AppKey("wallet_sites")
"""Sites of wallets that pages of links offer, the default one first."""
ASSETS: Final = "/site/assets/{digest}/{name}"
FAVICON: Final = "/favicon.ico"


def wants_page(request: web.Request) -> bool:
    """Return whether a person asks with a browser: it names HTML, likes JSON no better, and sends no bearer token."""
    if "Authorization" in request.headers:
        return False
    likes: dict[str, float] = {}
    for part in request.headers.get("Accept", "")[:_MAX_ACCEPT].split(","):
        kind, *parameters = part.split(";")
        qualities = [match[1] for parameter in parameters if (match := _QUALITY.fullmatch(parameter))]
        likes[kind.strip().lower()] = float(qualities[0]) if qualities else 1.0
    page = max((likes.get(kind, 0.0) for kind in _PAGE), default=0.0)
    return page > 0 and page >= likes.get("application/json", 0.0)


def as_page(front: Front, request: web.Request, failure: Failure, answer: web.StreamResponse) -> web.StreamResponse:
    """Return the page in place of the answer that programs get."""
    page = front.problem(request, failure)
    for name in _KEPT_HEADERS:
        if name in answer.headers:
            page.headers[name] = answer.headers[name]
    return page


def is_bare(answer: web.StreamResponse) -> bool:
    """Return whether an answer is a failure that is no page yet."""
    return answer.status >= 400 and not answer.prepared and answer.content_type != "text/html"
