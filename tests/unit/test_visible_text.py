"""What nobody sees is taken out of texts of others, or refused in names; what a script is written with stays."""

import pytest

from wanderbuch.agents.runtime.own_applications import NotAcceptedError
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.verifier.desk_settings import checked_name
from wanderbuch.plugins.exchange.connecting.messages import read_introduction
from wanderbuch.plugins.exchange.reports import read_report
from wanderbuch.visible_text import is_visible, visible

WRITTEN = ["ශ්‍රී ලංකා", "می‌خواهم", "Xatt l-Għassara", "മലയാളം ന്‍", "👨‍🌾 Farm"]
UNSEEN = ["\u3164", "\u2800", "\u200d", "Ship\u200dyard", "Ship\u202eyard", "a\u200bb", "a\ufeffb", "a\u00a0b", "a\nb"]


@pytest.mark.parametrize("text", WRITTEN)
def test_what_a_script_is_written_with_stays(text: str) -> None:
    assert (visible(text), checked_name(text)) == (text, text)
    assert read_introduction({"did": "did:peer:4z1", "label": text}).unverified_label == text
    assert read_report({"description": {"code": "x", "en": text}}).text == text
    detail = f'{{"detail": "{text}"}}'.encode()
    assert text in NotAcceptedError.of(422, detail).message


@pytest.mark.parametrize("text", UNSEEN)
def test_what_nobody_sees_is_no_part_of_it(text: str) -> None:
    assert not is_visible(text)
    assert is_visible(visible(text))


@pytest.mark.parametrize("name", ["\u3164", "\u2800", "Ship\u202eyard", "Ship\u200byard", "Ship [A-17]", "x" * 121])
def test_a_name_that_shows_nothing_or_looks_like_more_is_refused(name: str) -> None:
    with pytest.raises(MalformedError, match="that can be shown"):
        checked_name(name)


def test_a_name_of_spaces_alone_is_the_operators() -> None:
    assert checked_name(" \n ") is None
