import base58
import pytest
from hypothesis import given
from hypothesis import strategies as some

from wanderbuch.plugins.webvh.base58_text import from_base58, to_base58


@given(some.binary(max_size=1500), some.integers(0, 3))
def test_writes_and_reads_what_the_library_does(data: bytes, zeros: int) -> None:
    data = b"\0" * zeros + data
    text = to_base58(data)
    assert text == base58.b58encode(data).decode()
    assert from_base58(text) == base58.b58decode(text) == data


@pytest.mark.parametrize("text", ["0", "O", "l", "I", "a b", "é", "1111111111_"])
def test_refuses_what_is_no_base58(text: str) -> None:
    with pytest.raises(ValueError, match="base58"):
        from_base58(text)
