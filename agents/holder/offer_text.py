"""What an offer says: the previewed values and the AnonCreds offer, kept as one entry until the offer is forgotten.

It is personal, so it stands beside the record, which cannot be changed. The issuer's proof of its key, nine tenths of
it, is kept apart (`issuer_proofs`). It never changes: what was read last is at hand, in bounded memory, from when the
offer comes until its credential is kept.
"""

import hashlib
import json
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from weakref import WeakKeyDictionary

from acapy_agent.core.profile import Profile, ProfileSession
from cachetools import LRUCache

from wanderbuch.agents.holder.issuer_proofs import CATEGORY as PROOFS
from wanderbuch.agents.holder.issuer_proofs import SplitOffer, keep_proof, read_proof
from wanderbuch.errors import CredentialError, ExchangeError
from wanderbuch.plugins.exchange.credential_messages import OfferMessage
from wanderbuch.plugins.trust.offer import ANONCREDS_OFFER, ReceivedOffer, read_offer
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.tables import tenant_of

MAX_KEPT_BYTES: Final = 256 * 1024
"""Of an offer, or of a request; one with 50 credential definitions has 60 KB."""

_CATEGORY: Final = "wanderbuch.held_offer.text"
_PROOF: Final = "proof"
_LEVEL: Final = 1
_MOST_AT_HAND: Final = 64  # of all wallets of a store
_MOST_BYTES_AT_HAND: Final = 4 * 1024 * 1024


@dataclass(frozen=True, eq=False)  # no slots: what was read of it is kept in it
class OfferText:
    """What an offer says; only its form was checked.

    Args:
        preview: name, value and MIME type of each attribute, as in `OfferMessage`.
        offer_json: the AnonCreds offer, as it came.
    """

    preview: tuple[tuple[str, object, str | None], ...] = field(repr=False)
    offer_json: str = field(repr=False)

    @classmethod
    def of(cls, message: OfferMessage) -> "OfferText":
        """Return what a message says.

        Raises:
            ExchangeError: it is larger than any honest one.
        """
        made = cls(message.preview, message.offer.text)
        if (size := len(made._text)) > MAX_KEPT_BYTES:
            raise ExchangeError(f"expected an offer of at most {MAX_KEPT_BYTES} bytes, found one of {size}")
        return made

    @property
    def size(self) -> int:
        """How large it is, in bytes."""
        return len(self._text)

    @cached_property
    def digest(self) -> str:
        """Return what tells it from any other: SHA-256, hexadecimal."""
        return hashlib.sha256(self._text).hexdigest()

    @property
    def previewed(self) -> dict[str, str]:
        """Return the values as the preview shows them, whatever they are."""
        return {name: str(value) for name, value, _ in self.preview}

    def typed(self) -> ReceivedOffer:
        """Return the offer in typed form.

        Raises:
            CredentialError: it is not an offer of one AnonCreds credential that we can read.
        """
        if isinstance(self._read, CredentialError):
            raise self._read.with_traceback(None)
        return self._read

    def read(self) -> ReceivedOffer | CredentialError:
        """Return the offer in typed form, or why there is none."""
        return self._read

    @cached_property
    def split(self) -> SplitOffer:
        """The AnonCreds offer, with its proof taken out."""
        return SplitOffer.of(self.offer_json)

    def pack(self) -> bytes:
        """Return what is kept, without the proof."""
        split = self.split
        return zlib.compress(_json([self.preview, split.before, split.after, split.name]), _LEVEL)

    @cached_property
    def _read(self) -> ReceivedOffer | CredentialError:
        attachment = json.loads(self.offer_json)
        try:
            return read_offer(formats=[ANONCREDS_OFFER], attachment=attachment, preview=self.preview)
        except CredentialError as err:
            return err

    @cached_property
    def _text(self) -> bytes:
        return _json([self.preview, self.offer_json])


async def add_text(handle: Any, offer_id: str, text: OfferText) -> None:
    """Keep what an offer says, with the handle of an open transaction."""
    await keep_proof(handle, text.split)
    await handle.insert(_CATEGORY, offer_id, text.pack(), tags={_PROOF: text.split.name})


async def get_text(profile: Profile, offer_id: str) -> OfferText | None:
    """Return what an offer says, None if that was forgotten."""
    return (await get_texts(profile, [offer_id])).get(offer_id)


async def get_texts(profile: Profile, offer_ids: Collection[str]) -> Mapping[str, OfferText]:
    """Return what these offers say, as far as it is there."""
    at_hand = _at_hand_of(profile)
    texts = {
        offer_id: text for offer_id in offer_ids if (text := at_hand.get((tenant_of(profile), offer_id))) is not None
    }
    missing = [offer_id for offer_id in offer_ids if offer_id not in texts]
    if missing:
        async with profile.session() as session:
            for offer_id in missing:
                if (text := await read_text(session, offer_id)) is not None:
                    texts[offer_id] = text
    return texts


async def read_text(session: ProfileSession, offer_id: str) -> OfferText | None:
    """Return what an offer says, None if that was forgotten, in a session that is open."""
    profile = session.profile
    text = _at_hand_of(profile).get((tenant_of(profile), offer_id))
    if text is not None:
        return text
    entry = await session.handle.fetch(_CATEGORY, offer_id)
    if entry is None:
        return None
    preview, before, after, name = json.loads(zlib.decompress(bytes(entry.value)))
    proof = await read_proof(session.handle, name) if name else ""
    if proof is None:  # it was forgotten at this moment
        return None
    return OfferText(
        tuple((attribute, value, mime_type) for attribute, value, mime_type in preview), f"{before}{proof}{after}"
    )


async def forget_text(profile: Profile, offer_id: str) -> None:
    """Leave nothing of what an offer says, nor of its proof, unless another offer has the same."""
    have_no_more(profile, offer_id)
    async with profile.transaction() as session:
        entry = await session.handle.fetch(_CATEGORY, offer_id)
        if entry is None:
            return
        await session.handle.remove(_CATEGORY, offer_id)
        name = entry.tags[_PROOF]
        if name and not await fetch_entries(session, _CATEGORY, {_PROOF: name}, limit=1):
            await session.handle.remove(PROOFS, name)
        await session.commit()


def have_at_hand(profile: Profile, offer_id: str, text: OfferText) -> None:
    """Keep what an offer says at hand, once it is in the wallet."""
    _at_hand_of(profile)[tenant_of(profile), offer_id] = text


def have_no_more(profile: Profile, offer_id: str) -> None:
    """Have what an offer says no more at hand: it is over."""
    _at_hand_of(profile).pop((tenant_of(profile), offer_id), None)


def forget_at_hand(profile: Profile) -> None:
    """Have nothing of a wallet at hand any more: it is being closed."""
    at_hand = _at_hand_of(profile)
    for place in [place for place in at_hand if place[0] == tenant_of(profile)]:
        del at_hand[place]


type _AtHand = LRUCache[tuple[str, str], OfferText]

_AT_HAND: WeakKeyDictionary[object, _AtHand] = WeakKeyDictionary()
"""By Askar's store; by tenant and offer."""


def _at_hand_of(profile: Profile) -> _AtHand:
    at_hand = _AT_HAND.get(profile.store)
    if at_hand is None:
        # A small one counts as the part of one: so there are never more than that.
        part = _MOST_BYTES_AT_HAND // _MOST_AT_HAND
        at_hand = LRUCache(_MOST_BYTES_AT_HAND, getsizeof=lambda text: max(text.size, part))
        _AT_HAND[profile.store] = at_hand
    return at_hand


def _json(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
