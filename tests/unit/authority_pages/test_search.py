import json
import unicodedata
from datetime import date

import pytest
from tests.unit.authority_pages.place import AUTHORITY, GALLE, HOTEL, MALTA, REFUSED, SHIPYARD, WELDERS, full_payload

from wanderbuch.agents.authority.pages.search import MAX_PAGES, PAGE_SIZE, Query, SearchTables, words_of
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import covers_code
from wanderbuch.governance.form.validation import parse_file


@pytest.fixture(scope="module")
def file() -> GovernanceFile:
    return parse_file(json.dumps(full_payload()).encode())


@pytest.fixture(scope="module")
def tables(file: GovernanceFile) -> SearchTables:
    return SearchTables(file)


def every(tables: SearchTables, query: Query) -> list[Did]:
    dids: list[Did] = []
    for page in range(1, MAX_PAGES):
        answer = tables.find(query, page)
        dids += answer.dids
        if not answer.has_next:
            break
    return dids


def slowly(file: GovernanceFile, occupation: str, country: str) -> set[Did]:
    """What `find` must find, by reading everything."""
    return {
        accreditation.issuer
        for accreditation in file.accreditations
        if (not country or country in accreditation.jurisdictions)
        and (
            not occupation
            or any(code.startswith(occupation) or occupation.startswith(code) for code in accreditation.occupations)
        )
        and not (occupation and covers_code(file.index.exclusions.get(accreditation.issuer, ()), occupation))
    }


@pytest.mark.parametrize("country", ["", "LKA", "MLT", "KEN"])
@pytest.mark.parametrize("occupation", ["", "C7", "C71", "C72", "C7212", "C7213", "C7126", "C5120", "C9", "C7411"])
def test_finds_what_reading_everything_finds(
    file: GovernanceFile, tables: SearchTables, occupation: str, country: str
) -> None:
    dids = every(tables, Query("", occupation, country))
    assert len(dids) == len(set(dids))
    if occupation or country:
        assert set(dids) == slowly(file, occupation, country)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("colombo", [WELDERS]),
        ("COLOMBO weld", [WELDERS]),
        ("welding colombo", [WELDERS]),
        ("Kandy Hôtel", [HOTEL]),
        ("jaffna", [REFUSED]),
        ("valletta", [SHIPYARD]),
        ("colombo kandy", []),
        ("olombo", []),
        ("c", []),
        ("centre 30", None),
        (WELDERS, [WELDERS]),
        (WELDERS + "x", []),
        (AUTHORITY, []),
        (MALTA, []),
        ("\u202e", None),
    ],
)
def test_finds_names_by_the_beginnings_of_their_words(
    tables: SearchTables, name: str, expected: list[Did] | None
) -> None:
    dids = every(tables, Query(name))
    if expected is None:
        assert len(dids) in {1, tables.count}
    else:
        assert dids == expected


def test_occupation_and_country_must_be_one_accreditation() -> None:
    payload = full_payload()
    accreditations = payload["participants"]["entries"]["https://w3id.org/wanderbuch/governance/1.0/accreditation.json"]
    own = accreditations[HOTEL]["accreditations"]
    own.append({**own[0], "id": "TA-2020-0018", "occupations": ["C9411"], "jurisdictions": ["KEN"]})
    tables = SearchTables(parse_file(json.dumps(payload).encode()))
    assert every(tables, Query("", "C9411", "KEN")) == [HOTEL]
    assert every(tables, Query("", "C5120", "KEN")) == []
    assert every(tables, Query("", "C9411", "LKA")) == []


def test_pages_follow_one_another_in_the_order_of_names(file: GovernanceFile) -> None:
    tables = SearchTables(file)
    first, second = tables.find(Query("", "C71", "LKA")), tables.find(Query("", "C71", "LKA"), 2)
    assert (len(first.dids), first.has_next, first.is_all) == (PAGE_SIZE, True, False)
    assert (len(second.dids), second.has_next, second.is_all, second.known) == (11, False, True, 31)
    assert not set(first.dids) & set(second.dids)
    assert tables.find(Query("", "C71", "LKA"), 99).dids == ()
    assert tables.find(Query("district"), -5).page == 1


def test_a_page_costs_what_it_shows_and_not_what_there_is(
    tables: SearchTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[Did] = []
    real = SearchTables._fits

    def counted(self: SearchTables, did: Did, query: Query) -> bool:
        looked_at.append(did)
        return real(self, did, query)

    monkeypatch.setattr(SearchTables, "_fits", counted)
    fresh = SearchTables(tables._file)
    fresh.find(Query("", "C71"))
    assert len(looked_at) == PAGE_SIZE + 1
    fresh.find(Query("", "C71"))
    assert len(looked_at) == PAGE_SIZE + 1


def test_what_ends_soon_is_found_by_its_day(tables: SearchTables) -> None:
    assert tables.endings(date(2026, 11, 22), date(2027, 3, 1), 50) == []
    soon = tables.endings(date(2028, 12, 1), date(2029, 1, 1), 7)
    assert len(soon) == 7
    assert {ending.last for ending in soon} == {date(2028, 12, 31)}


def test_words_keep_the_signs_of_their_scripts() -> None:
    assert len(words_of("කොළඹ පුහුණු අධ්\u200dයාපන")) == 3
    assert words_of("අධ්\u200dයාපන") == words_of("අධ්යාපන")
    assert words_of("தொழில்-மையம்") == [unicodedata.normalize("NFKD", word) for word in ("தொழில்", "மையம்")]
    assert words_of("مَركَز") == ["مركز"]
    assert words_of("École (Zürich)") == ["ecole", "zurich"]


def test_galle_is_listed_with_both_its_trades(tables: SearchTables) -> None:
    assert GALLE in every(tables, Query("", "C7126"))
    assert GALLE in every(tables, Query("", "C74"))
    assert GALLE not in every(tables, Query("", "C72"))
