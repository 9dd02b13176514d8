import pytest

from wanderbuch.agents.site.safe_text import code_text, is_followable, link, plain, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Colombo\u202e ertneC", "Colombo ertneC"),
        ("a\u2066b\u2069\u200fc\u061c", "abc"),
        ("a\u0000b\u0007", "ab"),
        ("two\nlines\tand  more ", "two lines and more"),
        ("\ufeffx\u00ad", "x"),
        ("ශ්‍රී ලංකා", "ශ්‍රී ලංකා"),
        ("می‌خواهم", "می‌خواهم"),
        ("مركز", "مركز"),
        ("\ue000\U000e0041x", "x"),
    ],
)
def test_characters_that_turn_or_hide_text_are_taken_out(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_name_is_escaped_and_kept_apart() -> None:
    assert shown("<b>&\u202e") == "<bdi>&lt;b&gt;&amp;</bdi>"
    assert code_text("did:x:\u202ey") == '<bdi dir="ltr" class="code">did:x:y</bdi>'
    assert len(plain("x" * 10_000)) == 2_000


@pytest.mark.parametrize(
    ("address", "followable"),
    [
        ("https://a.example/b?c=1", True),
        ("http://a.example/", True),
        ("mailto:appeals@a.example", True),
        ("tel:+94112345678", True),
        ("javascript:alert(1)", False),
        ("JAVASCRIPT:alert(1)", False),
        ("data:text/html,x", False),
        ("https://user@a.example/", False),
        ("https:///b", False),
        ("https://[::1/", False),
        ("https://a.example/ b", False),
        ("https://a.example/\u202e", False),
        ("//a.example", False),
        ("urn:x:y", False),
        ("", False),
        (None, False),
    ],
)
def test_only_safe_addresses_become_links(address: object, followable: bool) -> None:
    assert is_followable(address) is followable
    assert ("<a " in link(address)) is followable


def test_a_link_cannot_be_broken_out_of() -> None:
    made = link('https://a.example/"onclick="x')
    assert '"onclick' not in made
