import json
from typing import Any

import pytest
from typer.testing import CliRunner

from wanderbuch.agents.cli.schemas import app
from wanderbuch.errors import CredentialError
from wanderbuch.schemas.credential_type import CredentialType
from wanderbuch.schemas.frameworks import frameworks


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def run_json(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return document


def test_list_names_all_that_can_be_shown() -> None:
    listed = run_json("list")
    names = [entry["id"] for group in listed.values() for entry in group]
    assert names == [
        "experience/1.0",
        "language/1.0",
        "qualification/1.0",
        *frameworks(),
        "isco08",
        "iso3166-1-alpha-3",
        "iso639-3",
    ]
    for name in names:
        assert name in run("list")
        assert run_json("show", name)["id"] == name
        assert "Sources" in run("show", name)


def test_show_lists_every_attribute(qualification: CredentialType) -> None:
    shown = run_json("show", "qualification/1.0")
    assert [attribute["name"] for attribute in shown["attributes"]] == list(qualification.attr_names)
    assert all(name in run("show", "qualification/1.0") for name in qualification.attr_names)
    by_name = {attribute["name"]: attribute for attribute in shown["attributes"]}
    assert by_name["birth_date"]["personal"] is True
    assert by_name["expires_on"]["absent"] == "99991231"
    assert by_name["occupation_isco08"]["code_list"] == "isco08-unit-groups"
    assert set(by_name["learning_setting"]["codes"]) == {"formal", "non-formal", "informal-rpl"}
    assert (by_name["eqf_level"]["minimum"], by_name["eqf_level"]["maximum"]) == (0, 8)
    assert by_name["framework_level"]["framework_attribute"] == "framework"


def test_show_places_an_occupation_in_the_tree() -> None:
    shown = run_json("show", "C721")
    assert (shown["path"], shown["children"][1]) == (["C7", "C72", "C721"], "C7212")
    assert "Welders and flamecutters" in run("show", "C721")


@pytest.mark.parametrize("name", ["7212", "C9999", "nvq", "qualification/2.0"])
def test_show_refuses_what_is_not_known(name: str) -> None:
    with pytest.raises(CredentialError):
        CliRunner().invoke(app, ["show", name], catch_exceptions=False)


@pytest.mark.parametrize(
    ("text", "code"),
    [("LKA", "LKA"), ("lka", "LKA"), ("uk", "GBR"), ("C7212", "C7212"), ("7212", "C7212"), ("lk-nvq", "LK-NVQ")],
)
def test_search_finds_a_code_too(text: str, code: str) -> None:
    answer = run_json("search", text)
    assert answer["exact"]
    assert answer["items"][0]["id"] == code


@pytest.mark.parametrize("text", ["Maltese", "maltais", "mlt"])
def test_search_finds_a_language(text: str) -> None:
    assert {"kind": "language", "id": "mlt"}.items() <= next(
        hit.items() for hit in run_json("search", text)["items"] if hit["kind"] == "language"
    )


@pytest.mark.parametrize("name", ["MLT", "Malta", "Malte", "mt"])
def test_show_names_a_country_in_every_language(name: str) -> None:
    shown = run_json("show", name)
    assert (shown["id"], shown["label"]["fr"]) == ("MLT", "Malte")
    assert "Malte" in run("show", name)


def test_show_knows_a_code_list_by_the_beginning_of_its_name() -> None:
    assert run_json("show", "iso3166")["id"] == "iso3166-1-alpha-3"
