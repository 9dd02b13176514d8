"""A proxy in front that the configuration does not name: what it says of the senders is not believed.

Then all senders count as one network, the proxy's, with its limits for all of them: that is easily overlooked, so the
log says it, once a site. Anybody can send such a header, and so bring that line about, once, too.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.logs import log_event

_LOG = logging.getLogger(__name__)
_FORWARDED: Final = ("X-Forwarded-For", "Forwarded", "X-Real-IP")

type _Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def tell_of_unheard_proxies(site: str, networks: Networks) -> Middleware:
    """Return the middleware that says once that forwarded headers came which nobody believes.

    Args:
        site: "public" or "app", for the log.
        networks: know which proxies are trusted.
    """
    is_told = False

    @web.middleware
    async def look(request: web.Request, handler: _Handler) -> web.StreamResponse:
        nonlocal is_told
        if not is_told and any(name in request.headers for name in _FORWARDED) and not networks.trusts(request.remote):
            is_told = True
            log_event(
                _LOG,
                logging.WARNING,
                "proxy.not_trusted",
                site=site,
                network=networks.of(request.remote),
                hint="if this is your proxy, name its network in [public] trusted_proxies: till then its word on"
                " senders is ignored, and all of them share one network's limits; if not, somebody made it up",
            )
        return await handler(request)

    return look
