"""What a role gives to the runtime.

A role package has a `role.py` with a module-level `ROLE`:

    class IssuerRole(Role):
        name = "issuer"
        settings = IssuerConfig                      # a pydantic model, extra="forbid": the table [issuer]
        plugins = ("wanderbuch.plugins.trust", "wanderbuch.agents.issuer")
        speaks = (Speaks.ISSUER, Speaks.INVITER)

        def routes(self, agent: RunningAgent) -> Sequence[Route]:
            return offer_routes(agent)

        async def started(self, agent: RunningAgent) -> None:
            await publish_credential_definition(agent)

    ROLE = IssuerRole()

Order at start: plugins are set up; the wallet opens; transports run; the DID is there; `started`; `/ready` says yes;
then kept envelopes are replayed and the first `sweep` runs. So `started` may rely on the DID, must be idempotent, and
waits for no host but those that the operator named: what needs anybody else's belongs into `sweep` or a task.

Exchange records of ACA-Py are preserved when an exchange ends: a role removes them once its own record is final.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.agent import RunningAgent
    from wanderbuch.agents.runtime.app import Caller, PublicRoute, Route
    from wanderbuch.agents.runtime.config import AgentConfig
    from wanderbuch.agents.runtime.gate.served import Speaks
    from wanderbuch.plugins.webvh.document import Service


class NoSettings(BaseModel):
    """The empty table of a role that needs no settings of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Role(Protocol):
    """One of authority, issuer, holder, verifier, or a test's own; subclass it explicitly and override what differs."""

    name: str
    """The word in the configuration (`role = "issuer"`), in the command line and of the role's own table."""

    settings: type[BaseModel] = NoSettings
    """Model of the role's own table; read it with `agent.config.settings(IssuerConfig)`."""

    plugins: Sequence[str] = ()
    """Dotted names of ACA-Py plugins, set up in this order after the runtime's bindings are made."""

    has_public_did: bool = True
    """Whether the runtime creates and publishes a did:webvh at first start."""

    prerotation: bool = False
    """Whether that DID commits to its next keys (did:webvh 1.0, pre-rotation)."""

    speaks: Sequence["Speaks"] = ()
    """Which parts it plays in protocols: what others may send follows from that (`gate/served`). None: nothing."""

    acapy_settings: Mapping[str, object] = {}
    """Further ACA-Py settings by their internal names; no auto-respond or auto-store flag belongs here."""

    def routes(self, agent: "RunningAgent") -> Sequence["Route"]:
        """Return the role's REST routes on the app site."""
        return ()

    def services(self, config: "AgentConfig") -> Sequence["Service"]:
        """Return what the DID document names beside DIDComm."""
        return ()

    def public_routes(self, agent: "RunningAgent") -> Sequence["PublicRoute"]:
        """Return further routes on the public site, below paths of the role's own."""
        return ()

    def app_pages(self, agent: "RunningAgent") -> Sequence["PublicRoute"]:
        """Return pages on the app site that see to it by themselves who asks; the bearer token is not looked at."""
        return ()

    async def identify(self, agent: "RunningAgent", token: str) -> "Caller | None":
        """Return who has this bearer token, beside the operator; None if nobody. Asked only while the agent serves."""
        return None

    async def started(self, agent: "RunningAgent") -> None:
        """Do what must be done before the agent is ready; called at every start."""

    async def sweep(self, agent: "RunningAgent", now: datetime) -> None:
        """Repair and end what is overdue; called at start and every minute, never twice at once."""

    async def stopping(self, agent: "RunningAgent") -> None:
        """End the role's own tasks; the wallet is still open."""
