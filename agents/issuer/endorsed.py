"""An issuer whose transactions an endorser elsewhere signs: its connection with it, and what it answers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.invitation_text import read_text
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.errors import ConfigurationError, ExchangeError
from wanderbuch.governance.facts.indy import OldNames
from wanderbuch.plugins.exchange.connecting.invitations import Invitation, InvitationError, read_invitation_message
from wanderbuch.plugins.exchange.connecting.invitee import Invitee
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.endorsing.messages import ENDORSE, JOB, REFUSE
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.reports import ProblemReport


class _Author(Protocol):
    """An office that writes on ledgers."""

    def go_on(self) -> None:
        """Have what waits for somebody else tried again now."""


def bind_endorser(tenant: Tenant) -> None:
    """Have the endorsers that are elsewhere asked for a tenant, if its ledgers have some.

    Raises:
        ConfigurationError: an invitation is none.
    """
    if tenant.profile.inject_or(OldNames) is None:
        return  # no ledgers: nothing of them is loaded
    from wanderbuch.plugins.exchange.endorsing.elsewhere import EndorserElsewhere
    from wanderbuch.plugins.indy.endorsing import Endorser
    from wanderbuch.plugins.indy.ledger import IndyLedgers

    configs = [ledger.config for ledger in tenant.profile.inject(IndyLedgers)]
    invitations = {
        config.namespace: _read(config.endorser_invitation, config.namespace)
        for config in configs
        if config.endorser_invitation
    }
    if invitations:
        tenant.bind(Endorser, EndorserElsewhere(invitations))


async def ask_again(profile: Profile) -> None:
    """Ask endorsers again for what they refused."""
    if profile.inject_or(OldNames) is None:
        return
    from wanderbuch.plugins.exchange.endorsing.elsewhere import forget_refusals

    await forget_refusals(profile)


def _read(text: str, namespace: str) -> Invitation:
    try:
        members = read_text(text)
        if not isinstance(members, dict):
            raise InvitationError("it is a short link")
        invitation = read_invitation_message(members)
        if not invitation.handshakes:
            raise InvitationError("it is not one to connect")
    except ExchangeError as err:
        raise ConfigurationError(
            f"endorser_invitation of the Indy ledger {namespace} cannot be used: {err.message}",
            hint="have the endorser's operator make an out-of-band invitation with the handshake didexchange/1.1",
        ) from err
    return invitation


class _Meeting:
    """What comes of the connection with an endorser: what waits for it goes on."""

    def __init__(self, office: _Author) -> None:
        self._office = office

    async def connected(self, handshake_id: str, connection: Connection, incoming: Incoming) -> None:
        """Go on: there is somebody to ask."""
        self._office.go_on()

    async def refused(self, handshake_id: str, report: ProblemReport, incoming: Incoming) -> None:
        """Leave it: the invitation is opened again when something is to be endorsed."""


async def _answer(office: _Author, incoming: Incoming) -> bool:
    if incoming.profile.inject_or(OldNames) is None:
        return False  # no ledgers, so nobody was asked
    from wanderbuch.plugins.exchange.endorsing.elsewhere import take_answer

    taken = await take_answer(incoming)
    if taken:
        office.go_on()
    return taken


async def _job(_: _Author, incoming: Incoming) -> bool:
    """Hear which part the other side says it plays; the configuration says who is the endorser."""
    return True


_INVITEE: Final = Invitee(_Meeting)


def with_endorsers(handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """Return an inviter's handlers with those of an invitee that asks endorsers; both hear reports of problems."""
    added = _INVITEE.handlers()
    both = {kind: _either(handlers[kind], added[kind]) for kind in handlers.keys() & added.keys()}
    return {**handlers, **added, **both, ENDORSE: Handler(_answer), REFUSE: Handler(_answer), JOB: Handler(_job)}


def _either(first: Handler, second: Handler) -> Handler:
    async def take(office: Any, incoming: Incoming) -> bool:
        return await first.take(office, incoming) or await second.take(office, incoming)

    async def knows(incoming: Incoming) -> bool:
        return await first.knows(incoming) or await second.knows(incoming)

    return replace(first, take=take, knows=knows)
