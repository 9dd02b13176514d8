import pytest

from wanderbuch.agents.site.occupation_search import meant_by


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("7212", "C7212"),
        ("c7212", "C7212"),
        (" 72 ", "C72"),
        ("Welders and flamecutters (C7212)", "C7212"),
        ("welders", "C7212"),
        ("flamecutter", "C7212"),
        ("9999", None),
        ("(C9999)", None),
        ("xyzzy", None),
        ("", None),
    ],
)
def test_an_occupation_is_understood_by_code_title_and_words(text: str, code: str | None) -> None:
    assert meant_by(text, "en").code == code


def test_words_of_several_occupations_give_a_choice() -> None:
    meant = meant_by("workers", "en")
    assert meant.code is None
    assert 1 < len(meant.choices) <= 25


@pytest.mark.parametrize("text", ["weldr", "weldres", "flamcuter"])
def test_a_mistyped_word_gives_suggestions_and_no_answer(text: str) -> None:
    meant = meant_by(text, "en")
    assert meant.code is None
    assert "C7212" in meant.choices


@pytest.mark.parametrize("text", ["xyzzy", "weldr xyzzy", "weldr " * 7])
def test_words_like_none_of_a_title_give_nothing(text: str) -> None:
    assert meant_by(text, "en").choices == ()


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("soldador", "es", "C7212"),
        ("SOLDADORA", "es", "C7212"),
        ("soudeur", "fr", "C7212"),
        ("plombier", "fr", "C7126"),
        ("maçon", "fr", "C7112"),
        ("macon", "fr", "C7112"),
        ("كهربائي", "ar", "C7411"),
        ("الكهربائي", "ar", "C7411"),
        ("வெல்டர்", "ta", "C7212"),
        ("වෙල්ඩර්", "si", "C7212"),
        ("nurse", "en", "C2221"),
        ("conductor de camión", "es", "C8332"),
        ("soldador", "en", "C7212"),  # a worker's own word on any page
        ("camionero", "si", "C8332"),
    ],
)
def test_everyday_words_of_a_language_are_understood(text: str, language: str, code: str) -> None:
    assert meant_by(text, language).code == code


@pytest.mark.parametrize(
    ("text", "language", "codes"),
    [
        ("لحام", "ar", {"C7212", "C7511"}),  # a welder; in the Levant, a butcher
        ("conductor", "es", {"C8322", "C8331", "C8332", "C5112"}),  # of English titles too
        ("soldadr", "es", {"C7212"}),
    ],
)
def test_words_of_several_meanings_or_mistyped_are_a_choice(text: str, language: str, codes: set[str]) -> None:
    meant = meant_by(text, language)
    assert meant.code is None
    assert codes <= set(meant.choices)


@pytest.mark.parametrize(("text", "language"), [("camionero", "es"), ("nurse", "en")])
def test_where_titles_alone_are_answers_everyday_words_are_choices(text: str, language: str) -> None:
    meant = meant_by(text, language, with_everyday_words=False)
    assert meant.code is None
    assert meant_by(text, language).code in meant.choices
    assert meant_by("welders", language, with_everyday_words=False).code == "C7212"
