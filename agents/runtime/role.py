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

Exchange records of ACA-Py are preserved when an exchange ends: a role removes them once its own record is final.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

from wanderbuch.agents.runtime.office import EmptyOffice

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.app import Caller, PublicRoute, Route
    from wanderbuch.agents.runtime.gate.served import Speaks
    from wanderbuch.agents.runtime.office import Office
    from wanderbuch.agents.runtime.tenant import Tenant
    from wanderbuch.agents.runtime.tenant_config import TenantConfig
    from wanderbuch.plugins.webvh.document import Service


class NoSettings(BaseModel):
    """The empty table of a role that needs no settings of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Role(Protocol):
    """One of authority, issuer, holder, verifier, or a test's own; subclass it explicitly and override what differs."""

    name: str
    """The word in the configuration (`role = "issuer"`), in the command line, in addresses and of its own table."""

    settings: type[BaseModel] = NoSettings
    """Model of the role's own table; read it with `tenant.settings(IssuerConfig)`."""

    plugins: Sequence[str] = ()
    """Dotted names of ACA-Py plugins, set up in this order after the runtime's bindings are made."""

    has_public_did: bool = True
    """Whether the runtime creates and publishes a did:webvh for a tenant that has this role."""

    prerotation: bool = False
    """Whether that DID commits to its next keys (did:webvh 1.0, pre-rotation)."""

    speaks: Sequence["Speaks"] = ()
    """Which parts it plays in protocols: what others may send follows from that (`gate/served`). None: nothing."""

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

        The default tenant's only. The bearer token is not looked at.
        """
        return ()

    def services(self, config: "TenantConfig") -> Sequence["Service"]:
        """Return what the DID document of a tenant names beside DIDComm."""
        return ()

    async def identify(self, office: Any, token: str) -> "Caller | None":
        """Return who has this bearer token, beside the operator; None if nobody. Asked only while the agent serves."""
        return None

    async def open(self, tenant: "Tenant") -> "Office":
        """Return the office for a tenant; called once each time a tenant is opened.

        Raises:
            ResolutionError: somebody whom it needs can not be reached; tried again.
            WanderbuchError: it can not be opened.
        """
        return EmptyOffice()
