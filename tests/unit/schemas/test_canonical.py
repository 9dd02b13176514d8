import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.schemas import canonical
from wanderbuch.schemas.canonical import (
    ValueMismatch,
    expectation,
    from_raw,
    marked,
    plain,
    reads_as_another_number,
    to_raw,
    unmarked,
)
from wanderbuch.schemas.credential_type import Attribute, Kind, load_credential_type

QUALIFICATION = load_credential_type("qualification/1.0")
ATTRIBUTES = st.sampled_from(QUALIFICATION.attributes)
ZWNJ, ZWJ = "\u200c", "\u200d"


def attribute(name: str) -> Attribute:
    return QUALIFICATION.attribute(name)


@pytest.mark.parametrize(
    ("name", "given_value", "raw"),
    [
        ("family_name", "  Perera ", "Perera"),
        ("family_name", "Nun\u0303ez", "Nu\u00f1ez"),  # decomposed in, composed out
        ("family_name", "O'Brien-Smith (née Ó)", "O'Brien-Smith (née Ó)"),
        ("family_name", "ශ්‍රී", "ශ්‍රී"),  # Sinhala writes this with a joiner
        ("family_name", f"خانه{ZWNJ}ای", f"خانه{ZWNJ}ای"),
        ("given_names", None, "-"),
        ("given_names", "-", "-"),
        ("credential_id", "20240001", "20240001"),
        ("credential_id", "99999999999999999999", "99999999999999999999"),
        ("credential_id", "0017", "#0017"),
        ("credential_id", " 0017 ", "#0017"),
        ("credential_id", "+17", "#+17"),
        ("credential_id", "1_7", "#1_7"),
        ("credential_id", "-0", "#-0"),
        ("credential_id", "١٧", "#١٧"),
        ("credential_id", "１７", "#１７"),
        ("credential_id", "#0017", "##0017"),  # a number sign of its own is kept
        ("credential_id", "##0017", "###0017"),
        ("credential_id", "#17", "#17"),
        ("credential_id", "# 0017", "# 0017"),
        ("credential_id", "#1 in class", "#1 in class"),
        ("credential_id", "N-0017", "N-0017"),
        ("credential_id", "0" * 64, "#" + "0" * 64),  # the mark does not count for the limit
        ("details", "0" * 4000, "#" + "0" * 4000),
        ("qualification_title", "007", "#007"),
        ("crosswalk_version", "0017", "#0017"),
        ("birth_date", date(1991, 3, 5), "19910305"),
        ("birth_date", "1991-03-05", "19910305"),
        ("birth_date", "19910305", "19910305"),
        ("birth_date", 19910305, "19910305"),
        ("expires_on", None, "99991231"),
        ("expires_on", "9999-12-31", "99991231"),
        ("framework_level", 4, "4"),
        ("framework_level", "4", "4"),
        ("eqf_level", 0, "0"),
        ("eqf_level", "8", "8"),
        ("occupation_isco08", "C7212", "C7212"),
        ("country_of_award", "LKA", "LKA"),
        ("learning_setting", "informal-rpl", "informal-rpl"),
    ],
)
def test_takes_in_what_applications_bring(name: str, given_value: object, raw: str) -> None:
    assert to_raw(attribute(name), given_value) == raw


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("family_name", None, "nothing"),
        ("family_name", "", "empty"),
        ("family_name", "   ", "empty"),
        ("family_name", "-", "without a letter"),
        ("family_name", "A  B", "doubled"),
        ("family_name", "A\u00a0B", "U+00A0"),
        ("family_name", "A\nB", "U+000A"),
        ("family_name", "A\u202eB", "invisible formatting"),
        ("family_name", "A\ud800", "surrogate"),
        ("family_name", "A\ue000", "private-use"),
        ("family_name", "A\u0378", "unassigned"),
        ("family_name", "A\u2028B", "line separator"),
        ("family_name", "A\u2029B", "paragraph separator"),
        ("family_name", f"Perera{ZWJ}", "joins nothing"),
        ("family_name", f"{ZWJ}Perera", "joins nothing"),
        ("family_name", f"Perera{ZWNJ}", "joins nothing"),
        ("family_name", "é" * 101, "longer"),
        ("family_name", "e" * 201, "longer"),
        ("family_name", 7, "whole number"),
        ("family_name", ["Perera"], "type list"),
        ("birth_date", "19910229", "does not exist"),
        ("birth_date", "1991-02-29", "does not exist"),
        ("birth_date", "1991-2-28", "another form"),
        ("birth_date", "5 March 1991", "another form"),
        ("birth_date", "١٩٩١٠٣٠٥", "another form"),
        ("birth_date", "18991231", "outside"),
        ("birth_date", "99991231", "outside"),
        ("birth_date", datetime(1991, 3, 5, tzinfo=UTC), "with a time"),
        ("birth_date", 1991.0305, "fraction"),
        ("birth_date", True, "true or false"),
        ("occupation_isco08", "7212", "bare digits"),
        ("occupation_isco08", "c7212", "other letters"),
        ("occupation_isco08", "C721", "not one of them"),
        ("occupation_isco08", "C7216", "not one of them"),
        ("occupation_isco08", 7212, "whole number"),
        ("country_of_award", "LK", "not one of them"),
        ("country_of_award", "lka", "other letters"),
        ("framework", "NVQ", "not one of them"),
        ("framework_level", "04", "not one of them"),
        ("framework_level", "4.0", "not one of them"),
        ("framework_level", 4.0, "fraction"),
        ("eqf_level", "9", "outside"),
        ("eqf_level", "-1", "outside"),
        ("eqf_level", "04", "plain decimal"),
        ("eqf_level", "", "empty"),
        ("eqf_level", "4.5", "plain decimal"),
        ("eqf_level", "9" * 5000, "outside"),
        ("eqf_level", True, "true or false"),
        ("award_year", "1899", "outside"),
    ],
)
def test_refuses_what_is_no_value_of_the_attribute(name: str, value: object, fault: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        to_raw(attribute(name), value)
    assert fault in caught.value.found
    assert caught.value.expected == expectation(attribute(name))


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("family_name", " Perera"),
        ("family_name", "Nun\u0303ez"),
        ("birth_date", "1991-03-05"),
        ("expires_on", "9999-12-31"),
        ("eqf_min_4", "2"),
        ("eqf_min_4", "01"),
        ("eqf_min_4", "true"),
        ("eqf_min_4", 1),
        ("family_name", None),
    ],
)
def test_reads_back_only_the_canonical_form(name: str, raw: object) -> None:
    with pytest.raises(ValueMismatch):
        from_raw(attribute(name), raw)


@given(ATTRIBUTES, st.one_of(st.none(), st.text(), st.integers(), st.dates(), st.booleans(), st.floats()))
def test_whatever_is_taken_in_is_canonical_and_stays_as_it_is(attribute: Attribute, value: object) -> None:
    try:
        raw = to_raw(attribute, value)
    except ValueMismatch:
        return
    assert to_raw(attribute, from_raw(attribute, raw)) == raw == to_raw(attribute, plain(attribute, raw))


@given(st.text(min_size=1, max_size=60))
def test_two_writings_of_one_text_come_out_the_same(text: str) -> None:
    name = attribute("family_name")
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")} | {f" {text} "}
    try:
        canonical = to_raw(name, text)
    except ValueMismatch:
        return
    assert {to_raw(name, form) for form in forms} == {canonical}


@given(st.integers(), st.text(alphabet="+-_ 0١７", max_size=3))
def test_no_text_passes_for_a_number_it_is_not(number: int, noise: str) -> None:
    for text in (f"{noise}{number}", f"{number}{noise}"):
        try:
            read = int(text)
        except ValueError:
            continue
        assert reads_as_another_number(text) == (text != str(read))


@given(st.dates(), st.dates())
def test_days_keep_their_order_as_numbers(one: date, other: date) -> None:
    day = attribute("awarded_on")
    try:
        first, second = int(to_raw(day, one)), int(to_raw(day, other))
    except ValueMismatch:
        return
    assert (first < second) == (one < other)


def test_every_kind_says_what_it_expects_without_an_invented_bound() -> None:
    for attribute in QUALIFICATION.attributes:
        words = expectation(attribute)
        assert words.isprintable()
        assert (attribute.kind is Kind.LEVEL) == ("framework" in words and "level" in words)
        assert ("or nothing" in words) == (attribute.absent is not None)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("0017", "without the #"),
        ("١٧", "without the #"),
        ("-0", "without the #"),
        ("#" * 64, "without a letter or digit"),
        ("#" * 66, "longer"),
        ("#" + "0" * 65, "longer"),
        ("#+17\n", "control"),
        ("#", "without a letter or digit"),
        ("##", "without a letter or digit"),
    ],
)
def test_refuses_raw_texts_that_stand_for_nothing(raw: str, fault: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        from_raw(attribute("credential_id"), raw)
    assert fault in caught.value.found


@given(st.integers(0, 4), st.text(alphabet="+-_ 0123456789١x", max_size=8))
def test_a_mark_is_taken_off_as_it_was_put_on(marks: int, rest: str) -> None:
    text = "#" * marks + rest
    assert unmarked(marked(text)) == text
    assert not reads_as_another_number(marked(text)) or text != text.strip()


@given(st.text(alphabet="#0123456789 -+aC", min_size=1, max_size=10))
def test_no_two_raw_texts_stand_for_one_text(raw: str) -> None:
    """And what was readable before there were marks still is: only digits behind a mark are read anew."""
    try:
        text = from_raw(attribute("credential_id"), raw)
    except ValueMismatch:
        return
    assert to_raw(attribute("credential_id"), text) == raw
    assert text == raw or raw == f"#{text}"


def test_only_texts_have_marks() -> None:
    assert plain(attribute("credential_id"), "#0017") == "0017"
    assert plain(attribute("credential_id"), "0017") == "0017"
    for name, raw in (("occupation_isco08", "#0017"), ("awarded_on", "#0017"), ("eqf_level", "#0017")):
        assert plain(attribute(name), raw) == raw
        with pytest.raises(ValueMismatch):
            from_raw(attribute(name), raw)


@given(st.text(st.one_of(st.characters(max_codepoint=0x17F), st.sampled_from(" \u00a0\u0301\u200d-"))))
def test_a_text_of_plain_words_has_no_flaw_by_character(raw: str) -> None:
    if canonical._PLAIN_WORDS.fullmatch(raw):
        assert canonical._flaw_by_character(raw) is None


@pytest.mark.parametrize(
    ("raw", "is_plain"),
    [
        ("Bäcker/in EFZ", True),
        ("C++ 17, 2nd edition", True),
        ("ÿ", True),
        ("", False),
        (" ", False),
        ("two  spaces", False),
        (" before", False),
        ("after ", False),
        ("+-*/ ×÷", False),  # no letter or digit
        ("no\u00a0break", False),
        ("soft\u00adhyphen", False),
        ("line\n", False),
        ("e\u0301", False),
        ("Đồng", False),
    ],
)
def test_plain_words_are_told_from_what_is_looked_at_by_character(raw: str, is_plain: bool) -> None:
    assert bool(canonical._PLAIN_WORDS.fullmatch(raw)) is is_plain
