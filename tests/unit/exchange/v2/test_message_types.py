"""Message types, matched as protocols are versioned."""

import pytest

from wanderbuch.plugins.exchange.v2.message_types import TypeUri, find_served, is_other_of, is_same, spoken_instead

PING = "https://didcomm.org/trust-ping/2.0/ping"
QUERY = "https://affinidi.com/didcomm/protocols/trqp/1.0/query-authorization"
SERVED = {PING: "ping", QUERY: "query"}


@pytest.mark.parametrize(
    ("text", "service"),
    [
        (PING, "ping"),
        ("https://didcomm.org/trust-ping/2.1/ping", "ping"),
        ("https://didcomm.org/trust-ping/2.99/ping", "ping"),
        ("https://didcomm.org/trust-ping/3.0/ping", None),
        ("https://didcomm.org/trust-ping/1.0/ping", None),
        ("https://didcomm.org/trust-ping/2.0/ping-response", None),
        ("https://example.org/trust-ping/2.0/ping", None),
        ("https://affinidi.com/didcomm/protocols/trqp/1.2/query-authorization", "query"),
        ("https://affinidi.com/didcomm/protocols/trqp/1.2/query-authorization/response", None),
        ("nothing", None),
    ],
)
def test_another_minor_version_is_the_same_protocol_and_another_major_one_is_not(
    text: str, service: str | None
) -> None:
    assert find_served(SERVED, text) == service
    assert is_same(text, PING) is (service == "ping")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("https://didcomm.org/trust-ping/3.0/ping", "2.0"),
        ("https://didcomm.org/trust-ping/1.0/whatever", "2.0"),
        ("https://didcomm.org/trust-ping/2.7/whatever", None),
        ("https://example.org/trust-ping/3.0/ping", None),
        ("https://didcomm.org/other/3.0/ping", None),
        ("nothing", None),
    ],
)
def test_another_major_version_of_what_is_spoken_is_told_apart(text: str, spoken: str | None) -> None:
    assert spoken_instead(SERVED, text) == spoken


def test_an_answer_is_another_message_of_the_same_version() -> None:
    assert is_other_of("https://didcomm.org/trust-ping/2.1/ping-response", PING)
    assert is_other_of(f"{QUERY}/response", QUERY)
    for text in (PING, "https://didcomm.org/trust-ping/3.0/ping-response", f"{QUERY}/response", "nothing"):
        assert not is_other_of(text, PING)


@pytest.mark.parametrize("text", ["ping", "https://didcomm.org/trust-ping/2/ping", "https://didcomm.org/a/2.0.1/b", ""])
def test_what_is_no_message_type_is_none(text: str) -> None:
    assert TypeUri.parse(text) is None
