"""What stands in QR codes and links, as wallets, mail and messengers really write it."""

import base64
import contextlib
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.agents.runtime.invitation_text import (
    MAX_INVITATION_BYTES,
    InvitationError,
    ShortAddress,
    read_invitation,
    read_location,
    read_text,
)

TYPE = "https://didcomm.org/out-of-band/1.1/invitation"
# Its base64 has both digits in which the two alphabets differ, and padding.
MESSAGE = {"@type": TYPE, "@id": "1", "label": "???>>>~~~ÿþ"}
BODY = json.dumps(MESSAGE, ensure_ascii=False).encode() + b" "
STANDARD = base64.b64encode(BODY).decode()
URL_SAFE = base64.urlsafe_b64encode(BODY).decode()
BASE = "https://centre.example/didcomm?"


def test_the_example_is_one_in_which_the_alphabets_differ() -> None:
    assert "+" in STANDARD
    assert "/" in STANDARD
    assert STANDARD.endswith("=")


@pytest.mark.parametrize(
    "text",
    [
        f"{BASE}oob={URL_SAFE}",
        f"{BASE}oob={URL_SAFE.rstrip('=')}",
        f"{BASE}oob={STANDARD}",
        f"{BASE}oob={STANDARD.rstrip('=')}",
        f"{BASE}oob={quote(STANDARD, safe='')}",
        f"{BASE}oob={quote(URL_SAFE, safe='')}",
        f"{BASE}_oob={URL_SAFE}",
        f"{BASE}a=b&oob={URL_SAFE}&c=d",
        f"{BASE}oob={URL_SAFE}#fragment",
        f"HTTPS://CENTRE.EXAMPLE/?oob={URL_SAFE}",
        f"https://centre.example?oob={URL_SAFE}",
        f"didcomm://invite?oob={URL_SAFE}",
        f"didcomm://?oob={STANDARD}",
        f"didcomm:?oob={STANDARD}",
        f"DIDComm://launch?_oob={URL_SAFE}",
        f"  {BASE}oob={URL_SAFE}\n",
        f"<{BASE}oob={URL_SAFE}>",
        f"\ufeff{BASE}oob={URL_SAFE}\u200b",
        "\r\n".join([f"{BASE}oob={STANDARD}"[at : at + 40] for at in range(0, 400, 40)]),
        f"{BASE}oob={URL_SAFE[:30]} {URL_SAFE[30:60]}\t{URL_SAFE[60:]}",
        f"{BASE}oob={URL_SAFE[:30]}%0A{URL_SAFE[30:]}",
        json.dumps(MESSAGE),
        f"\n {json.dumps(MESSAGE, indent=2)}\n",
    ],
)
def test_reads_the_invitation_that_a_text_carries(text: str) -> None:
    assert read_text(text) == MESSAGE


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.27"])
@pytest.mark.parametrize("prefix", ["https://didcomm.org/", "did:sov:BzCbsNYhMrjHiqZDTUASHg;spec/"])
def test_reads_each_version_1_of_the_message(prefix: str, version: str) -> None:
    message = {**MESSAGE, "@type": f"{prefix}out-of-band/{version}/invitation"}
    assert read_text(json.dumps(message)) == message


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://centre.example/i/abc", "https://centre.example/i/abc"),
        (" https://centre.example/i/abc\n", "https://centre.example/i/abc"),
        ("https://centre.example/ssi?_oobid=5f0e3ffb", "https://centre.example/ssi?_oobid=5f0e3ffb"),
        ("https://centre.example/ssi?id=5f0e3ffb&lang=si", "https://centre.example/ssi?id=5f0e3ffb&lang=si"),
        ("didcomm://invite?_url=https%3A%2F%2Fcentre.example%2Fi%2Fabc", "https://centre.example/i/abc"),
        (
            f"didcomm://invite?_url={base64.b64encode(b'https://centre.example/i/abc').decode()}",
            "https://centre.example/i/abc",
        ),
        (
            f"https://app.example/?_url={base64.b64encode(b'https://centre.example/i/abc').decode()}",
            "https://centre.example/i/abc",
        ),
    ],
)
def test_finds_the_address_to_ask(text: str, url: str) -> None:
    assert read_text(text) == ShortAddress(url)


def encoded(message: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(message).encode()).decode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{BASE}c_i={encoded({'@type': 'https://didcomm.org/connections/1.0/invitation'})}", "RFC 0160"),
        ("didcomm://aries_connection_invitation?c_i=eyJ9", "RFC 0160"),
        (f"{BASE}oob={encoded({'@type': 'https://didcomm.org/connections/1.0/invitation'})}", "RFC 0160"),
        (f"{BASE}d_m=eyJ9", "RFC 0056"),
        (f"{BASE}_oob={encoded({'type': 'https://didcomm.org/out-of-band/2.0/invitation'})}", "version 2"),
        ("openid-credential-offer://?credential_offer_uri=x", "OpenID4VCI"),
        ("https://wallet.example/?credential_offer=x", "OpenID4VCI"),
        ("openid4vp://?request_uri=x", "OpenID4VP"),
        ("http://centre.example/?oob=e30", "https"),
        ("didcomm://invite", "no address to ask"),
        ("didcomm://invite?_oobid=5f0e3ffb", "no address to ask"),
        ("welder", "https:// or didcomm://"),
        ("mailto:centre@example", "https:// or didcomm://"),
        ("javascript:alert(1)", "https:// or didcomm://"),
        ("", "https:// or didcomm://"),
        (f"{BASE}oob={URL_SAFE}&oob={URL_SAFE}", "oob twice"),
        (f"{BASE}oob={URL_SAFE}&_oob={URL_SAFE}", "both"),
        (f"{BASE}oob=", "line 1"),
        (f"{BASE}oob=%00", "base64"),
        (f"{BASE}oob={URL_SAFE[:-30]}*", "cut off"),
        (f"{BASE}oob={URL_SAFE[:41]}", "cut off|JSON"),
        (f"{BASE}oob=eA", "JSON"),
        (f"{BASE}oob=WzFd", "other JSON"),
        (f"{BASE}oob=e30", "does not say what it is"),
        (f"{BASE}oob={encoded({'@type': 7})}", "does not say what it is"),
        (f"{BASE}oob={encoded({'@type': TYPE + 'x'})}", "another message"),
        (f"{BASE}oob={encoded({'@type': 'https://didcomm.org/basicmessage/1.0/message'})}", "another message"),
        (f"{BASE}oob={base64.b64encode(b'[' * 10_000).decode()}", "nesting"),
        (BASE + "oob=" + base64.b64encode(b'{"@id": "1", "@id": "2"}').decode(), "twice"),
        ('{"@id": "1", "@id": "2"}', "twice"),
        ("{", "JSON"),
        (f"{BASE}_url=ftp%3A%2F%2Fx", "https address|base64"),
        (f"{BASE}_url={base64.b64encode(b'http://127.0.0.1').decode()}", "https address"),
        (f"{BASE}_url=%FF%FE", "base64"),
        ("https://[::1", "no link"),
        ("https://centre.example/?oob=" + "e" * MAX_INVITATION_BYTES, "at most"),
    ],
)
def test_says_what_else_it_is(text: str, words: str) -> None:
    with pytest.raises(InvitationError, match=words):
        read_text(text)


def test_what_is_refused_says_what_to_do_next() -> None:
    with pytest.raises(InvitationError) as caught:
        read_text("didcomm://aries_connection_invitation?c_i=eyJ9")
    assert "ask the sender for an out-of-band invitation" in str(caught.value.hint)


def test_a_location_carries_an_invitation_or_nothing_that_we_take() -> None:
    assert read_location(f"{BASE}oob={STANDARD}") == MESSAGE
    assert read_location(f"didcomm://invite?oob={URL_SAFE}") == MESSAGE
    for location in (BASE, "https://other.example/i/abc", "didcomm://invite?_url=https%3A%2F%2Fx.example", "/i/abc"):
        with pytest.raises(InvitationError):
            read_location(location)


@given(
    text=st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: BASE + "oob=" + base64.b64encode(raw).decode())
)
def test_whatever_is_scanned_is_read_or_refused_in_our_own_words(text: str) -> None:
    for read in (read_text, read_location, read_invitation):
        with contextlib.suppress(InvitationError):
            read(text)


@given(raw=st.binary(max_size=100), pads=st.integers(0, 3), standard=st.booleans(), escaped=st.booleans())
def test_all_forms_of_base64_are_one(raw: bytes, pads: int, standard: bool, escaped: bool) -> None:
    body = json.dumps({"@type": TYPE, "x": raw.decode("latin-1")}, ensure_ascii=False).encode()
    value = (base64.b64encode if standard else base64.urlsafe_b64encode)(body).decode().rstrip("=") + "=" * pads
    assert read_text(f"{BASE}oob={quote(value, safe='') if escaped else value}") == json.loads(body)
