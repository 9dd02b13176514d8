import pytest

from wanderbuch.governance.lists.code_pages import decoded
from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.table import TableError

# What somebody typed -> the code page in which their office saves it.
OFFICES = {
    "windows-1252": "Name;Título\nÉcole des métiers;Collège Saint-Étienne\n",
    "windows-1250": "Nazwa\nSzkoła Zawodowa w Łodzi;Świętokrzyskie;Żółć\n",
    "windows-1251": "Имя;Статус\nКолледж связи;действует\nИнститут сварки;Москва\n",
    "windows-1253": "Όνομα;Σχολή Ναυτικών\nΑθήνα\n",
    "windows-1256": "المعهد الوطني للتدريب;تونس\nالتعليم المهني",
    "cp874": "วิทยาลัยเทคนิค;กรุงเทพ\n",
    "gb18030": "名称;北京技术学院\n上海",
    "cp949": "서울 기술 학교;이름\n",
    "macintosh": "École des métiers;Collège\n",
    "cp850": "École des métiers;Collège\n",
    "cp866": "Колледж связи;Институт\n",
    "koi8-r": "Колледж связи;Институт сварки\n",
}


@pytest.mark.parametrize("page", OFFICES)
def test_the_right_code_page_is_advised_first_with_what_it_makes_of_the_list(page: str) -> None:
    text = OFFICES[page]
    with pytest.raises(TableError) as caught:
        decoded(text.encode(page), None)
    first = caught.value.message.split("it may be: ")[1].split("; --encoding")[0]
    assert page in first
    assert any(word in first for word in text.replace(";", " ").split() if not word.isascii())
    assert decoded(text.encode(page), page)[0] == text


@pytest.mark.parametrize("page", ["cp932", "windows-1254"])
def test_a_page_that_is_easily_taken_for_another_is_among_those_shown(page: str) -> None:
    text = {"cp932": "名前;専門学校\n東京", "windows-1254": "İstanbul Meslek Okulu;Eğitim Şehir\nçağdaş"}[page]
    with pytest.raises(TableError) as caught:
        decoded(text.encode(page), None)
    assert f"--encoding {page}" in caught.value.message


def test_every_page_that_is_advised_can_be_chosen() -> None:
    for page, text in OFFICES.items():
        with pytest.raises(TableError) as caught:
            decoded(text.encode(page), None)
        for advice in caught.value.message.split("--encoding ")[1:]:
            decoded(text.encode(page), advice.split()[0])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_bytes_that_say_what_they_are_need_no_advice(encoding: str) -> None:
    text = "name\nÉcole ශ්‍රී"
    assert decoded(text.encode(encoding), None)[0] == text


@pytest.mark.parametrize("name", ["rot13", "zip", "idna", "punycode", "unicode_escape", "utf-7", "klingon", "", "a\0b"])
def test_what_is_no_encoding_of_a_list_is_refused(name: str) -> None:
    with pytest.raises(TableError, match="name of an encoding"):
        decoded(b"name", name)


def test_a_choice_against_what_the_bytes_say_is_refused() -> None:
    with pytest.raises(TableError, match="is UTF-8"):
        decoded("École".encode(), "windows-1252")
    with pytest.raises(TableError, match="says that it is utf-16-le"):
        decoded("École".encode("utf-16"), "windows-1252")
    assert decoded(b"plain", "windows-1252") == ("plain", "")


def test_a_choice_shows_what_it_reads() -> None:
    assert "'École'" in decoded("École".encode("cp1252"), "windows-1252")[1]


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("name,title\nA,b", ("name", "title")),
        ("name;title\nA;b,c\nD;e,f", ("name", "title")),
        ("name\ttitle\nA\tb, c; d", ("name", "title")),
        ("name|title\nA|b", ("name", "title")),
        ('name,title\n"A;b;c",d\n"e;f",g', ("name", "title")),
        ("Ministry of Skills, Colombo\nname;title;level\nA;b;1\nC;d;2", ("name", "title", "level")),
        ("name\nA", ("name",)),
        ("sep=|\nname|title\nA|b", ("name", "title")),
        ("SEP=;\r\nname;title\r\nA;b,c", ("name", "title")),
        ("name;title\n" + "A;b, c\n" * 50, ("name", "title")),
    ],
)
def test_finds_what_divides_the_cells(text: str, headers: tuple[str, ...]) -> None:
    known = {"name", "title", "level"}.__contains__
    assert read_list(text.encode(), known=known).headers == headers


@pytest.mark.parametrize("text", ["name,a;b\nx", "a,b;c\nd,e;f"])
def test_asks_where_two_signs_may_divide_the_cells(text: str) -> None:
    with pytest.raises(TableError, match="several separators"):
        read_list(text.encode())


def test_rows_are_counted_as_a_spreadsheet_shows_them() -> None:
    text = 'sep=;\nname;title\n\n"A\nB";x\nC;y\n'
    assert [row.number for row in read_list(text.encode()).rows] == [3, 4]


def test_a_cell_that_protects_its_text_is_that_text_and_a_formula_is_an_error() -> None:
    table = read_list(b'name,no\nA,"=""0142"""\nB,=1+1\nC,=A1')
    assert table.rows[0].cells == ("A", "0142")
    assert [(finding.kind, finding.row, finding.word) for finding in table.findings] == [
        ("formula-in-text", 3, "error"), ("formula-in-text", 4, "error")
    ]  # fmt: skip


def test_line_ends_of_every_kind_end_a_row() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert len(read_list(end.join(("name,title", "A,b", "C,d")).encode()).rows) == 2
    assert len(read_list(b"name,title\r\nA,b\nC,d\rE,f").rows) == 3


@pytest.mark.parametrize("separator", ["\n", '"', "\r"])
def test_a_sign_that_cannot_divide_is_refused(separator: str) -> None:
    with pytest.raises(TableError):
        read_list(b"name,title\nA,b", Choices(separator=separator))


@pytest.mark.parametrize(("answers", "word"), [({}, "question"), ({"swallowed-rows": "take"}, "warning")])
def test_rows_that_an_open_quote_swallowed_are_asked_about(answers: dict[str, str], word: str) -> None:
    lines = [
        "Institution,No,Status",
        'Matara,"TA-1,active',
        "Galle,TA-2,suspended",
        'Kandy,TA-3",active',
        "Jaffna,TA-4,active",
    ]
    table = read_list("\n".join(lines).encode(), Choices(answers=answers))
    assert [
        (finding.word, finding.row, finding.position) for finding in table.findings if finding.kind == "swallowed-rows"
    ] == [(word, 2, 1)]


def test_an_address_of_two_lines_is_one_cell() -> None:
    table = read_list(b'Institution,Address,No,Status\nMatara,"12, Main Street,\nMatara",TA-1,active\n')
    assert [finding for finding in table.findings if finding.word == "question"] == []
