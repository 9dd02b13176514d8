"""An operator learns of a bad certificate before the visitors do."""

from datetime import timedelta

import pytest
from tests.unit.runtime.authorities import HOST, NOW, Signer

from wanderbuch.agents.runtime.certificate_rules import certificate_concerns, is_name_of

ROOT = Signer("Root")
MINUTE = timedelta(minutes=1)
DAYS_14 = timedelta(days=14)


@pytest.mark.parametrize(
    ("name", "host", "fits"),
    [
        ("centre.example.org", "centre.example.org", True),
        ("Centre.Example.ORG", "centre.example.org", True),
        ("centre.example.org.", "centre.example.org", True),
        ("*.example.org", "centre.example.org", True),
        ("*.EXAMPLE.org", "centre.example.org", True),
        ("xn--mnchen-3ya.example.org", "xn--mnchen-3ya.example.org", True),
        ("*.example.org", "xn--mnchen-3ya.example.org", True),
        ("*.xn--mnchen-3ya.de", "centre.xn--mnchen-3ya.de", True),
        ("example.org", "centre.example.org", False),
        ("other.example.org", "centre.example.org", False),
        ("*.example.org", "example.org", False),
        ("*.example.org", "a.centre.example.org", False),
        ("*.org", "example.org", False),
        ("*", "centre", False),
        ("*", "centre.example.org", False),
        ("c*.example.org", "centre.example.org", False),
        ("*e.example.org", "centre.example.org", False),
        ("centre.*.org", "centre.example.org", False),
        ("*.*.org", "centre.example.org", False),
        ("xn--*.example.org", "xn--mnchen-3ya.example.org", False),
        ("münchen.example.org", "xn--mnchen-3ya.example.org", False),
        ("centre.example.org.evil.test", "centre.example.org", False),
        ("", "centre.example.org", False),
    ],
)
def test_a_name_of_a_certificate_stands_for_a_host(name: str, host: str, fits: bool) -> None:
    assert is_name_of(name, host) is fits


def codes(*chain: object, at: timedelta = timedelta(0)) -> list[str]:
    return [certificate_concern.code for certificate_concern in certificate_concerns(chain, host=HOST, at=NOW + at)]  # type: ignore[arg-type]


@pytest.mark.parametrize("names", [(HOST,), ("other.test", HOST), ("*.example.org",)])
def test_a_good_certificate_is_no_concern(names: tuple[str, ...]) -> None:
    assert codes(ROOT.certify(*names).certificate) == []


@pytest.mark.parametrize("names", [("other.test",), ("*.centre.example.org",), ()])
def test_one_for_another_host_is(names: tuple[str, ...]) -> None:
    """The common name does not count, whatever it says."""
    assert codes(ROOT.certify(*names, common_name=HOST).certificate) == ["tls.host"]


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        (-timedelta(days=1), DAYS_14 + MINUTE, []),
        (-timedelta(days=1), DAYS_14, ["tls.ends_soon"]),
        (-timedelta(days=1), MINUTE, ["tls.ends_soon"]),
        (-timedelta(days=1), -MINUTE, ["tls.ended"]),
        (MINUTE, timedelta(days=90), ["tls.not_yet"]),
        (-MINUTE, timedelta(days=90), []),
    ],
)
def test_its_dates(begins: timedelta, ends: timedelta, expected: list[str]) -> None:
    assert codes(ROOT.certify(HOST, begins=begins, ends=ends).certificate) == expected


def test_the_dates_of_what_stands_between_count_too() -> None:
    between = Signer("Between", ROOT, ends=timedelta(days=3))
    concerns = certificate_concerns((between.certify(HOST).certificate, between.certificate), host=HOST, at=NOW)
    assert [concern.code for concern in concerns] == ["tls.ends_soon"]
    assert "CN=Between" in concerns[0].text


def test_what_changes_with_time_is_told_when_it_is_so() -> None:
    certificate = ROOT.certify(HOST, ends=timedelta(days=90)).certificate
    assert codes(certificate, at=timedelta(days=80)) == ["tls.ends_soon"]
    assert codes(certificate, at=timedelta(days=91)) == ["tls.ended"]


def test_the_text_says_what_was_expected_what_was_found_and_what_to_do() -> None:
    (concern,) = certificate_concerns((ROOT.certify("other.test").certificate,), host=HOST, at=NOW)
    assert HOST in concern.text
    assert "other.test" in concern.text
    assert "subject alternative names" in concern.text
