"""Which wallet opens a link: sites of wallets that the operator named, an app on this device, and better browsers.

Browsers inside other apps (a messenger's, a social network's) lose what a wallet keeps with the app's next tidying, so
a page of a link tells how to leave them. How a browser calls itself decides that, as in the wallet's own page
(`wallet/src/page/browsers.ts`); it may call itself anything, so nothing else rests on it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from aiohttp import web

from wanderbuch.agents.runtime.front import WALLET_SITES

OLDEST_BROWSERS: Final = "Chrome 103, Edge 103, Firefox 114, Safari 16.4"
"""The oldest in which the wallet's page works (`docs/wallet-security.md`)."""

_IN_APP: Final = re.compile(
    r"FBA[NV]|FB_IAB|Instagram|Line/|MicroMessenger|musical_ly|Bytedance|Snapchat|Twitter for|LinkedInApp|KAKAOTALK"
    r"|; wv\)"
)
_APPLE: Final = re.compile(r"iPhone|iPad|iPod")
_MAX_AGENT: Final = 1_000


@dataclass(frozen=True, slots=True)
class WalletSite:
    """A site of wallets, and the address at which it opens a link. The link stands behind `#`, so its host is not told.

    Args:
        host: as people read it.
        address: to follow.
    """

    host: str
    address: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What a page of a link offers.

    Args:
        sites: of wallets, the default one first.
        app: the address that an app on this device opens.
        better: the browser to open the page in, where this one is inside an app.
        in_better: the address that opens it there; None: there is none, people copy it.
        browsers: the oldest that sites of wallets work in.
    """

    sites: Sequence[WalletSite]
    app: str
    better: Literal["Chrome", "Safari"] | None
    in_better: str | None
    browsers: str = OLDEST_BROWSERS


def opening(request: web.Request, *, short: str, long: str) -> Opening:
    """Return what opens an invitation of ours.

    Args:
        request: for the page.
        short: its short address.
        long: its long one, which carries it.
    """
    better = better_than(request.headers.get("User-Agent", ""))
    sites = request.config_dict.get(WALLET_SITES, ())
    return Opening(
        sites=[WalletSite(urlsplit(site).netloc, f"{site}/#{short}") for site in sites] if short else [],
        app=f"didcomm://invite?{urlsplit(long).query}",
        better=better,
        in_better=_in_chrome(short) if better == "Chrome" and short else None,
    )


def wallet_host(request: web.Request) -> str:
    """Return the host of the site of wallets that the operator offers first, as people read it; "": there is none.

    Args:
        request: for a page.
    """
    return next((urlsplit(site).netloc for site in request.config_dict.get(WALLET_SITES, ())), "")


def better_than(agent: str) -> Literal["Chrome", "Safari"] | None:
    """Return the browser of the phone, where a page is open in one of an app; None: it is in a browser.

    Args:
        agent: as the browser calls itself.
    """
    agent = agent[:_MAX_AGENT]
    is_apple = _APPLE.search(agent) is not None
    is_in_app = _IN_APP.search(agent) is not None or (is_apple and "Safari/" not in agent)
    if not is_in_app:
        return None
    return "Safari" if is_apple else "Chrome"


def _in_chrome(address: str) -> str:
    """Return the address by which Android opens a page in Chrome (Chrome's documentation, "Android Intents")."""
    parts = urlsplit(address)
    return f"intent://{parts.netloc}{parts.path}#Intent;scheme={parts.scheme};package=com.android.chrome;end"
