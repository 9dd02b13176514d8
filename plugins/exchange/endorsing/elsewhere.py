"""An endorser elsewhere: another agent that looks at a transaction of ours, and signs it or does not.

1. What is to be endorsed is kept before it is sent, by what it is about: whoever wants the same written again goes on
   with the transaction that the endorser has, also after a restart.
2. It goes over a connection that the endorser's invitation made. It goes out again if it could not be delivered, after
   a restart (its answer may have found nobody), and every hour while nobody answers.
3. Only over that connection comes an answer. A signature counts if it is the endorser's, by the key that the ledger has
   for it, and under the transaction that was asked for; nothing else of what comes back is used.
4. A no stands for an hour, or until somebody here says that it may be asked again; who wants it written after that asks
   anew. So does a signature that is none.
5. What the ledger has taken, or refused for good, is forgotten.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import base58
from acapy_agent.core.profile import Profile
from aries_askar import AskarError, Key, KeyAlg
from indy_vdr import ledger as requests
from indy_vdr.request import Request

from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.connecting.connections import read_connection, read_connection_by_id
from wanderbuch.plugins.exchange.connecting.invitations import Invitation
from wanderbuch.plugins.exchange.connecting.invitee import begin
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.endorsing.kept import Endorsement, EndorserAnswer, subject_of
from wanderbuch.plugins.exchange.endorsing.messages import (
    ENDORSE,
    EndorsementMessageError,
    ack_message,
    job_message,
    read_signature,
    read_transaction_id,
    request_message,
)
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.indy.endorsing import Endorser
from wanderbuch.plugins.indy.errors import EndorsementPendingError, EndorsementRefusedError
from wanderbuch.plugins.indy.ledger import IndyLedger
from wanderbuch.plugins.indy.nyms import read_nym
from wanderbuch.store.errors import DuplicateError, NotFoundError
from wanderbuch.store.records import RecordStore, utc_now

_LOG = logging.getLogger(__name__)
_POLL_S: Final = 0.2
_AGAIN: Final = timedelta(hours=1)


class EndorserElsewhere(Endorser):
    """Asks the endorsers' agents.

    Args:
        invitations: of them, by the namespace of their ledger.
        wait_s: how long to wait for an answer before the work goes on without.
    """

    def __init__(self, invitations: Mapping[str, Invitation], *, wait_s: float = 8.0) -> None:
        self._invitations = invitations
        self._wait_s = wait_s
        self._delivered: set[str] = set()

    async def endorse(self, profile: Profile, ledger: IndyLedger, nym: str, request: Request) -> Request:
        """Return a transaction that the endorser has signed (1 to 4)."""
        kept = await _keep(profile, Endorsement(id=subject_of(ledger.name, request.body), body=request.body, nym=nym))
        if kept.answer is None:
            await self._ask(profile, ledger, kept)
            kept = await self._answered(profile, kept, f"the endorser {nym} of the Indy ledger {ledger.name}")
        if kept.answer is EndorserAnswer.REFUSED or kept.signature is None:
            raise EndorsementRefusedError(
                f"the endorser {nym} of the Indy ledger {ledger.name} refuses to sign this transaction",
                hint="speak with its operator; it is asked again an hour after it refused",
            )
        endorsed = requests.build_custom_request(kept.body)
        signature = await _checked(ledger, nym, endorsed.signature_input, kept.signature)
        if signature is None:
            await _noted(profile, kept, EndorserAnswer.REFUSED, None)
            raise EndorsementRefusedError(
                f"the endorser {nym} of the Indy ledger {ledger.name} has signed something else than it was asked to",
                hint="speak with its operator; it is asked again an hour after this",
            )
        endorsed.set_multi_signature(nym, signature)
        return endorsed

    async def settled(self, profile: Profile, ledger: IndyLedger, body: str, *, is_written: bool) -> None:
        """Forget a transaction (5), and tell the endorser that it is written."""
        records = RecordStore(profile, Endorsement)
        kept = await records.get_or_none(subject_of(ledger.name, body))
        if kept is None:
            return
        await records.remove(kept.id)
        self._delivered.discard(kept.transaction_id)
        for old in await records.find():
            if old.is_forgotten:
                await records.remove(old.id)
        if not is_written or kept.own_key is None:
            return
        async with profile.session() as session:
            connection = await read_connection(session, kept.own_key)
        if connection is not None:
            await profile.inject(Sending).send_soon(profile, connection.channel, ack_message(kept.transaction_id))

    async def _ask(self, profile: Profile, ledger: IndyLedger, kept: Endorsement) -> None:
        """Deliver a transaction to the endorser, unless it has it (2)."""
        asked_at = kept.asked_at if kept.transaction_id in self._delivered else None
        if asked_at is not None and utc_now() - asked_at < _AGAIN:
            return
        connection = await self._connection(profile, ledger, kept.nym)
        sending = profile.inject(Sending)
        own_key = connection.own_key
        # Noted first: the answer may be there before `send` returns.
        asked = await _change(profile, kept, lambda endorsement: endorsement.model_copy(update={"own_key": own_key}))
        try:
            await sending.send(profile, connection.channel, job_message())
            await sending.send(profile, connection.channel, request_message(asked.transaction_id, asked.body))
        except WanderbuchError as err:
            raise EndorsementPendingError(
                f"the endorser {kept.nym} of the Indy ledger {ledger.name} could not be asked: {describe(err)}",
                hint="it is asked again soon; nothing is lost",
            ) from err
        self._delivered.add(asked.transaction_id)
        await _change(profile, asked, lambda endorsement: endorsement.model_copy(update={"asked_at": utc_now()}))

    async def _connection(self, profile: Profile, ledger: IndyLedger, nym: str) -> Connection:
        invitation = self._invitations.get(ledger.name)
        if invitation is None:
            raise EndorsementRefusedError(
                f"there is no invitation of the endorser {nym} of the Indy ledger {ledger.name}",
                hint="name endorser_invitation in [[indy.ledgers]]",
            )
        async with profile.session() as session:
            connection = await read_connection_by_id(session, invitation.handshake_id)
        if connection is not None:
            return connection
        begun = await begin(profile, invitation)
        if begun.connection is not None:
            return begun.connection
        for _ in range(int(self._wait_s / _POLL_S)):
            await asyncio.sleep(_POLL_S)
            async with profile.session() as session:
                connection = await read_connection(session, begun.own_key)
            if connection is not None:
                return connection
        raise EndorsementPendingError(
            f"the agent of the endorser {nym} of the Indy ledger {ledger.name} has not answered its invitation yet",
            hint="it is asked again soon; if it stays so, have its operator make another endorser_invitation",
        )

    async def _answered(self, profile: Profile, asked: Endorsement, who: str) -> Endorsement:
        records = RecordStore(profile, Endorsement)
        kept = await records.get_or_none(asked.id)
        for _ in range(int(self._wait_s / _POLL_S)):
            if kept is None or kept.answer is not None:
                break
            await asyncio.sleep(_POLL_S)
            kept = await records.get_or_none(asked.id)
        if kept is None or kept.answer is None:
            raise EndorsementPendingError(
                f"{who} has not signed yet", hint="it has the transaction; when it has signed, this goes on"
            )
        return kept


async def take_answer(incoming: Incoming) -> bool:
    """Note what an endorser answered (3); False: it is about nothing of ours."""
    transaction_id = read_transaction_id(incoming.members)
    kept = await RecordStore(incoming.profile, Endorsement).get_or_none(transaction_id.partition("-")[0])
    if kept is None or kept.transaction_id != transaction_id:
        return False
    async with incoming.profile.session() as session:
        connection = await read_connection(session, incoming.recipient)
    if connection is None or connection.own_key != kept.own_key or connection.their_key != incoming.sender:
        raise EndorsementMessageError("expected the answer of the endorser that was asked, found another sender")
    if incoming.kind == ENDORSE:
        await _noted(incoming.profile, kept, EndorserAnswer.SIGNED, read_signature(incoming.members, kept.nym))
    else:
        await _noted(incoming.profile, kept, EndorserAnswer.REFUSED, None)
    _LOG.info("the endorser %s has answered: %s", kept.nym, incoming.kind)
    return True


async def forget_refusals(profile: Profile) -> None:
    """Let what was refused be asked again: somebody has spoken with the endorser (4)."""
    records = RecordStore(profile, Endorsement)
    for kept in await records.find():
        if kept.answer is EndorserAnswer.REFUSED:
            await records.remove(kept.id)


async def _keep(profile: Profile, made: Endorsement) -> Endorsement:
    """Keep a transaction, or return the one about the same; what was refused an hour ago is asked anew (1, 4)."""
    records = RecordStore(profile, Endorsement)
    kept = await records.get_or_none(made.id)
    if kept is None:
        try:
            return await records.insert(made)
        except DuplicateError:
            return await records.get(made.id)
    if kept.answer is EndorserAnswer.REFUSED and kept.answered_at and utc_now() - kept.answered_at > _AGAIN:
        return await records.put(made)
    return kept


async def _noted(profile: Profile, kept: Endorsement, answer: EndorserAnswer, signature: str | None) -> None:
    update = {"answer": answer, "signature": signature, "answered_at": utc_now()}
    await _change(profile, kept, lambda endorsement: endorsement.model_copy(update=update))


async def _change(profile: Profile, kept: Endorsement, step: Callable[[Endorsement], Endorsement]) -> Endorsement:
    """Change what is kept, if it is still the same asking."""
    try:
        return await RecordStore(profile, Endorsement).change(
            kept.id, lambda endorsement: step(endorsement) if endorsement.number == kept.number else None
        )
    except NotFoundError:  # it was settled meanwhile
        return kept


async def _checked(ledger: IndyLedger, nym: str, signed: bytes, signature: str) -> bytes | None:
    """Return a signature that the endorser made under what was asked for; None: it did not."""
    verkey = (await read_nym(ledger, nym)).verkey
    try:
        raw = base58.b58decode(signature)
        key = Key.from_public_bytes(KeyAlg.ED25519, base58.b58decode(verkey))
        return raw if key.verify_signature(signed, raw) else None
    except (AskarError, ValueError):
        return None
