"""File descriptors: how many this process may have, and how they are shared out.

A process that has none left can take no connection, open no file and ask nobody. So the public site never gets those
that the rest of the agent needs, and how many it gets follows from the limit that the process finds at its start.
"""

import logging
import resource
from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.runtime.logs import log_event

_LOG = logging.getLogger(__name__)
# The wallet's connections hold three files each; then what goes out, threads, the log, libraries.
_PER_WALLET_CONNECTION: Final = 3
_ELSE: Final = 200
_PER_CONNECTION: Final = 2  # a socket, and the file that is being sent on it
_APP_SHARE: Final = 8
_FEWEST: Final = 16
_SMALL: Final = 128  # fewer connections than these are worth a warning


@dataclass(frozen=True, slots=True)
class Shares:
    """How many connections each site may have."""

    public: int
    app: int


def raise_limit() -> int:
    """Raise this process's limit as far as it is allowed to, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # some systems say "unlimited" and mean less
            return soft if soft != resource.RLIM_INFINITY else _PLENTY
        soft = hard
    return _PLENTY if soft == resource.RLIM_INFINITY else soft


_PLENTY: Final = 1_048_576


def share_out(limit: int, *, public: int, app: int, wallet_connections: int) -> Shares:
    """Return how many connections each site may have, of so many that it is configured for; too few are a warning.

    Args:
        limit: descriptors of the process.
        public: connections that the public site is configured for.
        app: the same of the app site.
        wallet_connections: of the wallet store.
    """
    kept_back = wallet_connections * _PER_WALLET_CONNECTION + _ELSE
    for_app = max(_FEWEST, min(app, limit // _APP_SHARE))
    for_public = max(_FEWEST, min(public, (limit - kept_back - for_app) // _PER_CONNECTION))
    if for_public < min(public, _SMALL):
        log_event(
            _LOG,
            logging.WARNING,
            "descriptors.few",
            limit=limit,
            public_connections=for_public,
            hint="raise the limit of open files (ulimit -n, LimitNOFILE=, or the container's ulimits) to 4096 or more",
        )
    return Shares(for_public, for_app)
