import csv
import zipfile
from pathlib import Path

import pytest

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.data.make_isco08 import ISCO_URI, MEMBER, main, read_groups
from wanderbuch.schemas.occupations import (
    OccupationCode,
    isco08,
    major_groups,
    nearest,
    suggestion,
    unit_group_codes,
    unit_groups,
)

TABLE = Path(__file__).parents[3] / "schemas" / "data" / "isco08.csv"


def test_isco08_is_complete() -> None:
    by_digits = [sum(len(code) - 1 == digits for code in isco08().codes) for digits in (1, 2, 3, 4)]
    assert by_digits == [10, 43, 130, 436]
    assert len(isco08().codes) == 619


def test_every_code_but_a_major_group_hangs_on_a_code_that_exists() -> None:
    for code in map(OccupationCode.parse, isco08().codes):
        assert code.parent is None or (code.parent in isco08().codes and code in code.parent.children)


def test_the_children_of_the_major_groups_reach_every_unit_group() -> None:
    reached, waiting = set(), list(major_groups())
    while waiting:
        code = waiting.pop()
        waiting += code.children
        if not code.children:
            reached.add(code)
    assert reached == set(unit_groups())


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("C0110", "Commissioned armed forces officers"),
        ("C2221", "Nursing professionals"),
        ("C5120", "Cooks"),
        ("C7212", "Welders and flamecutters"),
        ("C8332", "Heavy truck and lorry drivers"),
        ("C9313", "Building construction labourers"),
    ],
)
def test_codes_have_their_titles(code: str, label: str) -> None:
    assert OccupationCode.parse(code).label() == label
    assert OccupationCode.parse(code).label("si") == label  # no Sinhala yet: English stands in
    assert OccupationCode.parse(code).uri == f"http://data.europa.eu/esco/isco/{code}"


def test_a_welder_is_within_the_metal_trades_and_not_within_the_cooks() -> None:
    welder = OccupationCode.parse("C7212")
    assert welder.path == ("C7", "C72", "C721", "C7212")
    assert all(welder.is_within(group) for group in welder.path)
    assert not welder.is_within(OccupationCode.parse("C5120"))
    assert not OccupationCode.parse("C72").is_within(welder)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("7212", "bare digits"),
        ("c7212", "small letter"),
        (" C7212", "spaces"),
        ("C72120", "another form"),
        ("C٧٢١٢", "another form"),
        ("C7212\n", "spaces"),
        ("C7216", "does not have"),
        ("C0", None),
        ("C", "another form"),
        ("", "another form"),
        (7212, "not text"),
    ],
)
def test_only_codes_in_canonical_form_that_exist_are_parsed(text: object, fault: str | None) -> None:
    if fault is None:
        assert OccupationCode.parse(text) == text
    else:
        with pytest.raises(CredentialError, match=fault):
            OccupationCode.parse(text)


def wheel_with(groups: dict[str, str], path: Path) -> Path:
    rows = [f'{ISCO_URI}{code},"{label}  More of the text."\n' for code, label in groups.items()]
    other = 'http://data.europa.eu/esco/occupation/1,"welder  joins metal"\n'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, "id,description\n" + other + "".join(rows))
    return path


def groups_in(language: str, folder: Path) -> Path:
    """Write the titles of a language as ESCO's download has them."""
    path = folder / f"ISCOGroups_{language}.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("conceptType", "conceptUri", "code", "preferredLabel"))
        for code, label in reversed(list(isco08().codes.items())):
            rows.writerow(("ISCOGroup", ISCO_URI + code, code[1:], label.by_language[language].replace("'", "’")))
    return path


def test_the_table_is_what_its_script_makes(tmp_path: Path) -> None:
    groups = {code: str(label) for code, label in reversed(list(isco08().codes.items()))}
    others = [str(groups_in(language, tmp_path)) for language in ("fr", "es")]
    main(str(wheel_with(groups, tmp_path / "esco.whl")), str(tmp_path / "made.csv"), *others)
    assert (tmp_path / "made.csv").read_bytes() == TABLE.read_bytes()


@pytest.mark.parametrize(
    ("language", "title"), [("es", "Soldadores y oxicortadores"), ("fr", "Soudeurs et oxycoupeurs")]
)
def test_a_language_that_esco_has_has_every_title(language: str, title: str) -> None:
    assert OccupationCode.parse("C7212").label(language) == title
    assert all(label.by_language.get(language) for label in isco08().codes.values())


def test_the_script_refuses_a_list_without_one_code(tmp_path: Path) -> None:
    groups = {code: str(label) for code, label in isco08().codes.items() if code != "C7212"}
    with pytest.raises(ValueError, match="435"):
        read_groups(wheel_with(groups, tmp_path / "esco.whl"))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("C7299", ["C7234", "C7233", "C7232"]),
        ("C7219", ["C7215", "C7214", "C7213"]),
        ("C79", ["C75", "C74", "C73"]),
        ("C72123", ["C7212"]),
        ("7212", ["C7212"]),
        (" c7212 ", ["C7212"]),
        ("\uff23\uff17\uff12\uff11\uff12", ["C7212"]),  # full-width letters and digits
        ("110", ["C0110"]),  # a zero that a spreadsheet took
        ("11", ["C11", "C011"]),
        ("C0199", ["C0110"]),
        ("welder", []),
        ("", []),
        ("9" * 100, []),
        (7212, []),
        (None, []),
    ],
)
def test_the_nearest_codes_exist_and_are_named(text: object, codes: list[str]) -> None:
    assert list(nearest(text)) == codes
    assert all(code in isco08().codes for code in nearest(text))
    assert all(f"{code} ({OccupationCode(code).label()})" in suggestion(text) for code in codes)


def test_what_does_not_exist_is_refused_with_the_nearest() -> None:
    for text in ("C7299", "7212", "c7212"):
        with pytest.raises(CredentialError) as refused:
            OccupationCode.parse(text)
        assert all(code in str(refused.value.hint) for code in nearest(text))


def test_unit_groups_are_told_from_groups_and_from_what_does_not_exist() -> None:
    assert "C7212" in unit_group_codes()
    assert not {"C721", "C72", "C7", "C7299"} & unit_group_codes()
