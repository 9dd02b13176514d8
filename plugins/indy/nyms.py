"""What a ledger says of a DID: its key, its role, and what it has attached (a NYM transaction).

Sources: Indy DID Method 1.0, § "Read (Resolve)"; indy-node's requests, "GET_NYM".
"""

from dataclasses import dataclass
from typing import Any, Final

import base58
from indy_vdr import ledger as requests

from wanderbuch.plugins.indy.errors import LedgerAnswerError, NotOnLedgerError
from wanderbuch.plugins.indy.ledger import IndyLedger
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_KEY_BYTES: Final = 32
_MAX_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 16


@dataclass(frozen=True, slots=True)
class Nym:
    """A DID on a ledger.

    Args:
        nym: what the ledger calls it.
        verkey: its key in base58, in full.
        content: what was written with it for its DID document; None: nothing.
    """

    nym: str
    verkey: str
    content: dict[str, Any] | None


async def read_nym(ledger: IndyLedger, nym: str) -> Nym:
    """Return what a ledger says of a DID.

    Raises:
        NotOnLedgerError: the nodes agree that there is no such DID, or that it has no key any more.
        LedgerAnswerError: what they say is not proper.
        LedgerError, GenesisError, HttpError: it could not be read.
    """
    answer = await ledger.read(lambda: requests.build_get_nym_request(None, nym))
    text = answer.get("data")
    if not text:
        raise NotOnLedgerError(f"there is no DID {nym} on the Indy ledger {ledger.name}")
    try:
        data = read_strict_json(text, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH) if isinstance(text, str) else text
        if data["dest"] != nym:
            raise _improper(nym, ledger)
        verkey, content = data.get("verkey"), data.get("diddocContent")
        if isinstance(content, str):
            content = read_strict_json(content, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH)
    except (StrictJsonError, KeyError, TypeError, AttributeError) as err:
        raise _improper(nym, ledger) from err
    if not verkey:
        raise NotOnLedgerError(f"the DID {nym} has no key on the Indy ledger {ledger.name} (any more)")
    if content is not None and not isinstance(content, dict):
        raise _improper(nym, ledger)
    return Nym(nym, _full_key(nym, verkey, ledger), content)


def _full_key(nym: str, verkey: object, ledger: IndyLedger) -> str:
    """Return a key in full: one that begins with `~` is the second half of it, the DID is the first."""
    try:
        if not isinstance(verkey, str):
            raise _improper(nym, ledger)
        short = verkey.startswith("~")
        raw = base58.b58decode(nym) + base58.b58decode(verkey[1:]) if short else base58.b58decode(verkey)
    except ValueError as err:
        raise _improper(nym, ledger) from err
    if len(raw) != _KEY_BYTES:
        raise _improper(nym, ledger)
    return str(base58.b58encode(raw).decode())


def _improper(nym: str, ledger: IndyLedger) -> LedgerAnswerError:
    return LedgerAnswerError(f"expected a proper key and document of the DID {nym} on the Indy ledger {ledger.name}")
