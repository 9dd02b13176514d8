"""What a wallet may send an issuer in issue-credential 2.0 (Aries RFC 0453), each message taken once.

A request is taken in these steps:

1. Its thread is an offer of ours, and its keys are those of the wallet that took the offer.
2. A credential that was signed already is sent again to the same request: its answer was lost. Any other request is
   refused once the offer has had one, or is over.
3. It is not oversize, it names our credential definition, the offer's deadline has not passed, and
   `standing.reasons_not_to_sign` is empty; else the offer is REFUSED or NO_ANSWER, the reasons are noted, and the
   wallet is told that it is over, not why.
4. There is a place in a revocation registry, and the credential is signed with it.
5. The payload is kept, then the marker `outcome` with the place; only then is the credential sent.

Of several requests for one offer that are answered at once, here or in another process, the first payload is the one
that is sent. What a crash interrupts after it was kept is found by the same request, or by the sweep (`resending`).
"""

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from wanderbuch.agents.issuer.book import OfferBook, is_its_wallet
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt, answered, issued
from wanderbuch.agents.issuer.register.number_hashes import NumberHashes
from wanderbuch.agents.issuer.signing import NotSignedError, Place, Signer
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, SchemaId
from wanderbuch.governance.facts.question import Reason
from wanderbuch.plugins.exchange.acknowledgements import AckStatus, read_ack
from wanderbuch.plugins.exchange.attached import Attached, AttachedError
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.connecting.connections import find_channel
from wanderbuch.plugins.exchange.credential_messages import PROBLEM, issue_message, read_request_message
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.payloads import Payload, keeping, removing
from wanderbuch.plugins.exchange.reports import problem_report, read_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.trust.offer import ReceivedOffer
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.fence import PASSING

LOGGER = logging.getLogger(__name__)

_OVERSIZE: Final = Reason("issuing.oversize", "The wallet's request is larger than any honest one.")
_FAILED: Final = Reason("issuing.failed", "The credential could not be signed; the agent's log says where.")
_ENDED: Final = Reason(
    "issuing.ended", "The credential in whose place it was offered was revoked, and not to be replaced."
)
_LATE: Final = Reason("issuing.late", "The offer's deadline is over.")
_MAX_ENCODED: Final = 44 * 1024  # base64 of what `read_request_message` takes
_ABANDONED: Final = "issuance-abandoned"


class Answering:
    """Answers what wallets send about one issuer's offers."""

    def __init__(
        self, book: OfferBook, standing: Standing, signer: Signer, sending: Sending, hashes: NumberHashes
    ) -> None:
        """Prepare to answer.

        Args:
            book: the offers.
            standing: what the issuer may attest.
            signer: its keys.
            sending: the way out.
            hashes: of the numbers of its certificates, for the log.
        """
        self._book = book
        self._standing = standing
        self._signer = signer
        self._sending = sending
        self._hashes = hashes
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def request(self, incoming: Incoming) -> bool:
        """Take a request for a credential, by the steps above."""
        offer = await self._book.sent_by_its_wallet(incoming)  # 1
        if offer is None:
            LOGGER.warning("a request came on a thread that is no offer of ours to its sender")
            await self._say_over(incoming, await find_channel(incoming.profile, incoming.recipient))
            return True
        async with self._turn(offer.id):
            await self._answer(await self._book.offers.get(offer.id), incoming)
        return True

    async def acknowledged(self, incoming: Incoming) -> bool:
        """Take the word that the wallet has the credential, or could not keep it; only for one that was issued.

        A wallet that says that it may take a while has not said anything yet: it gets the credential again.

        Raises:
            ExchangeError: it says none of the three (`read_ack`).
        """
        offer = await self._book.of_thread(incoming.thread_id)
        if offer is None or not is_its_wallet(offer, incoming):
            return False
        if not offer.state.has_credential:
            LOGGER.warning("an acknowledgement came for no credential that was sent")
            return True
        match read_ack(incoming.members):
            case AckStatus.OK:
                await self._receive(offer, Receipt.KEPT)
            case AckStatus.FAIL:
                await self._receive(offer, Receipt.REJECTED)
            case AckStatus.PENDING:
                LOGGER.info("offer %s: the wallet has not kept its credential yet", offer.id)
        return True

    async def problem(self, incoming: Incoming) -> bool:
        """Take a decline: of the offer, or of a credential that the wallet could not keep."""
        offer = await self._book.of_thread(incoming.thread_id)
        if offer is None or not is_its_wallet(offer, incoming):
            return False
        LOGGER.info("offer %s: the wallet reports a problem: %s", offer.id, read_report(incoming.members).code)
        if offer.state is OfferState.OPEN:
            offer = await self._book.end(offer, OfferState.DECLINED, at=datetime.now(UTC))
        if offer.state.has_credential:
            await self._receive(offer, Receipt.REJECTED)
        return True

    async def proposal(self, incoming: Incoming) -> bool:
        """Refuse a proposal: offers begin at the issuer's own desk, and strangers' claims are not ours to store."""
        await self._say_over(incoming, await find_channel(incoming.profile, incoming.recipient))
        return True

    def _turn(self, offer_id: str) -> asyncio.Lock:
        """Return what is held while one request for an offer is answered in this process."""
        turn = self._turns.get(offer_id)
        if turn is None:
            turn = self._turns[offer_id] = asyncio.Lock()
        return turn

    async def _answer(self, offer: Offer, incoming: Incoming) -> None:
        at = datetime.now(UTC)
        channel = _channel(offer)
        try:
            request = read_request_message(incoming.members)
        except AttachedError as err:
            LOGGER.warning("offer %s: a request cannot be read: %s", offer.id, err.message)
            if offer.state is OfferState.OPEN and _is_oversize(incoming.members):
                await self._book.end(offer, OfferState.REFUSED, at=at, reasons=(_OVERSIZE,))
            await self._say_over(incoming, channel)
            return
        digest = hashlib.sha256(request.text.encode()).hexdigest()
        if offer.state is not OfferState.OPEN:  # 2
            await self._send_again(offer, incoming, digest)
            return
        reasons = await self._reasons(offer, request, at)  # 3
        if reasons:
            LOGGER.warning("offer %s refused: %s", offer.id, ", ".join(reason.code for reason in reasons))
            late = at > offer.answer_by
            state = OfferState.NO_ANSWER if late else OfferState.REFUSED
            await self._book.end(offer, state, at=offer.answer_by if late else at, reasons=reasons)
            await self._say_over(incoming, channel)
            return
        try:
            payload = await self._issue(offer, request, digest)  # 4, 5
        except PASSING:  # it comes again, to this process or to another
            raise
        except WanderbuchError:
            LOGGER.exception("offer %s: signing failed", offer.id)
            await self._book.end(offer, OfferState.REFUSED, at=at, reasons=(_FAILED,))
            payload = None
        if payload is None:
            await self._say_over(incoming, channel)
        else:
            await self._sending.answer(incoming, channel, payload.message)

    async def _reasons(self, offer: Offer, asked: Attached, at: datetime) -> tuple[Reason, ...]:
        if at > offer.answer_by:
            return (_LATE,)
        if asked.content.get("cred_def_id") != offer.cred_def_id:
            return (Reason("issuing.other", "The wallet asks for another credential than the one that was offered."),)
        if offer.supersedes is not None and not await self._book.may_follow(offer.supersedes):
            return (_ENDED,)
        received = ReceivedOffer(SchemaId.parse(offer.schema_id), CredDefId.parse(offer.cred_def_id), offer.values)
        return await self._standing.reasons_not_to_sign(received, at=at)

    async def _issue(self, offer: Offer, request: Attached, digest: str) -> Payload | None:
        """Sign, keep and note a credential, and return what to send; None: the offer has ended otherwise meanwhile."""
        cred_def_id, places = CredDefId.parse(offer.cred_def_id), self._standing.places
        told = await self._told(offer)
        place = await places.take(cred_def_id)
        is_used = False
        try:
            payload = await self._signed(offer, request, digest, place)
            try:
                marked = await self._book.teller.add(offer, "outcome", payload.note, first=keeping(offer.id, payload))
            except DuplicateError:  # a crash came before its marker, or another process is at it
                return await self.take_up(offer)
            if marked is None:  # declined, withdrawn or over: decided before this was kept
                await self._book.payloads.remove(offer.id)
                return None
            is_used = True
            LOGGER.info("offer %s: %s", offer.id, told)
            return payload
        finally:
            if not is_used and not await self._may_have_left(offer, place):
                places.give_back(cred_def_id, place)

    async def take_up(self, offer: Offer) -> Payload | None:
        """Note a credential that was kept and not noted, and return it; None: there is none, or the offer has ended."""
        payload = await self._book.payloads.find(offer.id)
        if payload is None:
            return None
        told = await self._told(offer)
        if offer.supersedes is not None and not await self._book.may_follow(offer.supersedes):  # revoked meanwhile
            offer = await self._book.end(offer, OfferState.REFUSED, at=datetime.now(UTC), reasons=(_ENDED,))
        elif await self._book.teller.add(offer, "outcome", payload.note) is not None:
            LOGGER.info("offer %s: %s; a crash had come between", offer.id, told)
            return payload
        if (await self._book.offers.get(offer.id)).state.has_credential:
            return payload
        await self._book.payloads.remove(offer.id)
        return None

    async def _told(self, offer: Offer) -> str:
        """Return what the log says once an offer is issued; a store that was restored learns it from there."""
        word = await self._hashes.issued_word(offer)
        return f"issued, number {word}" if word else "issued"

    async def _may_have_left(self, offer: Offer, place: Place) -> bool:
        """Return whether a credential with this place is kept, or may be: the store did not say."""
        try:
            payload = await self._book.payloads.find(offer.id)
        except WanderbuchError:
            return True
        return payload is not None and (payload.note.get("registry"), payload.note.get("index")) == (
            place.registry_id,
            place.index,
        )

    async def _signed(self, offer: Offer, request: Attached, digest: str, place: Place) -> Payload:
        credential = await self._signer.sign(
            schema_id=offer.schema_id,
            cred_def_id=offer.cred_def_id,
            nonce=offer.nonce,
            request_json=request.text,
            values=offer.values,
            place=place,
        )
        note = issued(offer, registry=place.registry_id, index=place.index, request_digest=digest, at=datetime.now(UTC))
        return Payload(issue_message(thread_id=offer.thread_id, credential_json=credential), note)

    async def _send_again(self, offer: Offer, incoming: Incoming, digest: str) -> None:
        payload = None
        if offer.state is OfferState.ISSUED and offer.request_digest == digest:
            payload = await self._book.payloads.find(offer.id)
        if payload is None:
            LOGGER.warning("offer %s is %s: a further request is refused", offer.id, offer.state.value)
            await self._say_over(incoming, _channel(offer))
        else:
            await self._sending.answer(incoming, _channel(offer), payload.message)

    async def _receive(self, offer: Offer, receipt: Receipt) -> None:
        """Note what the wallet says of its credential: the first word counts, but that it was kept counts always."""
        is_kept = receipt is Receipt.KEPT
        then = removing(offer.id) if is_kept else None
        if offer.receipt is Receipt.NONE:
            # Until then it is due soon, to be sent again: whoever looks at it tells that it was kept.
            teller = self._book.teller
            if await teller.add(offer, "receipt", answered(receipt), then=then, is_looked_at=is_kept) is not None:
                return
            offer = await self._book.offers.get(offer.id)
        if is_kept and offer.receipt is not Receipt.KEPT:
            await self._book.teller.add(offer, "kept", answered(receipt), then=then)

    async def _say_over(self, incoming: Incoming, channel: Channel | None) -> None:
        """Tell whoever sent a message that the exchange is over, not why; nobody if we do not know how to."""
        if channel is None or channel.their_key != incoming.sender:
            return
        report = over_report(incoming.thread_id)
        await self._sending.answer(incoming, channel, report)


def over_report(thread_id: str, *, invitation_id: str | None = None) -> dict[str, Any]:
    """Return the message that ends an exchange without saying why."""
    return problem_report(
        PROBLEM,
        thread_id=thread_id,
        code=_ABANDONED,
        text="This offer is over. Ask the issuer for a new one.",
        parent_thread_id=invitation_id,
    )


def _channel(offer: Offer) -> Channel:
    if offer.wallet is None:
        raise NotSignedError("expected an offer that a wallet has taken")
    return offer.wallet.channel


def _is_oversize(members: Mapping[str, Any]) -> bool:
    listed = members.get("requests~attach")
    data = [item.get("data") for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return any(
        isinstance(part, dict) and len(str(part.get("base64") or part.get("json"))) > _MAX_ENCODED for part in data
    )
