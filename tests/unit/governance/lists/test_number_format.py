import pytest

from wanderbuch.governance.lists.number_format import shown_number, shown_text


@pytest.mark.parametrize(
    ("stored", "code", "text", "kind"),
    [
        ("3", "General", "3", None),
        ("3.0", "General", "3", None),
        ("3.0", "G/通用格式", "3", None),
        ("142", "@", "142", None),
        ("45383", 'yyyy"年"m"月"d"日"', "2024-04-01", None),
        ("1234", "_-* #,##0_-;-* #,##0_-", "1,234", "shown-as"),
        ("0.30000000000000004", "General", "0.3", None),
        ("1e11", "General", "100000000000", None),
        ("142", "0000", "0142", "shown-as"),
        ("142", "General", "142", None),
        ("5", '"TVEC-"0000', "TVEC-0005", "shown-as"),
        ("5", "\\T\\A0", "TA5", "shown-as"),
        ("123456789", "000-000-000", "123-456-789", "shown-as"),
        ("1234567", "#,##0", "1,234,567", "shown-as"),
        ("12", "#,##0", "12", None),
        ("3", "0.0", "3.0", "shown-as"),
        ("0.5", "0%", "50%", "shown-as"),
        ("5", "#,##0.00 [$€-407]", "5.00 €", "shown-as"),
        ("2.5", "0", "3", "rounded"),
        ("0.004", "0.00", "0.00", "rounded"),
        ("0.125", "0%", "13%", "rounded"),
        ("1", '"Active";;"Suspended"', "Active", "shown-as"),
        ("0", '"Active";;"Suspended"', "Suspended", "shown-as"),
        ("-1", '"Active";;"Suspended"', "-1", "invisible-text"),
        ("5", ";;;", "5", "invisible-text"),
        ("5", "[White]0", "5", "invisible-text"),
        ("5", "[Red]0", "5", None),
        ("5", "[Color2]0", "5", "invisible-text"),
        ("5", "[Color 5]0", "5", None),
        ("12345678901234567", "General", "12345678901234600", "digits-lost"),
        ("123456789012345", "General", "123456789012345", None),
        ("45383", "d/m/yyyy", "2024-04-01", None),
        ("45383", "[$-409]d-mmm-yy;@", "2024-04-01", None),
        ("45383", "[$-F800]dddd, mmmm dd, yyyy", "2024-04-01", None),
        ("45383.5", "d/m/yyyy", "2024-04-01", "time-hidden"),
        ("45383.5", "d/m/yyyy h:mm", "2024-04-01 12:00:00", None),
        ("45383", "mmm yyyy", "2024-04-01", "partial-date"),
        ("45383", "d mmm", "2024-04-01", "partial-date"),
        ("45383", "yyyy", "2024-04-01", "partial-date"),
        ("45383", "[$-107041E]d mmm yyyy", "45383", "number-format"),
        ("45383", "[$-1070000]d/mm/yyyy", "45383", "number-format"),
        ("45383", "bbbb", "45383", "number-format"),
        ("0.5", "h:mm", "0.5", "number-format"),
        ("30", "d/m/yyyy", "30", "number-format"),
        ("60", "d/m/yyyy", "60", "number-format"),
        ("-1", "d/m/yyyy", "-1", "number-format"),
        ("2958466", "d/m/yyyy", "2958466", "number-format"),
        ("12", "# ?/?", "12", "number-format"),
        ("12345", "0,", "12345", "number-format"),
        ("5", "[<10]0;00", "5", "number-format"),
        ("5", "0.00E+00", "5", "number-format"),
        ("nan", "0", "nan", "number-format"),
        ("1e999", "0", "1e999", "number-format"),
        ("x", "0", "x", "number-format"),
    ],
)
def test_a_number_is_read_as_it_is_shown(stored: str, code: str, text: str, kind: str | None) -> None:
    shown = shown_number(stored, code)
    assert (shown.text, shown.kind) == (text, kind)


def test_days_are_counted_from_where_the_workbook_begins() -> None:
    assert shown_number("0", "d/m/yyyy", date1904=True).text == "1904-01-01"
    assert shown_number("43921", "d/m/yyyy", date1904=True).text == "2024-04-01"
    assert shown_number("61", "d/m/yyyy").text == "1900-03-01"


@pytest.mark.parametrize(
    ("text", "code", "shown", "kind"),
    [
        ("Active", "@", "Active", None),
        ("Active", "General", "Active", None),
        ("Active", "0;0;0", "Active", None),
        ("Active", ";;;", "Active", "invisible-text"),
        ("Active", '0;0;0;"Suspended"', "Suspended", "shown-as"),
        ("Galle", '"Centre of "@', "Centre of Galle", "shown-as"),
    ],
)
def test_a_text_is_read_as_it_is_shown(text: str, code: str, shown: str, kind: str | None) -> None:
    shown_number = shown_text(text, code)
    assert (shown_number.text, shown_number.kind) == (shown, kind)
