"""What a role gives to the runtime.

A role package has a `role.py` with a module-level `ROLE`; it keeps nothing, since it serves every tenant:

    class IssuerRole(Role):
        name = "issuer"
        settings = IssuerConfig                      # a pydantic model, extra="forbid": the table [issuer]
        plugins = ("wanderbuch.agents.issuer",)
        speaks = (Speaks.ISSUER, Speaks.INVITER)

        def routes(self) -> Sequence[Route]:
            return ROUTES                            # their handlers take (office, call)

        async def open(self, tenant: Tenant) -> Office:
            return IssuerOffice(tenant)

    ROLE = IssuerRole()

Order at start: plugins are set up; the store opens; transports run; then for each tenant: its DID is there, its
governance was asked for, its offices are opened. When the default tenant's are, `/ready` says yes; then kept envelopes
are replayed and the first sweep runs. Another tenant is opened when the first message or request for it comes, or when
something of it is due. So `open` may rely on the DID, must be idempotent, and waits for no host but those that the
operator named: what needs anybody else's belongs into `sweep` or a task. It binds in the tenant's injector
(`tenant.bind`) what handlers inject: the injector of one tenant is nobody else's.

A suspended tenant has no office. What was to be removed on a certain day is removed all the same: `forget`.

Exchange records of ACA-Py are preserved when an exchange ends: a role removes them once its own record is final.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from wanderbuch.agents.runtime.office import EmptyOffice
from wanderbuch.agents.runtime.role_settings import NoSettings

if TYPE_CHECKING:
    from acapy_agent.core.profile import Profile

    from wanderbuch.agents.runtime.app import Caller, PublicRoute, Route
    from wanderbuch.agents.runtime.front import Asked, Entry, Front
    from wanderbuch.agents.runtime.gate.served import Speaks
    from wanderbuch.agents.runtime.office import Office
    from wanderbuch.agents.runtime.tenant import Tenant
    from wanderbuch.agents.runtime.tenant_config import TenantConfig
    from wanderbuch.plugins.exchange.handling import FindInvitation, Handler
    from wanderbuch.plugins.exchange.v2.handling import V2Handler
    from wanderbuch.plugins.webvh.document import Service
    from wanderbuch.store.upgrading import OlderRecords


type FindAddress = Callable[[Profile, str], Awaitable[str | None]]
"""Finds the long address that a record holds, by its id; None: there is none (any more). Reads by name."""

type SayAskedOf = Callable[[Any, str, str], Awaitable[Asked | None]]
"""Takes the office, the id of an invitation and a language; None: it asks nothing, or that cannot be said now."""


class Role(Protocol):
    """One of authority, issuer, holder, verifier, or a test's own; subclass it explicitly and override what differs."""

    name: str
    """The word in the configuration (`role = "issuer"`), in the command line, in addresses and of its own table."""

    settings: type[BaseModel] = NoSettings
    """Model of the role's own table; read it with `tenant.settings(IssuerConfig)`."""

    plugins: Sequence[str] = ()
    """Dotted names of ACA-Py plugins, set up in this order after the runtime's bindings are made."""

    may_sign_up: bool = False
    """Whether an organisation may make itself a tenant with this role, where the operator has switched that on."""

    has_public_did: bool = True
    """Whether the runtime creates and publishes a did:webvh for a tenant that has this role."""

    prerotation: bool = False
    """Whether that DID commits to its next keys (did:webvh 1.0, pre-rotation)."""

    takes_sockets: bool = False
    """Whether the public site takes messages by web socket, beside https, at the same address."""

    speaks: Sequence["Speaks"] = ()
    """Which parts it plays in protocols: what others may send follows from that (`gate/served`). None: nothing."""

    handlers: Mapping[str, "Handler"] = {}
    """What it handles itself, by message type as in `gate/served.TABLE`; what no role of a tenant does is ACA-Py's."""

    v2_handlers: Mapping[str, "V2Handler"] = {}
    """What it answers in DIDComm v2, by message type URI, beside what every role does."""

    find_invitation: "FindInvitation | None" = None
    """Finds open invitations of its own: whoever names one may begin what it is for."""

    long_address: "FindAddress | None" = None
    """Finds what is behind a short address that is made of the id of a record of its own (`short_links.address_of`)."""

    say_asked: "SayAskedOf | None" = None
    """Says what an invitation of its own asks, for the page of its short address."""

    front: "Front | None" = None
    """Makes pages for people at both sites of a process that is run for this role; None: they get what programs get."""

    acapy_settings: Mapping[str, object] = {}
    """Further ACA-Py settings by their internal names; no auto-respond or auto-store flag belongs here."""

    def routes(self) -> Sequence["Route"]:
        """Return the role's REST routes, relative to `/v1/<role>`; their handlers take (office, call)."""
        return ()

    def public_routes(self) -> Sequence["PublicRoute"]:
        """Return further routes on the public site, relative to the tenant's place; handlers take (office, request)."""
        return ()

    def app_pages(self) -> Sequence["PublicRoute"]:
        """Return pages on the app site that see to it by themselves who asks; handlers take (office, request).

        The default tenant's, but for those with `{tenant}` in their path, which are any other's. The bearer token is
        not looked at.
        """
        return ()

    def entries(self, config: "TenantConfig") -> Sequence["Entry"]:
        """Return what people can do at the sites of a tenant; `/` says it."""
        return ()

    def services(self, config: "TenantConfig") -> Sequence["Service"]:
        """Return what the DID document of a tenant names beside DIDComm."""
        return ()

    def older_records(self) -> Sequence["OlderRecords"]:
        """Return the kinds of its records that an older version kept otherwise, and what becomes of these."""
        return ()

    async def identify(self, office: Any, token: str) -> "Caller | None":
        """Return who has this bearer token, beside the operator; None if nobody. Asked only while the agent serves."""
        return None

    async def open(self, tenant: "Tenant") -> "Office":
        """Return the office for a tenant; called once each time a tenant is opened.

        Raises:
            ResolutionError: somebody whom it needs cannot be reached; tried again.
            WanderbuchError: it cannot be opened.
        """
        return EmptyOffice()

    async def forget(self, profile: "Profile", now: datetime) -> None:
        """Remove what must be gone by now of a suspended tenant, whose office nobody sweeps; may be called again."""
        return
