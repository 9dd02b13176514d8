from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from wanderbuch.agents.authority.pages.trqp_page import TRQP_PAGE_ROUTES

SWITCHED_ON = SimpleNamespace(trqp=object())
SWITCHED_OFF = SimpleNamespace(trqp=None)


def asked(accept: str, path: str = "/trqp/2.0/") -> web.Request:
    return make_mocked_request("GET", path, headers={"Accept": accept, "Host": "authority.example"})


@pytest.mark.parametrize("path", ["/trqp/2.0", "/trqp/2.0/"])
async def test_people_read_where_the_endpoint_is_described(path: str) -> None:
    (handler,) = [route.handler for route in TRQP_PAGE_ROUTES if route.path == path]
    page = await handler(SWITCHED_ON, asked("text/html", path))
    assert isinstance(page, web.Response)
    assert page.text is not None
    assert 'href="/trqp/2.0/openapi.json"' in page.text
    assert "POST /trqp/2.0/authorization" in page.text


@pytest.mark.parametrize(("office", "accept"), [(SWITCHED_ON, "application/json"), (SWITCHED_OFF, "text/html")])
async def test_there_is_nothing_for_programs_nor_where_it_is_switched_off(office: object, accept: str) -> None:
    with pytest.raises(web.HTTPNotFound):
        await TRQP_PAGE_ROUTES[0].handler(office, asked(accept))
