"""Which forms are taken for our own, directly and behind a proxy that asks under another name."""

from collections.abc import Mapping

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from wanderbuch.agents.runtime.app import OWN_ADDRESS
from wanderbuch.agents.runtime.problems import ForbiddenError
from wanderbuch.agents.site.forged import form_token, refuse_forged, refuse_other_sites

HOST = "127.0.0.1:8443"


def a_form(headers: Mapping[str, str], *, host: str = HOST, own: str | None = None) -> web.Request:
    app = web.Application()
    app[OWN_ADDRESS] = own
    return make_mocked_request("POST", "/desk/en/drafts", headers={"Host": host, **headers}, app=app)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": f"https://{HOST}"},
        {"Sec-Fetch-Site": "same-origin", "Origin": f"https://{HOST}"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://desk.example"},  # a proxy gave us another Host
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_takes_a_form_of_this_site(headers: dict[str, str]) -> None:
    refuse_other_sites(a_form(headers))


@pytest.mark.parametrize("host", [HOST, "desk.example", "app", "evil.example"])
def test_takes_a_form_of_an_old_browser_behind_a_proxy_with_any_host(host: str) -> None:
    refuse_other_sites(a_form({"Origin": "https://desk.example"}, host=host, own="https://desk.example"))


@pytest.mark.parametrize(
    "origin",
    ["http://desk.example", "https://desk.example:444", "https://desk.example.evil.example", "https://app", "null", ""],
)
def test_refuses_a_form_of_an_old_browser_from_elsewhere_behind_a_proxy(origin: str) -> None:
    with pytest.raises(ForbiddenError):
        refuse_other_sites(a_form({"Origin": origin}, own="https://desk.example"))


def test_the_configured_address_does_not_outweigh_what_a_browser_says_itself() -> None:
    with pytest.raises(ForbiddenError):
        refuse_other_sites(
            a_form({"Sec-Fetch-Site": "cross-site", "Origin": "https://desk.example"}, own="https://desk.example")
        )


def test_who_is_refused_is_told_what_to_do() -> None:
    with pytest.raises(ForbiddenError) as caught:
        refuse_other_sites(a_form({"Origin": "https://desk.example"}))
    assert "your browser is old" in caught.value.message
    assert "set url in [app]" in str(caught.value.hint)
    with pytest.raises(ForbiddenError) as caught:
        refuse_other_sites(a_form({"Origin": "https://old.example"}, own="https://desk.example"))
    assert caught.value.hint == "open https://desk.example and fill in the form there"
    with pytest.raises(ForbiddenError) as caught:
        refuse_other_sites(a_form({"Sec-Fetch-Site": "cross-site"}))
    assert caught.value.hint == "open the page here, then fill in its form"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": f"https://{HOST}"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
    ],
)
def test_refuses_a_form_of_another_site(headers: dict[str, str]) -> None:
    with pytest.raises(ForbiddenError):
        refuse_other_sites(a_form(headers))


def test_a_form_carries_the_token_of_its_session() -> None:
    refuse_forged(form_token("a"), form_token("a"))
    for given in (form_token("b"), "", None, "a"):
        with pytest.raises(ForbiddenError):
            refuse_forged(form_token("a"), given)
