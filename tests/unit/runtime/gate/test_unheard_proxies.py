"""Whoever forgot to name a proxy is told, once; whoever named it, or has none, is not."""

import ipaddress
import logging

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.gate.unheard_proxies import tell_of_unheard_proxies

HERE = [ipaddress.ip_network("127.0.0.1/32")]


class Peer:
    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("127.0.0.1", 1) if name == "peername" else default


async def answered(request: web.Request) -> web.StreamResponse:
    return web.Response(text="as ever")


async def lines_of(caplog: pytest.LogCaptureFixture, networks: Networks, *headers: dict[str, str]) -> list[str]:
    middleware = tell_of_unheard_proxies("app", networks)
    with caplog.at_level(logging.WARNING):
        for header in headers:
            request = make_mocked_request("GET", "/", headers=header, transport=Peer())
            assert (await middleware(request, answered)).status == 200
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "x-forwarded-for"])
async def test_a_proxy_that_is_not_named_is_told_once(caplog: pytest.LogCaptureFixture, name: str) -> None:
    told = await lines_of(caplog, Networks(()), {}, *[{name: "203.0.113.7"}] * 3)
    assert told == ["proxy.not_trusted"]
    fields = vars(caplog.records[0])
    assert "trusted_proxies" in str(fields)
    assert "203.0.113" not in str(fields)


async def test_a_proxy_that_is_named_and_a_site_without_one_are_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    assert await lines_of(caplog, Networks(HERE), {"X-Forwarded-For": "203.0.113.7"}) == []
    assert await lines_of(caplog, Networks(()), {}, {"X-Forwarded-Proto": "https"}) == []
