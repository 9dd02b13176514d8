import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from wanderbuch.agents.site.caching import tagged


def ask(known: str | None = None) -> web.Response:
    headers = {} if known is None else {"If-None-Match": known}
    return tagged(make_mocked_request("GET", "/", headers=headers), b"page", content_type="text/html", headers={})


TAG = ask().headers["ETag"]


@pytest.mark.parametrize("known", [TAG, f"W/{TAG}", f'"x", {TAG}', f'"x" , W/{TAG}, "y"', f'"a,b",{TAG}', "*"])
def test_what_the_reader_has_is_not_sent_again(known: str) -> None:
    answer = ask(known)
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, None, TAG)


@pytest.mark.parametrize("known", [None, "", '"x"', f'"x{TAG[1:]}', TAG.strip('"'), f'"x,{TAG[1:]}'])
def test_what_the_reader_lacks_is_sent(known: str | None) -> None:
    answer = ask(known)
    assert (answer.status, answer.body) == (200, b"page")
