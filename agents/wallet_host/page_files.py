"""The files of the page, as they travel in the package: built from `wallet/`, and served from an origin of their own.

1. They are read once, each with its gzip, and its brotli where the build made one (under a digest of the file, so that
   a brotli of another build is never found). They are all that there is: what is not among them is not there, whatever
   lies in the public folder. A page of the same origin could read the wallet.
2. Scripts and styles come from this origin alone, nothing is made of text (Trusted Types), nothing is framed. The style
   and one script stand in the page itself, named by their digests: that script asks for `page.js` again where it did
   not come.
3. The page may ask its own host and its mediator, which asks others for it (egress); only where the operator has it
   ask directly, any host by https. So a script that gets in by a fault of ours cannot tell anybody else either.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

_FOLDER: Final = "page"
_BROTLI: Final = "brotli"
_DATA: Final = frozenset({".css", ".json", ".webmanifest"})
_IMPORTED: Final = frozenset({"chunk.js", "decoder.js", "offline.js", "page.js", "session.js"})
"""What is neither a page nor a worker's own file, and with `nosniff` never becomes one: it runs, if at all, under the
policy of who imports it. So it does without the headers that are about pages (2), which are longer than some files."""
_INDEX: Final = "index.html"
_SETTINGS: Final = "settings.json"
_ICON: Final = "icon.svg"
_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_STYLE: Final = re.compile(rb"<style>(.*?)</style>", re.DOTALL)
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
_ASKED: Final = frozenset({_INDEX, _SETTINGS, "keeper.js"})
_STEADY: Final = "max-age=60"
"""Page, worker and service worker ask for the same files within seconds; the last one knows each by its digest."""
_ANY: Final = "*"
_BR: Final = re.compile(r"(?:^|,)\s*br\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page.

    Args:
        body: its bytes.
        zipped: the same, by gzip.
        brotli: the same, by brotli (RFC 7932); None: it is not there.
        content_type: what it is.
        tag: its entity tag, without quotes.
        is_steady: whether a browser need not ask for it again within one visit.
        has_policy: whether it comes with the policy, and what else is about pages and workers.
    """

    body: bytes
    zipped: bytes
    brotli: bytes | None
    content_type: str
    tag: str
    has_policy: bool
    is_steady: bool

    @classmethod
    def of(cls, name: str, body: bytes, brotli: Mapping[str, bytes] = MappingProxyType({})) -> "PageFile":
        """Return the file of a name with this content; `brotli` has what was compressed, by digest."""
        suffix, tag = name[name.rindex(".") :], hashlib.sha256(body).hexdigest()[:32]
        zipped = gzip.compress(body, mtime=0)
        has_policy = not (suffix in _DATA or name in _IMPORTED)
        return cls(body, zipped, brotli.get(tag), _TYPES[suffix], tag, has_policy, name not in _ASKED)


class PageFiles:
    """All that a wallet host serves beside the vaults.

    Args:
        contents: the files, by their path from the root.
        mediator: where the mediator of the wallets has its invitation, if they have one.
        direct: whether the page asks others itself (3).
    """

    def __init__(self, contents: Mapping[str, PageFile], *, mediator: str | None, direct: bool) -> None:
        self._files = {f"/{name}": file for name, file in contents.items()} | {"/": contents[_INDEX]}
        if _ICON in contents:  # browsers ask for it by themselves where what they show names none
            self._files["/favicon.ico"] = contents[_ICON]
        self._headers = {
            "Cache-Control": "no-cache",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
        }
        self._with_policy = {
            **self._headers,
            "Content-Security-Policy": policy(mediator, direct=direct, page=contents[_INDEX].body),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
            "Referrer-Policy": "no-referrer",
            "Strict-Transport-Security": "max-age=31536000",
            "X-Frame-Options": "DENY",
        }

    @property
    def names(self) -> frozenset[str]:
        """Return the paths that there are."""
        return frozenset(self._files)

    def answer(self, request: web.Request) -> web.Response:
        """Return a file, or that it is the one that who asks has.

        Raises:
            HTTPNotFound: there is none (1).
        """
        file = self._files.get(request.path)
        if file is None:
            raise web.HTTPNotFound(headers=self._with_policy)
        own = self._with_policy if file.has_policy else self._headers
        headers = {**own, hdrs.ETAG: f'"{file.tag}"'}
        if file.is_steady:
            headers[hdrs.CACHE_CONTROL] = _STEADY
        tags = request.if_none_match
        if tags is not None and {tag.value for tag in tags} & {file.tag, _ANY}:
            return web.Response(status=304, headers=headers)
        headers[hdrs.CONTENT_TYPE] = file.content_type
        taken = request.headers.get(hdrs.ACCEPT_ENCODING, "").lower()
        if file.brotli is not None and _BR.search(taken):
            return web.Response(body=file.brotli, headers={**headers, hdrs.CONTENT_ENCODING: "br"})
        if "gzip" in taken:
            return web.Response(body=file.zipped, headers={**headers, hdrs.CONTENT_ENCODING: "gzip"})
        return web.Response(body=file.body, headers=headers)


def policy(mediator: str | None, *, direct: bool, page: bytes = b"") -> str:
    """Return the content security policy (2, 3); of what stands in the page each has its digest in it.

    >>> policy("https://mediator.example.org/mediator", direct=False).split("; ")[1]
    "connect-src 'self' https://mediator.example.org wss://mediator.example.org"
    """
    host = urlsplit(mediator).netloc if mediator else ""
    reached = " https: wss:" if direct else f" https://{host} wss://{host}" if host else ""
    rules = (
        "default-src 'none'",
        f"connect-src 'self'{reached}",
        " ".join(("script-src 'self'", *_named(_SCRIPT.findall(page)))),
        "worker-src 'self'",
        " ".join(("style-src 'self'", *_named(_STYLE.findall(page)))),
        "img-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types wallet",
    )
    return "; ".join(rules)


def load_page(settings: Mapping[str, object]) -> dict[str, PageFile]:
    """Return the files of the package, and what this host tells its page, by their path; takes some milliseconds."""
    told = json.dumps(settings, indent=1, ensure_ascii=False, sort_keys=True).encode()
    own = files("wanderbuch.agents.wallet_host")
    compressed = {entry.name.removesuffix(".br"): entry.read_bytes() for entry in (own / _BROTLI).iterdir()}
    contents = {name: PageFile.of(name, body, compressed) for name, body in _contents(own / _FOLDER, "").items()}
    return {**contents, _SETTINGS: PageFile.of(_SETTINGS, told)}


def _named(inline: Iterable[bytes]) -> list[str]:
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in inline]


def _contents(folder: Traversable, prefix: str) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            contents |= _contents(entry, f"{prefix}{entry.name}/")
        elif entry.name[entry.name.rfind(".") :] in _TYPES:
            contents[f"{prefix}{entry.name}"] = entry.read_bytes()
    return contents
