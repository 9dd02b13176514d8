"""Opens what the people of one tenant sign in with, over its profile."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from acapy_agent.core.profile import Profile

from wanderbuch.agents.people.address import site_address
from wanderbuch.agents.people.challenges import ChallengeKey, Challenges, UsedChallenge
from wanderbuch.agents.people.invitations import Invitations
from wanderbuch.agents.people.kinds import USUAL_KINDS, SignInKinds
from wanderbuch.agents.people.openid import OutsideAccounts
from wanderbuch.agents.people.openid_provider import OpenIdClient, OpenIdProvider
from wanderbuch.agents.people.passkeys import Passkeys
from wanderbuch.agents.people.people import People
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.people.sign_in import SignIn
from wanderbuch.agents.people.tries import Tries
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.store.records import RecordStore


def open_sign_in[P: Person](
    profile: Profile,
    people: People[P, Any],
    *,
    url: str | None,
    site_name: str,
    clock: Callable[[], datetime],
    timer: Callable[[], float] = time.monotonic,
    provider: OpenIdProvider | None = None,
    kinds: SignInKinds = USUAL_KINDS,
) -> SignIn[P]:
    """Return how the people of a tenant sign in.

    Args:
        profile: of the tenant.
        people: who.
        url: where people reach the site (`[app] url`); passkeys are bound to it.
        site_name: what authenticators call it.
        clock: the instant now, aware UTC.
        timer: seconds that only grow.
        provider: vouches for accounts elsewhere; None: nobody does.
        kinds: under which it is kept, where the tenant may have other roles with people.
    """
    accounts = RecordStore(profile, kinds.account)
    passkeys, outside = None, None
    if (address := site_address(url)) is not None:
        challenges = Challenges(RecordStore(profile, ChallengeKey), RecordStore(profile, UsedChallenge), clock=clock)
        passkeys = Passkeys(
            people,
            RecordStore(profile, kinds.passkey),
            accounts,
            challenges,
            address,
            site_name=site_name,
            clock=clock,
        )
        if provider is not None:
            outside = OutsideAccounts(people, RecordStore(profile, kinds.outside), challenges, provider, clock=clock)
    invitations = Invitations(people, RecordStore(profile, kinds.invitation), clock=clock)
    return SignIn(people, accounts, invitations, passkeys, Tries(timer), outside)


def configured_provider(
    config: AgentConfig, place: str, edge: HttpEdge, *, clock: Callable[[], datetime]
) -> OpenIdProvider | None:
    """Return the provider of accounts that the configuration names, None if there is none.

    Args:
        config: of the process.
        place: where the pages are: "/desk", say.
        edge: the way out.
        clock: the instant now, aware UTC.

    Raises:
        ConfigurationError: the site has no address that the provider could send people back to.
    """
    if (told := config.app.openid) is None:
        return None
    if (address := site_address(config.app.url)) is None:
        raise ConfigurationError("[app.openid] needs [app] url with https", hint="set the address that people use")
    client = OpenIdClient(
        issuer=told.issuer,
        client_id=told.client_id,
        client_secret=config.openid_secret.get_secret_value() if config.openid_secret else None,
        name=told.name,
        redirect_uri=f"{address.origin}{place}/openid/callback",
    )
    return OpenIdProvider(client, edge, clock=clock)
