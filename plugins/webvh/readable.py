"""What we publish can be read by others: their rules are checked before it is kept; it cannot be taken back."""

import logging
from datetime import UTC, datetime
from typing import Final

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.webvh_place import PlaceError, is_read_by_old_readers, published_place
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.log import check_log
from wanderbuch.plugins.webvh.own import OwnDid
from wanderbuch.plugins.webvh.witnesses import format_proofs

_LOG: Final = logging.getLogger(__name__)


def check_place(host: str, path: str) -> None:
    """Refuse a place where others would not find a DID.

    Raises:
        ConfigurationError: what is wrong with it.
    """
    try:
        published_place(host, path)
    except PlaceError as err:
        raise ConfigurationError(
            f"host {host!r} and path {path!r} cannot stand in a did:webvh: {err}",
            hint='use a dotted name without a port, such as "centre.example.org", and a path such as "org"',
        ) from err


def warn_of_old_readers(host: str) -> None:
    """Say so in the log if a legal host is one that a library in use takes for none."""
    if not is_read_by_old_readers(host):
        _LOG.warning(
            "wallets with did-webvh 1.0.1 or before cannot read DIDs of %s: they want each part of the name to "
            "begin with a letter and to have two characters or more",
            host,
        )


def check_own_log(own: OwnDid, *, last_waits: bool = False) -> None:
    """Refuse to keep a log that others would refuse; in place, for it is short and the store is open.

    Args:
        own: with the new entry.
        last_waits: the new entry waits for its witnesses.

    Raises:
        ConfigurationError: why nobody could read it.
    """
    proofs = format_proofs(own.proofs) if own.proofs else None
    try:
        check_log(own.did, own.log.encode(), proofs, at=datetime.now(UTC), last_waits=last_waits)
    except LogError as err:
        raise ConfigurationError(
            f"a change of {own.did} was not made, for nobody could read the DID any more: {err.message}",
            hint="the DID is as it was; if its time lies in the future, check the clock of this machine",
        ) from err
