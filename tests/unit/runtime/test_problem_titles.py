"""The title of a problem is for people: words, no code (RFC 9457, section 3.1.3)."""

import pytest

from wanderbuch.agents.runtime.problems import title_of


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("not-found", "Not found"),
        ("presentation.nobody_counts", "Nobody counts"),
        ("idempotency-key-reused", "Idempotency key reused"),
    ],
)
def test_a_title_is_words(code: str, title: str) -> None:
    assert title_of(code) == title
