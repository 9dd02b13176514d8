"""Long base64 is read as the standard library reads it, character for character."""

import base64
import binascii

from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.base64_text import from_base64

_LETTERS = "ABYZabyz0189+/-_= \n\té\0"


def _by_the_library(text: str, *, url_too: bool) -> bytes | None:
    bare = text.rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_" if url_too else None, validate=True)
    except (binascii.Error, ValueError):
        return None


def _read(text: str, *, url_too: bool) -> bytes | None:
    try:
        return from_base64(text, url_too=url_too)
    except ValueError:
        return None


@given(st.binary(max_size=40), st.booleans(), st.sampled_from(("", "=", "==")))
def test_bytes_come_back_in_either_alphabet_and_with_any_padding(data: bytes, in_url: bool, padding: str) -> None:
    encoded = (base64.urlsafe_b64encode if in_url else base64.b64encode)(data).decode().rstrip("=") + padding
    assert from_base64(encoded, url_too=True) == data


@given(st.text(_LETTERS, max_size=14), st.booleans())
def test_what_is_none_is_refused_as_the_library_refuses_it(text: str, url_too: bool) -> None:
    assert _read(text, url_too=url_too) == _by_the_library(text, url_too=url_too)
