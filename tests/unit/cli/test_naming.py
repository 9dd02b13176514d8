"""Occupations and countries may be named by title wherever a code is taken; what may be several is listed."""

import json

import pytest
from tests.unit.cli.conftest import EXAMPLE, Run


def asked(command: str, occupation: str, country: str) -> tuple[str, ...]:
    when = ("--on", "2024-05-01") if command == "query" else ("--awarded", "2024-05-01")
    words = ("--issuer", "Colombo", "--occupation", occupation, "--jurisdiction", country, "--json")
    return ("governance", command, str(EXAMPLE), *words, *when)


@pytest.mark.parametrize("command", ["query", "explain"])
@pytest.mark.parametrize(
    ("occupation", "country"),
    [
        ("C7212", "MLT"),
        ("Welders and flamecutters", "Malta"),
        ("flamecutters", "مالطا"),
        ("weld flame", "mt"),
        ("Welder", "MLT"),
        ("soudeuse", "MLT"),
    ],
)
def test_a_title_says_the_same_as_its_code(run: Run, command: str, occupation: str, country: str) -> None:
    code, out, _ = run(*asked(command, occupation, country))
    assert (code, json.loads(out)["verdict"]) == (0, "TRUSTED")


@pytest.mark.parametrize("command", ["query", "explain"])
def test_the_country_may_be_called_a_country(run: Run, command: str) -> None:
    words = ["--country" if word == "--jurisdiction" else word for word in asked(command, "C7212", "Malta")]
    code, out, _ = run(*words)
    assert (code, json.loads(out)["verdict"]) == (0, "TRUSTED")


@pytest.mark.parametrize("command", ["query", "explain"])
@pytest.mark.parametrize(
    ("occupation", "country", "named"),
    [
        ("welders", "MLT", ("C721 ", "C7212 Welders and flamecutters")),
        ("weldr", "MLT", ("C7212 Welders and flamecutters",)),
        ("7212", "MLT", ("C7212",)),
        ("C7212", "Congo", ("COD", "COG")),
        ("C7212", "Maltta", ("MLT",)),
    ],
)
def test_what_is_not_one_of_them_is_listed_and_not_guessed(
    run: Run, command: str, occupation: str, country: str, named: tuple[str, ...]
) -> None:
    code, out, err = run(*asked(command, occupation, country))
    assert code == 2
    assert all(name in out + err for name in named)


@pytest.mark.parametrize(("name", "code"), [("Welders and flamecutters", "C7212"), ("flamecut", "C7212")])
def test_an_occupation_is_shown_by_its_title(run: Run, name: str, code: str) -> None:
    assert json.loads(run("schemas", "show", name, "--json")[1])["id"] == code


@pytest.mark.parametrize(
    ("words", "kind", "identifier"),
    [
        (("weld",), "occupation", "C7212"),
        (("sri", "lanka"), "country", "LKA"),
        (("இலங்கை",), "country", "LKA"),
        (("national", "vocational"), "framework", "LK-NVQ"),
        (("qualif",), "credential type", "qualification/1.0"),
    ],
)
def test_search_finds_by_beginnings_of_words(run: Run, words: tuple[str, ...], kind: str, identifier: str) -> None:
    code, out, _ = run("schemas", "search", *words, "--json")
    answer = json.loads(out)
    assert (code, answer["exact"]) == (0, True)
    assert (kind, identifier) in {(item["kind"], item["id"]) for item in answer["items"]}
    assert identifier in run("schemas", "search", *words)[1]


def test_search_shows_what_is_spelt_alike_and_says_so(run: Run) -> None:
    assert json.loads(run("schemas", "search", "weldr", "--json")[1])["exact"] is False
    code, out, err = run("schemas", "search", "weldr")
    assert code == 0
    assert "C7212" in out
    assert "No title has" in err


@pytest.mark.parametrize("word", ["xyzzy", "--", "[bold]"])
def test_search_that_finds_nothing_ends_with_1(run: Run, word: str) -> None:
    words = ("--", word) if word == "--" else (word,)
    code, out, _ = run("schemas", "search", *words)
    assert (code, out) == (1, "")
