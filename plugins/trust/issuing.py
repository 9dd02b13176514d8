"""No credential leaves this agent that its accreditation does not cover, whatever way its offer was made.

ACA-Py's own handler signs whatever a stored offer says. Ours (`issue_messages`) takes its place in the protocol
registry and asks here first, before the request is even taken in. A credential is signed only if, in this order:

1. The issuer's own book of offers, where there is one, knows the offer, it is still open, and its values and credential
   definition are those that were offered.
2. The credential definition belongs to a DID of this wallet.
3. A careful holder would find the offer TRUSTED: the very same judgement (`keeping.judge`) on the governance file in
   force now. So the values are a whole, canonical and consistent set, the EQF level is the crosswalk's, and the
   issuer's mandate covers the award.

What can not be checked is not signed.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from acapy_agent.core.protocol_registry import ProtocolRegistry
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.error import WalletNotFoundError

from wanderbuch.errors import CredentialError
from wanderbuch.governance.identifiers import CredDefId, RevRegDefId
from wanderbuch.governance.question import Reason, Verdict
from wanderbuch.plugins.trust.keeping import judge, read_message
from wanderbuch.plugins.trust.offer import ReceivedOffer
from wanderbuch.plugins.trust.source import GovernanceSource

type SendOffer = Callable[[V20CredOffer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """Which place in which revocation registry a credential took (None: not revocable), and over which connection."""

    registry: RevRegDefId | None
    index: int | None
    connection_id: str | None


class OfferBook(ABC):
    """The issuer's own record of its offers, bound in the injector; an event may be told more than once."""

    @abstractmethod
    async def connected(self, invitation_id: str, connection_id: str, send: SendOffer) -> None:
        """Send the offer that the invitation stands for, if there is one and it is this connection's to get."""

    @abstractmethod
    async def reason_to_refuse(self, cred_ex_id: str, offer: ReceivedOffer, *, at: datetime) -> Reason | None:
        """Return why the offer may not be answered with a credential (unknown, over, changed); None if it may."""

    @abstractmethod
    async def issued(self, cred_ex_id: str, credential: IssuedCredential) -> None:
        """Note that the credential was signed and is about to be sent."""

    @abstractmethod
    async def refused(self, cred_ex_id: str, reasons: tuple[Reason, ...]) -> None:
        """Note that the credential was not signed, and why."""

    @abstractmethod
    async def declined(self, cred_ex_id: str) -> None:
        """Note that the wallet did not want the offer, or could not keep the credential."""

    @abstractmethod
    async def acknowledged(self, cred_ex_id: str) -> None:
        """Note that the wallet has the credential."""


async def reasons_not_to_sign(
    profile: Profile, cred_ex_id: str, message: V20CredOffer, *, at: datetime
) -> tuple[Reason, ...]:
    """Return why the credential of a stored offer must not be signed; empty if it may be (rules 1 to 3)."""
    try:
        offer = read_message(message)
    except CredentialError as err:
        return (Reason("offer.malformed", err.message),)
    book = profile.inject_or(OfferBook)
    if book is not None and (reason := await book.reason_to_refuse(cred_ex_id, offer, at=at)) is not None:  # 1
        return (reason,)
    if not await _owns(profile, offer.cred_def_id):  # 2
        return (Reason("issuing.foreign", "The credential definition does not belong to a DID of this wallet."),)
    decision = await judge(profile, message)  # 3
    if decision.verdict is not Verdict.TRUSTED and (source := profile.inject_or(GovernanceSource)) is not None:
        await source.ask()  # a no rests on what the authority says now
        decision = await judge(profile, message)
    return () if decision.verdict is Verdict.TRUSTED else decision.reasons


async def setup_issuing(context: InjectionContext) -> None:
    """Put our handlers in the place of ACA-Py's for what an issuer receives; call from a plugin's `setup`."""
    from wanderbuch.plugins.trust.connection_messages import CONNECTION_MESSAGES  # they import this module
    from wanderbuch.plugins.trust.handshake_messages import INVITER_MESSAGES
    from wanderbuch.plugins.trust.issue_messages import MESSAGE_TYPES

    registry = context.inject(ProtocolRegistry)
    registry.register_message_types({**MESSAGE_TYPES, **CONNECTION_MESSAGES, **INVITER_MESSAGES})


async def _owns(profile: Profile, cred_def_id: CredDefId) -> bool:
    async with profile.session() as session:
        try:
            await session.inject(BaseWallet).get_local_did(str(cred_def_id.did))
        except WalletNotFoundError:
            return False
    return True
