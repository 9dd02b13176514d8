"""What the console of one training centre stands on: its people, how they sign in, and what the pages keep."""

from wanderbuch.agents.issuer.console.clerks import Clerk, ClerkRole, Clerks, ClerkSession, ClerkSessions, cookie_of
from wanderbuch.agents.issuer.console.uploads import ClassUploads
from wanderbuch.agents.people.log import PrivateLog
from wanderbuch.agents.people.opening import configured_provider, open_sign_in
from wanderbuch.agents.people.people import People
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.site.desks import DESK_PLACE, desk_place
from wanderbuch.agents.site.sessions import Sessions
from wanderbuch.store.tables import DEFAULT_TENANT


class Console:
    """The console of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        """Open it.

        Raises:
            ConfigurationError: accounts elsewhere are configured, and the site has no address.
        """
        profile, clock, config = tenant.profile, tenant.clock, tenant.parts.config
        self.place = desk_place(tenant.id)
        self.clerks: Clerks = People(
            Clerk,
            ClerkRole,
            ClerkRole.ADMINISTRATOR,
            tenant.records(Clerk),
            PrivateLog(profile, clock=clock),
            clock=clock,
        )
        provider = None
        if tenant.id == DEFAULT_TENANT:  # the configured one is the operator's, and sends back to one address
            provider = configured_provider(config, DESK_PLACE, tenant.edge, clock=clock)
        self.sign_in = open_sign_in(
            profile, self.clerks, url=config.app.url, site_name=tenant.name, clock=clock, provider=provider
        )
        self.sessions: ClerkSessions = Sessions(
            ClerkSession, tenant.records(ClerkSession), self.sign_in, cookie=cookie_of(tenant.id), clock=clock
        )
        self.uploads = ClassUploads(profile, clock=clock)
        self.networks = Networks(config.public.trusted_proxies)

    def close(self) -> None:
        """End the streams of pages."""
        self.sessions.streams.close()
