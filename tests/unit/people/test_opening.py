"""Where there are passkeys and accounts elsewhere: at a name of one's own, by https."""

from typing import Any, cast

import pytest
from pydantic import SecretStr

from wanderbuch.agents.people.address import SiteAddress, site_address
from wanderbuch.agents.people.opening import configured_provider
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import AppConfig, OpenIdConfig
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.store.records import utc_now


@pytest.mark.parametrize(
    ("url", "origin", "rp_id"),
    [
        ("https://desk.example.org", "https://desk.example.org", "desk.example.org"),
        ("https://desk.example.org:443", "https://desk.example.org", "desk.example.org"),
        ("https://desk.example.org:8443", "https://desk.example.org:8443", "desk.example.org"),
        ("http://localhost:8081", "http://localhost:8081", "localhost"),
    ],
)
def test_passkeys_are_bound_to_the_name_in_the_configuration(url: str, origin: str, rp_id: str) -> None:
    assert site_address(url) == SiteAddress(origin, rp_id)


@pytest.mark.parametrize(
    "url", [None, "http://desk.example.org", "https://192.0.2.7", "https://[2001:db8::1]", "https://desk:99999"]
)
def test_there_are_none_where_browsers_have_none(url: str | None) -> None:
    assert site_address(url) is None


def told(config: AgentConfig, url: str | None) -> AgentConfig:
    openid = OpenIdConfig(issuer="https://accounts.example.org/", client_id="desk", name="Accounts")
    app = AppConfig.model_validate({"listen": config.app.listen, "url": url, "openid": openid})
    return config.model_copy(update={"app": app, "openid_secret": SecretStr("s")})


def test_a_provider_sends_people_back_to_that_name(agent_config: AgentConfig) -> None:
    edge = cast(HttpEdge, cast(Any, None))
    assert configured_provider(agent_config, "/desk", edge, clock=utc_now) is None
    config = told(agent_config, "https://desk.example.org")
    provider = configured_provider(config, "/desk", edge, clock=utc_now)
    assert provider is not None
    assert provider.client.redirect_uri == "https://desk.example.org/desk/openid/callback"
    assert "'s'" not in repr(provider.client)
    with pytest.raises(ConfigurationError, match="needs"):
        configured_provider(told(agent_config, None), "/desk", edge, clock=utc_now)
