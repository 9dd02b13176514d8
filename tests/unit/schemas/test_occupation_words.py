import unicodedata

from wanderbuch.schemas.occupation_words import everyday_words
from wanderbuch.schemas.occupations import isco08


def test_every_word_leads_to_a_code_that_exists() -> None:
    for by_code in everyday_words().values():
        assert by_code.keys() <= isco08().codes.keys()


def test_every_language_of_the_pages_knows_the_work_that_most_people_take_abroad() -> None:
    assert everyday_words().keys() == {"en", "es", "fr", "ar", "si", "ta"}
    for language in ("es", "fr", "ar"):
        assert len(everyday_words()[language]) > 110, language
    for by_code in everyday_words().values():
        assert {"C7212", "C7126", "C7411", "C2221", "C5120", "C9111", "C8332"} <= by_code.keys()


def test_words_are_whole_and_in_one_form() -> None:
    for by_code in everyday_words().values():
        for names in by_code.values():
            assert len(names) == len(set(names))
            for name in names:
                assert name == unicodedata.normalize("NFC", name).strip() != ""
