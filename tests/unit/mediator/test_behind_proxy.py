"""A mediator without TLS of its own: for the proxies that the configuration names, and for nobody else."""

from dataclasses import replace

import aiohttp
import pytest
from tests.unit.mediator.conftest import Start
from tests.unit.mediator.phones import Phone, Site, attached, read, write

from wanderbuch.agents.machine import AgentHandle


@pytest.fixture
def plain(handle: AgentHandle, site: Site) -> Site:
    """The site as a proxy on this machine asks it, once the mediator has begun."""
    without = {"tls_certificate": None, "tls_key": None}
    handle.configure(public={**without, "tls_at_proxy": True, "trusted_proxies": ["127.0.0.1"]})
    handle.write_config()
    return replace(site, is_plain=True)


async def test_a_wallet_is_served_behind_a_proxy_that_ends_tls(plain: Site, begin: Start) -> None:
    mediator = await begin()
    phone = await Phone.mediated(plain)
    assert phone.grant["endpoint"].startswith("https://")
    key = await phone.new_key()
    async with phone.live() as live:
        await write(phone, key, "by the proxy")
        ((_, envelope),) = attached(await live.next("delivery"))
    assert read(key, envelope) == "by the proxy"
    assert mediator.certificates.concerns() == ()


async def test_nobody_but_a_named_proxy_may_connect(plain: Site, begin: Start) -> None:
    await begin()
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientError):
            await replace(plain, session=session).get("/mediator")
        with pytest.raises(aiohttp.ClientError):
            await replace(plain, session=session).post(b"{}")
    assert (await plain.get("/mediator"))["label"] == "Mediator"
