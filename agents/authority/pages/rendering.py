"""From a template to an answer: escaping, security headers, and caching.

Rules of every page:

1. Jinja2 escapes everything; what a file says about somebody is shown by `shown`, which also takes out characters that
   change the direction of text or hide, so that no name can dress up as another.
2. An address becomes a link only if people may safely follow it: a web, mail or telephone address.
3. The content security policy allows this site's own files and nothing else: no inline script or style, no third party.
4. A page for everybody has an `ETag` and may be kept for a minute; a page of the desk is never kept.
"""

import hashlib
import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wanderbuch.agents.authority.pages.languages import LANGUAGES, Language, Words, english

PUBLIC_MAX_AGE_S: Final = 60
_PACKAGE: Final = "wanderbuch.agents.authority.pages"
_ASSET_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Characters of category Cf that writing needs: joiners of Indic and Arabic script.
_JOINERS: Final = frozenset("\u200c\u200d")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_ADDRESS: Final = re.compile(r"(https?://|mailto:|tel:)[!-~]{1,2000}")
_SPACES: Final = re.compile(r"\s+")
_MAX_SHOWN: Final = 2_000

type PageHandler = Callable[[Any, web.Request], Awaitable[web.StreamResponse]]
"""Takes the authority's office, and what a reader asks."""


def plain(text: str) -> str:
    r"""Return a text of others without characters that hide or turn text.

    >>> plain("Centre\u202e gnidleW")
    'Centre gnidleW'
    """
    spaced = _SPACES.sub(" ", text[:_MAX_SHOWN])
    return "".join(each for each in spaced if each in _JOINERS or unicodedata.category(each) not in _HIDDEN).strip()


def shown(text: object) -> Markup:
    """Return a text of others for a page, kept apart from the direction of what stands around it."""
    return Markup("<bdi>{}</bdi>").format(plain(str(text)))


def code_text(text: object) -> Markup:
    """Return an identifier: left to right everywhere, and breakable."""
    return Markup('<bdi dir="ltr" class="code">{}</bdi>').format(plain(str(text)))


def is_followable(text: object) -> bool:
    """Return whether `text` is an address one may link to.

    >>> is_followable("https://a.example/b"), is_followable("mailto:a@b.example"), is_followable("javascript:x()")
    (True, True, False)
    """
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"mailto", "tel"} or (bool(parts.hostname) and "@" not in parts.netloc)


def link(address: object, label: object | None = None) -> Markup:
    """Return a link to another site if `address` is one, else the bare text."""
    if not is_followable(address):
        return shown(address)
    inner = code_text(address) if label is None else Markup("{}").format(label)
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(address, inner)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages need; its address changes with its content, so it may be kept for ever."""

    name: str
    body: bytes
    content_type: str

    @property
    def address(self) -> str:
        """The address below the site's asset folder."""
        return f"{hashlib.sha256(self.body).hexdigest()[:16]}/{self.name}"


@cache
def assets() -> Mapping[str, Asset]:
    """Return all assets by name."""
    found = (each for each in resources.files(f"{_PACKAGE}.assets").iterdir())
    made: dict[str, Asset] = {}
    for each in found:
        suffix = each.name.rpartition(".")[2]
        if suffix in _ASSET_TYPES:
            made[each.name] = Asset(each.name, each.read_bytes(), _ASSET_TYPES[suffix])
    return made


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": shown,
        "code": code_text,
        "link": link,
        "english": english,
        "segment": lambda text: quote(str(text), safe=":"),
    }
    environment.globals |= {"languages": tuple(LANGUAGES.values())}
    return environment


class Pages:
    """Makes the pages of one site.

    Args:
        base: where the site's pages lie: "/registry" or "/desk".
    """

    def __init__(self, base: str) -> None:
        self.base = base

    def text(self, template: str, language: Language, **values: Any) -> str:
        """Return a page as HTML."""
        words = Words(language)
        home = f"{self.base}/{language.tag}"
        shared = {"t": words, "language": language, "home": home, "base": self.base, "asset": self._asset}
        return _templates().get_template(template).render(**shared, **values)

    def for_everybody(
        self, request: web.Request, template: str, language: Language, *, status: int = 200, **values: Any
    ) -> web.Response:
        """Return a page that may be kept for a minute; 304 if the reader has it already."""
        body = self.text(template, language, path=_own_path(request, self.base, language), **values).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {**_SECURITY, "ETag": tag, "Content-Language": language.tag}
        headers["Cache-Control"] = f"public, max-age={PUBLIC_MAX_AGE_S}" if status == 200 else "no-cache"
        if status == 200 and tag in _known(request):
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, status=status, content_type="text/html", charset="utf-8", headers=headers)

    def for_one(
        self, request: web.Request, template: str, language: Language, *, status: int = 200, **values: Any
    ) -> web.Response:
        """Return a page of one person, never to be kept."""
        body = self.text(template, language, path=_own_path(request, self.base, language), **values)
        headers = {**_SECURITY, "Cache-Control": "no-store", "Content-Language": language.tag}
        return web.Response(text=body, status=status, content_type="text/html", headers=headers)

    async def asset(self, _: object, request: web.Request) -> web.Response:
        """Answer with an asset."""
        found = assets().get(request.match_info["name"])
        if found is None or found.address != f"{request.match_info['digest']}/{found.name}":
            raise web.HTTPNotFound
        headers = {**_SECURITY, "Cache-Control": "public, max-age=31536000, immutable"}
        return web.Response(body=found.body, content_type=found.content_type, charset="utf-8", headers=headers)

    def _asset(self, name: str) -> str:
        return f"{self.base}/assets/{assets()[name].address}"


def language_of(request: web.Request) -> Language | None:
    """Return the language in the address of a page, None if it is not one of ours."""
    return LANGUAGES.get(request.match_info.get("language", ""))


def _known(request: web.Request) -> set[str]:
    return {each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")}


def _own_path(request: web.Request, base: str, language: Language) -> str:
    """Return the address of this page below the language, for links to it in other languages."""
    prefix = f"{base}/{language.tag}"
    if not request.rel_url.raw_path.startswith(prefix + "/"):
        return "/"
    own = request.rel_url.raw_path.removeprefix(prefix)
    query = request.rel_url.raw_query_string if request.method in {"GET", "HEAD"} else ""
    return f"{own}?{query}" if query else own
