"""Access to the desk of one tenant: who works there, how they sign in, and their sessions.

A role says who its people are, what they may do, and where it is written down; all else is the same for every role.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wanderbuch.agents.people.kinds import SignInKinds
from wanderbuch.agents.people.opening import configured_provider, open_sign_in
from wanderbuch.agents.people.people import People
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.people.sign_in import SignIn
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.site.desks import DESK_PLACE, desk_place
from wanderbuch.agents.site.sessions import Sessions, SiteSession
from wanderbuch.store.tables import DEFAULT_TENANT


@dataclass(frozen=True, slots=True)
class DeskAccess[P: Person, R: StrEnum]:
    """Who may come to a desk, and how.

    Args:
        place: where the pages of the desk are on the app site.
        networks: tells from which network somebody asks.
    """

    place: str
    people: People[P, R]
    sign_in: SignIn[P]
    sessions: Sessions[Any, P]
    networks: Networks

    def close(self) -> None:
        """End the streams of pages."""
        self.sessions.streams.close()


type AccessOf[O, P: Person] = Callable[[O], DeskAccess[P, Any]]
"""Gives the access to the desk of an office."""


def open_access[P: Person, R: StrEnum](
    tenant: Tenant,
    people: People[P, R],
    sessions: type[SiteSession],
    *,
    cookie: str,
    kinds: SignInKinds,
) -> DeskAccess[P, R]:
    """Return the access to the desk of a tenant.

    Args:
        tenant: whose.
        people: who works there.
        sessions: the kind of record of their sessions.
        cookie: name of the session's cookie.
        kinds: under which it is kept what they sign in with; no other role of the tenant has them (`kinds_in`).

    Raises:
        ConfigurationError: accounts elsewhere are configured, and the site has no address.
    """
    config, clock, provider = tenant.parts.config, tenant.clock, None
    if tenant.id == DEFAULT_TENANT:  # the configured one is the operator's, and sends back to one address
        provider = configured_provider(config, DESK_PLACE, tenant.edge, clock=clock)
    sign_in = open_sign_in(
        tenant.profile, people, url=config.app.url, site_name=tenant.name, clock=clock, provider=provider, kinds=kinds
    )
    return DeskAccess(
        desk_place(tenant.id),
        people,
        sign_in,
        Sessions(
            sessions, tenant.records(sessions), sign_in, cookie=cookie, clock=clock, on_use=lambda: tenant.on_use()
        ),
        Networks(config.public.trusted_proxies),
    )
