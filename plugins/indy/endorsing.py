"""Endorsement: who lets a DID write on a ledger that may not write there by itself.

The author signs first, and names the endorser in the transaction; the endorser signs the same transaction after having
looked at it. Only with both signatures do the nodes take it.
"""

from abc import ABC, abstractmethod

from acapy_agent.core.profile import Profile
from indy_vdr.request import Request

from wanderbuch.governance.facts.indy import IndyDid
from wanderbuch.plugins.indy.errors import WriteRefusedError
from wanderbuch.plugins.indy.ledger import IndyLedger
from wanderbuch.plugins.indy.own_dids import own_indy_did, sign


class Endorser(ABC):
    """Gives transactions the signature of the endorser that a ledger's configuration names."""

    @abstractmethod
    async def endorse(self, profile: Profile, ledger: IndyLedger, nym: str, request: Request) -> Request:
        """Return a transaction that both have signed: this one, or one for the same that was signed before.

        Args:
            profile: of the author.
            ledger: that it is for.
            nym: what the ledger calls the endorser.
            request: names the endorser, and is signed by the author.

        Raises:
            WriteRefusedError: the endorser does not sign it.
            EndorsementPendingError: the endorser has not answered; asking again for the same goes on with it.
        """

    @abstractmethod
    async def settled(self, profile: Profile, ledger: IndyLedger, body: str, *, is_written: bool) -> None:
        """Forget a transaction, by its text, that the ledger took or refused for good."""


class WalletEndorser(Endorser):
    """The endorser's key is in the author's own wallet, as with a body that has one DID allowed to write."""

    async def endorse(self, profile: Profile, ledger: IndyLedger, nym: str, request: Request) -> Request:
        """Sign with the wallet's key."""
        own = await own_indy_did(profile, IndyDid.parse(nym))
        if own is None:
            raise WriteRefusedError(
                f"the key of the endorser {nym} is not in this wallet",
                hint="keep its DID here, name its endorser_invitation, or correct endorser in [[indy.ledgers]]",
            )
        request.set_multi_signature(nym, await sign(profile, own, request.signature_input))
        return request

    async def settled(self, profile: Profile, ledger: IndyLedger, body: str, *, is_written: bool) -> None:
        """Do nothing: nothing is kept."""


def endorser_of(profile: Profile, ledger: IndyLedger) -> Endorser:
    """Return who asks for the signatures of a ledger's endorser.

    Raises:
        WriteRefusedError: it is elsewhere, and no part of this agent speaks with it.
    """
    if ledger.config.endorser_invitation is None:
        return WalletEndorser()
    endorser: Endorser | None = profile.inject_or(Endorser)
    if endorser is None:
        raise WriteRefusedError(
            f"the endorser of the Indy ledger {ledger.name} is elsewhere, and this agent is no issuer that asks it",
            hint="take endorser_invitation out, or let an issuer write",
        )
    return endorser
