"""What an egress request says, read at the edge: anything else is refused with what was expected."""

import base64
from typing import Any

import pytest

from wanderbuch.agents.mediator.egress import EgressRefusedError, EgressRequest


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "PUT"},
        {"method": ["GET"]},
        {"url": 7},
        {"url": "https://issuer.example/" + "x" * 2_048},
        {"headers": {"Host": "inside.example"}},
        {"headers": {"authorization": "Bearer x"}},
        {"headers": {"accept": "a\r\nHost: inside.example"}},
        {"headers": {"accept": 7}},
        {"headers": ["accept"]},
        {"method": "POST", "body": "not base64!"},
        {"method": "POST", "body": base64.b64encode(b"x" * (1024 * 1024 + 1)).decode()},
        {"method": "POST", "text": "x" * (1024 * 1024 + 1)},
        {"method": "POST", "text": "é"},
        {"method": "POST", "text": 7},
        {"method": "POST", "text": "{}", "body": ""},
    ],
    ids=lambda wrong: str(wrong)[:60],
)
def test_refuses_what_is_no_request(wrong: dict[str, Any]) -> None:
    good = {"method": "GET", "url": "https://issuer.example/x", "headers": {"Accept": "text/plain"}}
    assert EgressRequest.read(good).headers == {"accept": "text/plain"}
    with pytest.raises(EgressRefusedError, match="expected"):
        EgressRequest.read(good | wrong)
