"""From a template to an answer: escaping, security headers, and caching.

Rules of every page:

1. Jinja2 escapes everything; a text of others goes through `safe_text`.
2. The content security policy allows this site's own files and nothing else: no inline script or style, no third party.
3. A page for everybody has an `ETag` and may be kept for a minute; a page of one person is never kept.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from wanderbuch.agents.site.asset_files import Asset, read_assets
from wanderbuch.agents.site.caching import tagged
from wanderbuch.agents.site.languages import LANGUAGES, Language, Words, english
from wanderbuch.agents.site.safe_text import code_text, link, shown
from wanderbuch.agents.site.sentences import Catalogues

PUBLIC_MAX_AGE_S: Final = 60
SITE: Final = "wanderbuch.agents.site"
LINK_PAGES: Final = f"{SITE}.link_pages"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # No other site learns an address, not even one with a secret in it. "no-referrer" would make browsers that do not
    # say `Sec-Fetch-Site` send `Origin: null` with our own forms, which are refused then.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

type PageHandler = Callable[[Any, web.Request], Awaitable[web.StreamResponse]]
"""Takes the office of the role, and what a reader asks."""


class Kit:
    """What pages are made of: the site's templates, catalogues and assets, and a role's.

    Args:
        further: packages with the folders templates, catalogues and assets; the role's last.
        languages: by tag, those of all these pages.
    """

    def __init__(self, *further: str, languages: Mapping[str, Language] = LANGUAGES) -> None:
        packages = [SITE, *further]
        self.catalogues = Catalogues([LINK_PAGES, *packages])
        self.languages = languages
        self._packages = packages

    def words(self, language: Language) -> Words:
        """Return everything the pages say in one language."""
        return Words(language, self.catalogues.sentences(language.tag))

    @cached_property
    def assets(self) -> Mapping[str, Asset]:
        """The assets by name."""
        return read_assets(self._packages)

    @cached_property
    def templates(self) -> Environment:
        """The templates; a role's come first, so that it may fill in or replace a page of the site."""
        environment = Environment(
            loader=ChoiceLoader([PackageLoader(package, "templates") for package in reversed(self._packages)]),
            autoescape=True,
            auto_reload=False,  # they change with the program alone
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
        environment.globals |= {"languages": tuple(self.languages.values())}
        return environment


class Pages:
    """Makes the pages below one address.

    Args:
        base: where they are: "/registry" or "/desk", say.
        kit: what they are made of.
    """

    def __init__(self, base: str, kit: Kit) -> None:
        self.base = base
        self.kit = kit

    def text(self, template: str, language: Language, **values: Any) -> str:
        """Return a page as HTML."""
        home, path = f"{self.base}/{language.tag}", values.get("path", "/")
        shared: dict[str, Any] = {
            "t": self.kit.words(language),
            "language": language,
            "home": home,
            "base": self.base,
            "asset": self._asset,
            "start": f"{home}/",
            "in_language": lambda tag: f"{self.base}/{tag}{path}",
        }
        return self.kit.templates.get_template(template).render(shared | values)

    def for_everybody(
        self, request: web.Request, template: str, language: Language, *, status: int = 200, **values: Any
    ) -> web.Response:
        """Return a page that may be kept for a minute; 304 if the reader has it already."""
        body = self.text(template, language, path=_own_path(request, self.base, language), **values).encode()
        headers = {**SECURITY_HEADERS, "Content-Language": language.tag}
        if status != 200:
            headers["Cache-Control"] = "no-cache"
            return web.Response(body=body, status=status, content_type="text/html", charset="utf-8", headers=headers)
        headers["Cache-Control"] = f"public, max-age={PUBLIC_MAX_AGE_S}"
        return tagged(request, body, content_type="text/html", headers=headers)

    def for_one(
        self,
        request: web.Request,
        template: str,
        language: Language,
        *,
        status: int = 200,
        path: str | None = None,
        **values: Any,
    ) -> web.Response:
        """Return a page of one person, never to be kept.

        Args:
            request: for it.
            template: of it.
            language: of it.
            status: of the answer.
            path: its address below the language; None: the one at which it was asked for.
            values: for the template.
        """
        own = _own_path(request, self.base, language) if path is None else path
        return answer_to_one(self.text(template, language, path=own, **values), language, status=status)

    async def asset(self, _: object, request: web.Request) -> web.Response:
        """Answer with an asset."""
        asset = self.kit.assets.get(request.match_info["name"])
        if asset is None or asset.address != f"{request.match_info['digest']}/{asset.name}":
            raise web.HTTPNotFound
        headers = {**SECURITY_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
        charset = None if asset.is_picture else "utf-8"
        return web.Response(body=asset.body, content_type=asset.content_type, charset=charset, headers=headers)

    def _asset(self, name: str) -> str:
        return f"{self.base}/assets/{self.kit.assets[name].address}"


def answer_to_one(page: str, language: Language, *, status: int = 200) -> web.Response:
    """Return a page of one person as an answer, never to be kept."""
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Content-Language": language.tag}
    return web.Response(text=page, status=status, content_type="text/html", headers=headers)


def language_of(request: web.Request, languages: Mapping[str, Language] = LANGUAGES) -> Language | None:
    """Return the language in the address of a page, None if it is not one of these."""
    return languages.get(request.match_info.get("language", ""))


def _own_path(request: web.Request, base: str, language: Language) -> str:
    """Return the address of this page below the language, for links to it in other languages."""
    prefix = f"{base}/{language.tag}"
    if not request.rel_url.raw_path.startswith(prefix + "/"):
        return "/"
    own = request.rel_url.raw_path.removeprefix(prefix)
    query = request.rel_url.raw_query_string if request.method in {"GET", "HEAD"} else ""
    return f"{own}?{query}" if query else own
