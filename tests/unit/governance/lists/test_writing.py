# ruff: noqa: E501 - a row of a list is one line
import pytest

from wanderbuch.governance.lists.writing import drawn_as, read_text


def kinds(text: str) -> list[str]:
    return [remark.kind for remark in read_text(text)[1]]


@pytest.mark.parametrize(
    "text",
    ["Colombo", "École des métiers", "São João", "«CAFÉ»", "CAFÉ”", "d’Été", "“PEÑ”", "Колледж «Связь»", "Рік України",
     "Szkoła łąka", "Güzel İş", "Đà Nẵng", "ÅÄÖ ÆØÅ", "Œuvre – «été»", "O’Neil’s “Café”", "المعهد الوطني", "ශ්\u200dරී ලංකා",
     "क्\u200dष", "می\u200cخواهم", "ආයතනය", "சென்னை", "+94 11 234", "https://x.test/?a=b", "Why? Because", "東京", "A & B", "50 %"],
)  # fmt: skip
def test_a_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert read_text(text) == (text, ())


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Ã‰cole des mÃ©tiers", "École des métiers"),
        ("CollÃ¨ge", "Collège"),
        ("Ã\xa0 Paris", "à Paris"),
        ("SchÃ¼ler", "Schüler"),
        ("RenÃ©", "René"),
        ("Donâ€™t", "Don’t"),
        ("РљРѕР»Р»РµРґР¶", "Колледж"),
        ("ÐšÐ¾Ð»Ð»ÐµÐ´Ð¶", "Колледж"),
        ("à¶†à¶ºà¶­à¶±", "ආයතන"),
        ("Ø§Ù„Ù…Ø¹Ù‡Ø¯", "المعهد"),
        ("Ă©cole", "école"),
        ("√âcole", "École"),
        ("├ëcole", "École"),
        ("Ä°stanbul", "İstanbul"),
        ("Ã\x89cole", "École"),
    ],
)
def test_text_that_was_decoded_twice_is_an_error_that_says_what_was_meant(text: str, meant: str) -> None:
    (remark,) = read_text(text)[1]
    assert remark.blocks
    assert remark.kind in ("decoded-twice", "letters-lost")
    if remark.kind == "decoded-twice":
        assert meant in remark.message


@pytest.mark.parametrize("text", ["\ufffdcole", "a\ue000b", "x\x91y", "\U00018cd6", "\ud800"])
def test_a_letter_that_is_none_is_an_error(text: str) -> None:
    assert kinds(text) == ["letters-lost"]


@pytest.mark.parametrize(
    "text", ["#N/A", "#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "Err:502", "#####", "#n/a"]
)  # fmt: skip
def test_a_mistake_of_a_spreadsheet_is_an_error(text: str) -> None:
    assert "error-value" in kinds(text)


def test_a_number_that_a_spreadsheet_shortened_is_an_error_and_a_code_is_not() -> None:
    assert kinds("2.02401E+11") == kinds("1E+5") == ["shortened"]
    assert kinds("1E5") == kinds("TA+11") == []


@pytest.mark.parametrize("text", ["?cole des m?tiers", "Coll?ge", "????????", "Genève Caf???"])
def test_question_marks_for_letters_are_asked_about(text: str) -> None:
    assert kinds(text) == ["question-marks"]


@pytest.mark.parametrize(
    ("text", "meant", "kind"),
    [
        ("Col\u00adombo\u200b", "Colombo", "marks-removed"),
        ("\u200f\u202aColombo\u202c\ufeff", "Colombo", "marks-removed"),
        ("Colombo\U000e0041", "Colombo", "marks-removed"),
        ("Co\x07lombo", "Colombo", "marks-removed"),
        ("Colombo\ufe0f", "Colombo", "marks-removed"),
        ("Col\u200dombo", "Colombo", "marks-removed"),
        ("ශ්\u200dරී\u200d", "ශ්\u200dරී", "marks-removed"),
        ("Colombo\u00a0Centre", "Colombo Centre", "spaces-changed"),
        ("Colombo\u3000Centre", "Colombo Centre", "spaces-changed"),
        ("Colombo\tCentre", "Colombo Centre", "spaces-changed"),
        ("E\u0301cole", "École", "accents-joined"),
        ("Cоlombo", "Cоlombo", "look-alike"),
        ("СОМА School", "СОМА School", "look-alike"),
    ],
)
def test_what_nobody_sees_is_removed_and_told(text: str, meant: str, kind: str) -> None:
    cleaned, remarks = read_text(text)
    assert cleaned == meant
    assert [remark.kind for remark in remarks] == [kind]
    assert not remarks[0].blocks


def test_line_breaks_stay_for_whoever_reads_the_value() -> None:
    assert read_text("a\r\nb\rc\u2028d")[0] == "a\nb\nc\nd"


def test_names_that_look_alike_are_one_and_names_of_other_scripts_keep_their_marks() -> None:
    assert (
        drawn_as("Colombo Welding-Centre") == drawn_as("Cоlombo  welding centre") == drawn_as("COLOMBO WELDING CENTRE")
    )
    assert drawn_as("École") == drawn_as("Ecole")
    assert drawn_as("දිනය") != drawn_as("දුනය")


@pytest.mark.parametrize(
    ("text", "code"),
    [("職業訓練", "iso2022_jp"), ("직업훈련", "iso2022_kr"), ("职业培训", "hz"), ("École", "utf-7"), ("मातर", "utf-7")],
)
def test_letters_in_a_code_of_seven_bits_are_an_error(text: str, code: str) -> None:
    (remark,) = read_text(f"{text} 12".encode(code).decode("ascii"))[1]
    assert remark.blocks


@pytest.mark.parametrize("text", ["+94-11-234", "A+B-C", "+941-123", "~12", "C++-", "a~{b}", "+ADR-"])
def test_signs_that_only_look_like_such_a_code_are_not(text: str) -> None:
    assert read_text(text) == (text, ())


@pytest.mark.parametrize("sign", ["\x0b", "\x0c", "\x85", "\u2028"])
def test_a_line_break_of_another_program_does_not_glue_words(sign: str) -> None:
    assert read_text(f"Matara{sign}Welding")[0] == "Matara\nWelding"


@pytest.mark.parametrize("mark", ["\u202e", "\u202d"])
def test_letters_that_are_shown_in_another_order_are_an_error(mark: str) -> None:
    (remark,) = read_text(f"{mark}loohcS gnidleW")[1]
    assert (remark.kind, remark.blocks) == ("letters-turned", True)
    (harmless,) = read_text("\u202bالمدرسة\u202c")[1]
    assert not harmless.blocks
