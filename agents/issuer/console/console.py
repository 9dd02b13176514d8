"""What the console of one training centre stands on: its people, how they sign in, and what the pages keep."""

from wanderbuch.agents.issuer.console.clerks import CLERK_KINDS, Clerk, ClerkRole, ClerkSession, cookie_of
from wanderbuch.agents.issuer.console.uploads import ClassUploads
from wanderbuch.agents.people.desk_access import open_access
from wanderbuch.agents.people.log import PrivateLog
from wanderbuch.agents.people.people import People
from wanderbuch.agents.runtime.tenant import Tenant


class Console:
    """The console of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        """Open it.

        Raises:
            ConfigurationError: accounts elsewhere are configured, and the site has no address.
        """
        profile, clock = tenant.profile, tenant.clock
        self.clerks = People(
            Clerk,
            ClerkRole,
            ClerkRole.ADMINISTRATOR,
            tenant.records(Clerk),
            PrivateLog(profile, clock=clock),
            clock=clock,
        )
        self.access = open_access(tenant, self.clerks, ClerkSession, cookie=cookie_of(tenant.id), kinds=CLERK_KINDS)
        self.uploads = ClassUploads(profile, clock=clock)

    def close(self) -> None:
        """End the streams of pages."""
        self.access.close()
