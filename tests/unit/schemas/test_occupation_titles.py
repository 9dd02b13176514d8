"""An occupation named by its title or by words of it."""

import doctest

import pytest

from wanderbuch.agents.site.occupation_search import meant_by
from wanderbuch.errors import CredentialError
from wanderbuch.schemas import occupation_titles
from wanderbuch.schemas.occupation_titles import alike, find_occupation, with_words
from wanderbuch.schemas.occupation_words import everyday_words
from wanderbuch.schemas.occupations import isco08


def test_its_examples_hold() -> None:
    assert doctest.testmod(occupation_titles).failed == 0


@pytest.mark.parametrize(
    "text", ["C7212", "Welders and flamecutters", "WELDERS AND FLAMECUTTERS", "flamecutters", "  weld flame "]
)
def test_finds_what_only_one_can_be(text: str) -> None:
    assert find_occupation(text) == "C7212"


@pytest.mark.parametrize("code", [code for code in isco08().codes if len(code) == 5])
def test_every_unit_group_is_found_by_its_title(code: str) -> None:
    assert find_occupation(str(isco08().codes[code])) == code


def test_a_group_that_has_the_words_too_makes_it_several() -> None:
    with pytest.raises(CredentialError, match="may be 2"):
        find_occupation("welders")


def test_what_may_be_several_is_listed_and_not_guessed() -> None:
    with pytest.raises(CredentialError, match="may be") as refused:
        find_occupation("drivers")
    assert refused.value.hint is not None
    assert "C8322 Car, taxi and van drivers" in refused.value.hint
    assert "C3434 Chefs" not in refused.value.hint
    assert refused.value.hint.count(";") > 1


@pytest.mark.parametrize("language", [*everyday_words()])
def test_an_everyday_word_means_the_same_at_the_command_line_and_on_pages(language: str) -> None:
    words = [word for by_code in everyday_words()[language].values() for word in by_code]
    assert words
    for word in words:
        assert code_of(word) == meant_by(word, language).code, word


def code_of(text: str) -> str | None:
    try:
        return find_occupation(text)
    except CredentialError:
        return None


def test_what_is_spelt_wrongly_is_suggested_and_not_taken() -> None:
    with pytest.raises(CredentialError, match="no title") as refused:
        find_occupation("weldr")
    assert "C7212" in str(refused.value.hint)


@pytest.mark.parametrize("text", ["", " ", "7212", "c7212", "C9999", "xyzzy", "!", "welders xyzzy"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(CredentialError):
        find_occupation(text)


def test_a_long_text_is_no_work() -> None:
    with pytest.raises(CredentialError):
        find_occupation("weldrx " * 20_000)


@pytest.mark.parametrize("text", ["", "...", "weldz"])
def test_nothing_is_found_by_nothing_or_by_what_no_title_has(text: str) -> None:
    assert with_words(isco08().codes, text) == ()


def test_words_are_looked_for_from_their_beginning() -> None:
    assert "C7212" in with_words(isco08().codes, "flamecut")
    assert "C7212" not in with_words(isco08().codes, "cutters")
    assert alike(isco08().codes, "") == ()


def test_nothing_that_somebody_writes_is_kept() -> None:
    """A name that two certificates are compared by must be forgotten with what was seen, and no flood may stay."""
    find_occupation("C7212")
    with_words(isco08().codes, "weld")
    before = occupation_titles.label_words.cache_info().currsize
    for number in range(50):
        with_words(isco08().codes, f"Perera {number}")
        alike(isco08().codes, f"Perera {number}")
        occupation_titles.words_of(f"Perera {number}")
    assert occupation_titles.label_words.cache_info().currsize == before
    assert not hasattr(occupation_titles.words_of, "cache_info")


def test_joiners_and_marks_of_direction_make_no_other_word() -> None:
    """Names of one person are compared so: one issuer writes the joiner in ශ්‍රී, another does not."""
    assert occupation_titles.words_of("ශ්\u200dරී \u200fمحمد") == occupation_titles.words_of("ශ්රී محمد")
    assert occupation_titles.words_of("ශ්\u200dරී") != occupation_titles.words_of("ශ්‍රි")
