import pytest

from wanderbuch.agents.cli.wrapped_text import unwrapped


@pytest.mark.parametrize(
    ("received", "text"),
    [
        (b" abc.def.ghi\n", b"abc.def.ghi"),
        (b'{"receipt": "abc.def.ghi", "n": 1.5}', b"abc.def.ghi"),
        (b'{"receipt": "one", "receipt": "two"}', b'{"receipt": "one", "receipt": "two"}'),  # whose is it?
        (b'{"receipt": 7}', b'{"receipt": 7}'),
        (b'{"receipt"', b'{"receipt"'),
        (b"", b""),
    ],
    ids=["bare", "in an answer", "twice", "no text", "no JSON", "empty"],
)
def test_a_text_is_taken_as_it_is_or_out_of_an_answer(received: bytes, text: bytes) -> None:
    assert unwrapped(received, "receipt") == text
