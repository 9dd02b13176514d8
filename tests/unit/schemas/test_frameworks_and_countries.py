import pytest

from wanderbuch.errors import ConfigurationError, CredentialError
from wanderbuch.schemas import frameworks as module
from wanderbuch.schemas.countries import country_name, is_country, iso3166
from wanderbuch.schemas.data_file import read_json
from wanderbuch.schemas.frameworks import EQF_LEVELS, framework, frameworks
from wanderbuch.schemas.local_text import LocalText


def test_the_frameworks_have_their_levels_in_order_and_say_where_they_come_from() -> None:
    assert {code: list(known.levels) for code, known in frameworks().items()} == {
        "EQF": [str(level) for level in EQF_LEVELS],
        "LK-NVQ": ["1", "2", "3", "4", "5", "6", "7"],
    }
    for known in frameworks().values():
        assert [level.rank for level in known.levels.values()] == list(range(1, len(known.levels) + 1))
        assert known.sources
        assert known.country is None or is_country(known.country)


def test_a_framework_with_a_level_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    document = read_json("framework_eqf.json")
    document["levels"].append(document["levels"][0])
    monkeypatch.setattr(module, "read_json", lambda name: document)
    with pytest.raises(ConfigurationError, match="each level once"):
        module._load("framework_eqf.json")


def test_an_unknown_framework_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CredentialError, match="EQF, LK-NVQ"):
        framework("NVQ")


def test_all_officially_assigned_countries_are_there() -> None:
    assert len(iso3166().codes) == 249
    assert {code: country_name(code) for code in ("LKA", "MLT", "IRL")} == {
        "LKA": "Sri Lanka",
        "MLT": "Malta",
        "IRL": "Ireland",
    }


@pytest.mark.parametrize("code", ["LK", "lka", "XXX", "ZAR", "", None, 144])
def test_what_is_no_country_is_refused(code: object) -> None:
    assert not is_country(code)
    with pytest.raises(CredentialError, match="LKA"):
        country_name(code)  # type: ignore[arg-type]


def test_a_text_falls_back_to_the_primary_language_and_then_to_english() -> None:
    text = LocalText({"en": "Welder", "si": "වෑද්දුම්කරු"})
    assert text.in_language("si-LK") == "වෑද්දුම්කරු"
    assert text.in_language("ta") == "Welder"
    assert hash(text) == hash(LocalText({"si": "වෑද්දුම්කරු", "en": "Welder"}))


def test_a_text_without_english_is_refused() -> None:
    with pytest.raises(ValueError, match="English"):
        LocalText({"si": "වෑද්දුම්කරු"})
