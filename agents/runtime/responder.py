"""A responder for each profile, so that role code can send without the Admin API.

Without the Admin API ACA-Py binds no `BaseResponder`, and with it tenants inherit the root's, which packs with the
root's keys. The provider here makes one for the profile that asks.
"""

import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from acapy_agent.config.base import BaseInjector, BaseSettings
from acapy_agent.config.provider import BaseProvider
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.transport.outbound.message import OutboundMessage
from acapy_agent.transport.outbound.status import OutboundSendStatus

type Send = Callable[[Profile, OutboundMessage], Awaitable[OutboundSendStatus]]


class ProfileResponder(BaseResponder):  # type: ignore[misc]  # acapy_agent has no types
    """Sends messages for one profile."""

    def __init__(self, profile: Profile, send: Send, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Weak, because the profile's own injector may end up holding the responder.
        self._profile = weakref.ref(profile)
        self._send = send

    @property
    def profile(self) -> Profile:
        """Return the profile that this responder sends for."""
        profile = self._profile()
        if profile is None:
            raise RuntimeError("the profile of this responder is closed")
        return profile

    @property
    def send_fn(self) -> Send:
        """Return how messages leave; ACA-Py's inbound session makes a tenant's responder with it."""
        return self._send

    async def send_outbound(self, message: OutboundMessage, **_: Any) -> OutboundSendStatus:
        """Send a message with this profile's keys."""
        return await self._send(self.profile, message)

    async def send_webhook(self, topic: str, payload: dict[str, Any]) -> None:
        """Send nothing: there are no webhooks here."""


class ResponderProvider(BaseProvider):  # type: ignore[misc]
    """Gives a `ProfileResponder` for the profile of the injector that asks."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def provide(self, settings: BaseSettings, injector: BaseInjector) -> ProfileResponder:
        """Return the responder of the profile that asks."""
        return ProfileResponder(injector.inject(Profile), self._send)
