"""The authority as a role of the runtime."""

from collections.abc import Sequence

from wanderbuch.agents.authority.api import AUTHORITY_ROUTES
from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.history_api import PUBLIC_HISTORY_ROUTES
from wanderbuch.agents.authority.intake.reception import INTAKE_ROUTES
from wanderbuch.agents.authority.office import AuthorityOffice, open_office
from wanderbuch.agents.authority.pages.desk_sessions import DeskSession
from wanderbuch.agents.authority.pages.mounting import desk_page_routes, register_routes
from wanderbuch.agents.authority.pages.trqp_page import TRQP_PAGE_ROUTES
from wanderbuch.agents.authority.registrar.endpoint import REGISTRAR_ROUTES
from wanderbuch.agents.authority.trqp_didcomm import TRQP_HANDLERS
from wanderbuch.agents.authority.trqp_role import TRQP_ROUTES
from wanderbuch.agents.runtime.app import Caller, PublicRoute, Route
from wanderbuch.agents.runtime.front import Entry, SiteKind
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.runtime.tenant_config import TenantConfig
from wanderbuch.agents.site.front import FRONT
from wanderbuch.plugins.webvh.document import Service
from wanderbuch.store.upgrading import OlderRecords


class AuthorityRole(Role):
    """Says who counts for what."""

    name = "authority"
    settings = AuthorityConfig
    plugins = ("wanderbuch.agents.authority",)
    prerotation = True
    v2_handlers = TRQP_HANDLERS
    front = FRONT

    def routes(self) -> Sequence[Route]:
        """Return the REST API."""
        return AUTHORITY_ROUTES

    def older_records(self) -> Sequence[OlderRecords]:
        """Return the sessions of the first desk: officials sign in again."""
        return (OlderRecords(DeskSession.category, "official_id", lambda _: None),)

    def services(self, config: TenantConfig) -> Sequence[Service]:
        """Name the governance file and, if it answers, the TRQP endpoint (TRQP 2.0, Identifiers, authority_id)."""
        settings, site = config.settings(AuthorityConfig), config.place.site_url
        file = Service("governance", "GovernanceFile", f"{site}/governance/{settings.ecosystem}/current.jws")
        trqp = Service("trqp", "TRQP", f"{site}/trqp/{settings.trqp.version}")
        return (file, trqp) if settings.trqp.enabled else (file,)

    def entries(self, config: TenantConfig) -> Sequence[Entry]:
        """Return the register where it is served, the file, the endpoint if it answers, and the desk."""
        settings, public = config.settings(AuthorityConfig), SiteKind.PUBLIC
        trqp = (Entry(public, "trqp", f"/trqp/{settings.trqp.version}/"),) if settings.trqp.enabled else ()
        register = () if config.place.prefix else (Entry(public, "register", "/registry/{language}/"),)
        return (
            *register,
            Entry(public, "file", f"/governance/{settings.ecosystem}/current.jws"),
            *trqp,
            Entry(SiteKind.APP, "desk", "/desk/{language}/"),
        )

    def public_routes(self) -> Sequence[PublicRoute]:
        """Return what is answered beside the files."""
        return (
            *PUBLIC_HISTORY_ROUTES,
            *TRQP_ROUTES,
            *TRQP_PAGE_ROUTES,
            *REGISTRAR_ROUTES,
            *INTAKE_ROUTES,
            *register_routes(),
        )

    def app_pages(self) -> Sequence[PublicRoute]:
        """Return the officials' desk."""
        return desk_page_routes()

    async def identify(self, office: AuthorityOffice, token: str) -> Caller | None:
        """Return the official with this token."""
        official = await office.desk.officials.by_token(token)
        return None if official is None else Caller(official.id, frozenset(role.value for role in official.roles))

    async def open(self, tenant: Tenant) -> AuthorityOffice:
        """Open the office: schemas, repairs, and a fresh governance file."""
        return await open_office(tenant)


ROLE = AuthorityRole()
