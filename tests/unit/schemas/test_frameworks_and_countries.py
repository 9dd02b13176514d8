import pytest

from wanderbuch.errors import ConfigurationError, CredentialError
from wanderbuch.schemas import frameworks as module
from wanderbuch.schemas.countries import country_name, is_country, iso3166
from wanderbuch.schemas.data_file import read_json
from wanderbuch.schemas.frameworks import EQF_LEVELS, Measure, framework, frameworks
from wanderbuch.schemas.local_text import LocalText

QUALIFICATIONS = Measure.QUALIFICATIONS


def whole(first: int, last: int) -> list[str]:
    return [str(level) for level in range(first, last + 1)]


def test_the_frameworks_have_their_levels_in_order_and_say_where_they_come_from() -> None:
    assert {code: list(known.levels) for code, known in frameworks().items()} == {
        "AQRF": whole(1, 8),
        "CEFR": ["A1", "A2", "B1", "B2", "C1", "C2"],
        "EQF": [str(level) for level in EQF_LEVELS],
        "IN-NSQF": ["1", "2", "2.5", "3", "3.5", "4", "4.5", "5", "5.5", "6", "6.5", "7", "8"],
        "ISCED-2011": whole(0, 8),
        "LK-NVQ": whole(1, 7),
        "SADCQF": whole(1, 10),
        "ZA-NQF": whole(1, 10),
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


def test_a_framework_says_what_its_levels_are_levels_of() -> None:
    others = {code: known.measures for code, known in frameworks().items() if known.measures is not QUALIFICATIONS}
    assert others == {"CEFR": Measure.LANGUAGES, "ISCED-2011": Measure.EDUCATION}


def test_only_a_national_framework_belongs_to_a_country() -> None:
    countries = {code: known.country for code, known in frameworks().items() if known.country}
    assert countries == {"IN-NSQF": "IND", "LK-NVQ": "LKA", "ZA-NQF": "ZAF"}


def test_an_unknown_framework_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CredentialError, match="EQF, IN-NSQF"):
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
