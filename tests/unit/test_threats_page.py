"""The page of threats names all eighteen, and every test that it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threats.md").read_text()
OWN = "tests/abuse/test_recognised_entities.py"
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def named(section: str) -> set[tuple[str, str]]:
    return set(NAMED.findall(section))


def written(path: str) -> set[str]:
    return set(re.findall(r"^ *(?:async )?def (test_\w+)\(", (ROOT / path).read_text(), flags=re.MULTILINE))


def test_all_eighteen_are_there_in_their_order() -> None:
    assert [section.split()[0] for section in SECTIONS] == [f"T{number}" for number in range(1, 19)]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split()[0])
def test_each_says_what_it_is_what_stops_it_and_which_tests_show_it(section: str) -> None:
    lines = [line for line in section.splitlines()[1:] if line]
    assert [line.split(":")[0] for line in lines[:2]] == ["- Here", "- Stopped by"]
    assert {line.split(":")[0] for line in lines[2:]} <= {"- Shown by", "- No test"}
    assert len(lines) > 2
    assert all(named(line) for line in lines if line.startswith("- Shown by"))
    assert section.count("::") == len(named(section))  # each in the form that is checked, and once


def test_every_test_that_is_named_exists() -> None:
    assert {(path, name) for path, name in named(PAGE) if name not in written(path)} == set()
    assert "test_that_nobody_wrote" not in written(OWN)


def test_every_test_of_a_threat_is_named_with_it() -> None:
    by_threat = {section.split()[0].lower(): named(section) for section in SECTIONS}
    own = {name: name.split("_")[1] for name in written(OWN) if re.match(r"test_t[0-9]+_", name)}
    assert len(own) > 10
    assert {name for name, threat in own.items() if (OWN, name) not in by_threat[threat]} == set()


def test_the_page_stays_short() -> None:
    assert len(PAGE.splitlines()) < 120


def test_every_test_file_that_the_security_page_names_exists() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    whole = set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`", page))
    alone = set(re.findall(r"`(test_\w+\.py)`", page))
    assert len(whole) > 20
    assert {path for path in whole if not (ROOT / path).exists()} == set()
    assert {name for name in alone if not list((ROOT / "tests").rglob(name))} == set()
