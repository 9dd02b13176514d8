"""A request, said whole: why nothing fits, what it says of itself, and what is asked beyond what the authority lets."""

from datetime import date

import pytest
from tests.unit.wallet.wallet_process import WalletProcess
from tests.wallet_words import catalogues, facts, titles

from wanderbuch.agents.site.opening import better_than
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.plugins.trust.verifying.kept_words import KEPT
from wanderbuch.schemas.occupations import isco08

pytestmark = pytest.mark.needs("node")

WELDER = {
    "occupation_isco08": "7212",
    "eqf_level": "3",
    "eqf_min_3": "1",
    "eqf_min_4": "0",
    "country_of_award": "LKA",
    "expires_on": "20300101",
}


def an_entry(name: str = "one", **changes: str) -> dict[str, object]:
    return {"id": name, "values": WELDER | changes}


def asking(*names: str, predicate: tuple[str, str, int] | None = None, **restriction: str) -> dict[str, object]:
    asked = {"names": list(names) or ["occupation_isco08"], "restrictions": [restriction] if restriction else []}
    predicates = {} if predicate is None else {"p": dict(zip(("name", "p_type", "p_value"), predicate, strict=True))}
    return {"requested_attributes": {"a": asked}, "requested_predicates": predicates}


def test_why_nothing_fits(wallet: WalletProcess) -> None:
    occupation, level = "attr::occupation_isco08::value", "attr::eqf_min_4::value"
    lower = an_entry("low")
    cases: dict[str, tuple[list[dict[str, object]], dict[str, object], list[object]]] = {
        "no book": ([], asking(), ["empty", None, []]),
        "withdrawn": ([an_entry() | {"isRevoked": True}], asking(), ["revoked", "one", [""]]),
        "over": ([an_entry(expires_on="20240531")], asking(), ["over", "one", ["expires_on"]]),
        "over, and asked": (
            [an_entry(expires_on="20240531")],
            asking(predicate=("expires_on", ">=", 20260101)),
            ["over", "one", ["expires_on"]],
        ),
        "ends too soon": (
            [an_entry(expires_on="20260601")],
            asking(predicate=("expires_on", ">=", 20270101)),
            ["ends", "one", ["expires_on"]],
        ),
        "a level": ([an_entry()], asking(**{level: "1"}), ["level", "one", ["eqf_min_4"]]),
        "a level in numbers": ([an_entry()], asking(predicate=("eqf_level", ">=", 5)), ["level", "one", ["eqf_level"]]),
        "an issuer": ([an_entry()], asking(cred_def_id="another/d"), ["issuer", "one", ["cred_def_id"]]),
        "a value": (
            [an_entry()],
            asking(**{"attr::country_of_award::value": "MLT"}),
            ["value", "one", ["country_of_award"]],
        ),
        "an occupation": ([an_entry()], asking(**{occupation: "2221"}), ["occupation", "one", ["occupation_isco08"]]),
        "another kind": ([an_entry()], asking("language"), ["attribute", None, ["language"]]),
        "two of which one is near": (
            [an_entry("far", occupation_isco08="2221"), lower],
            asking(**{occupation: "7212", level: "1"}),
            ["level", "low", ["eqf_min_4"]],
        ),
        "the newest of what is as near": (
            [lower, an_entry("new")],
            asking(**{level: "1"}),
            ["level", "new", ["eqf_min_4"]],
        ),
        "no one alone": (
            [an_entry("one", eqf_level="5", occupation_isco08="2221"), an_entry("two")],
            asking(predicate=("eqf_level", ">=", 5), **{occupation: "7212"}),
            ["several", None, []],
        ),
    }
    told = {
        name: wallet.call("closest", entries=entries, request=request, today="20260401")
        for name, (entries, request, _) in cases.items()
    }
    assert told == {name: expected for name, (_, _, expected) in cases.items()}


def test_what_a_request_says_of_itself_in_each_language_that_ours_say_it_in(wallet: WalletProcess) -> None:
    names = [
        Keeping("Decree 4, art. 7", "Proof of training", date(2031, 5, 1), tag).beside("Shipyard of Colombo [A-17/3]")
        for tag in KEPT
    ]
    kept = {"until": "20310501", "law": "Decree 4, art. 7", "purpose": "Proof of training"}
    for signed in (True, False):
        told = wallet.call("asked_words", names=names, isSigned=signed)
        assert told == [{"reference": "A-17/3", "kept": kept}] * len(KEPT)
    no_day = [names[0].replace("2031-05-01", day) for day in ("2031-13-45", "2031-02-30")]
    assert [words["kept"] for words in wallet.call("asked_words", names=no_day, isSigned=True)] == [None, None]
    plain = ["Shipyard", "Shipyard [A]", "Ship[y]ard", "[<b>]", f"Shipyard [{'x' * 65}]"]
    references = [words["reference"] for words in wallet.call("asked_words", names=plain, isSigned=False)]
    assert references == [None, "A", None, None, None]


@pytest.mark.parametrize("language", KEPT)
def test_whoever_says_two_last_days_is_read_as_saying_the_latest(wallet: WalletProcess, language: str) -> None:
    true = Keeping("Decree 4", "Proof", date(2051, 5, 1), language)
    for false in (Keeping("a", "b", date(2026, 12, 31), tag).told() for tag in KEPT):
        names = [
            true.beside(f"Yard [A-1]. {false} [B-2]"),  # in the name of whoever asks
            Keeping("Decree 4", f"c. {false}", true.until, language).beside("Yard [B-2]"),  # in what it is kept for
            true.beside(f"Yard. {false.replace('2026-12-31', '2026-02-30')} [B-2]"),  # no day
        ]
        told = wallet.call("asked_words", names=names, isSigned=True)
        assert told == [{"reference": "B-2", "kept": {"until": "20510501", "law": None, "purpose": None}}] * 3


def test_nobody_leads_elsewhere_by_what_a_link_says(wallet: WalletProcess) -> None:
    for bait in ("call 0700 123 456", "www.prize.example", "write to a@b.example", "see https://b.example"):
        name = Keeping(bait, bait, date(2031, 5, 1)).beside("Shipyard")
        by_link, over_connection = (
            wallet.call("asked_words", names=[name], isSigned=signed)[0]["kept"] for signed in (False, True)
        )
        assert by_link == {"until": "20310501", "law": None, "purpose": None}, bait
        assert over_connection["law"] == bait


def test_what_is_asked_beyond_what_the_authority_lets_is_named(wallet: WalletProcess) -> None:
    def judged(*shown: str, proven: tuple[str, ...] = (), purpose: str | None = "study") -> object:
        return wallet.call("judged_asker", shown=shown, proven=proven, purpose=purpose)

    both = ["employment", "study"]
    may = ["TRUSTED", "verifier.may_ask", both, [], []]
    assert judged("occupation_isco08", proven=("eqf_level",)) == may
    too_much = ["birth_date", "family_name"]
    refused = ["NOT_TRUSTED", "verification.attributes", [], too_much, []]
    assert judged("occupation_isco08", *too_much) == refused
    proven = ["NOT_TRUSTED", "verification.predicates", [], ["months"], []]
    assert judged("occupation_isco08", proven=("months",)) == proven
    assert judged("occupation_isco08", purpose="regulated-profession") == [
        "NOT_TRUSTED",
        "verification.purpose",
        both,
        [],
        [],
    ]
    assert judged("occupation_isco08", purpose=None) == ["UNKNOWN", "verifier.no_purpose", both, [], []]


def test_what_they_told_the_authority_is_shown_once_and_while_it_counts(wallet: WalletProcess) -> None:
    told = {"aim": "To hire welders", "policy": "https://yard.example/privacy", "keepsDays": 30}

    def listed(**how: object) -> object:
        asked = {"shown": ["birth_date"], "proven": [], "purpose": "study"}
        return wallet.call("judged_asker", **asked, told=told, **how)[4]

    assert listed() == [told]  # of two statements that say the same
    assert listed(ends="2021-01-01") == []
    assert listed(freshUntil=0) == []


def test_every_occupation_has_its_title_and_what_is_english_says_so(wallet: WalletProcess) -> None:
    codes = isco08().codes
    wrong = ["C", "", "C99", "C72120", "7212", "c7212", "C7212 ", "constructor"]

    def told(tag: str, own: list[str]) -> list[list[object]]:
        how = {"catalogue": catalogues()[tag], "facts": facts(), "titles": own}
        named: list[list[object]] = wallet.call("occupations", **how, codes=[*codes, *wrong])
        assert named[len(codes) :] == [[code] for code in wrong]
        return named[: len(codes)]

    assert told("en", []) == [[str(title)] for title in codes.values()]
    assert told("si", []) == [[{"english": str(title)}] for title in codes.values()]
    assert told("fr", titles()["fr"]) == [[title.by_language["fr"]] for title in codes.values()]


def test_days_have_the_months_that_people_use_and_digits_that_certificates_use(wallet: WalletProcess) -> None:
    days = dict(wallet.call("dates", catalogues=catalogues(), facts=facts(), raw="20270531"))
    assert all("2027" in day and "31" in day for day in days.values()), days
    assert wallet.call("unknown_language", catalogue=catalogues()["fr"] | {"language": "xx"}, facts=facts()) == [
        "2027-05-31",
        "a, b",
    ]
    assert (days["en"], days["fr"], days["si"]) == ("31 May 2027", "31 mai 2027", "2027-05-31")
    for no_day in ("20261345", "20260230", "00000101"):
        told = dict(wallet.call("dates", catalogues=catalogues(), facts=facts(), raw=no_day))
        assert set(told.values()) == {no_day}


def test_of_looks_that_end_in_any_order_none_draws_what_was_left_or_locked(wallet: WalletProcess) -> None:
    assert wallet.call("looks") == {
        "elsewhere": [False, True, True, False],
        "both": [True, True],
        "later": [False, True],
        "locked": [False, False, True],
        "failed": True,
    }


def test_a_report_about_a_link_accuses_nobody_whom_it_names(wallet: WalletProcess) -> None:
    signed, by_link = (
        wallet.call("report", catalogue=catalogues()["en"], facts=facts(), isFromLink=is_from_link)
        for is_from_link in (False, True)
    )
    assert signed[0] == "I report: Big employer (did:x:v)"
    # What was left out of the answer was asked for: it may be what is reported.
    assert "They asked to see: Given names, Family name" in signed
    assert by_link[0] == "I report a link that names: Big employer (did:x:v)"
    assert by_link[1].startswith("It came with a link, which anybody can make.")
    assert not any("They" in line or line in signed for line in by_link)
    assert all(any("Birth date" in line or "birth" in line for line in lines) for lines in (signed, by_link))


def test_what_others_write_turns_no_sentence_around(wallet: WalletProcess) -> None:
    for tag, isolated in (("en", False), ("ar", True)):
        told = wallet.call(
            "filled",
            catalogue=catalogues()[tag],
            facts=facts(),
            type="qualification/1.0",
            value="a\u202eb\u2066c",
            bare="\u0645\u0646",
        )
        assert told[0].endswith("\u2068abc\u2069" if isolated else "abc")
        assert told[1].endswith("\u2068\u0645\u0646\u2069")
        assert told[2:] == ["abc", "abc"]


def test_browsers_inside_apps_are_known(wallet: WalletProcess) -> None:
    android, apple = "Mozilla/5.0 (Linux; Android 14", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
    known = {
        f"{android}) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36": (False, None),
        f"{android}) AppleWebKit/537.36 SamsungBrowser/26.0 Chrome/122.0 Mobile Safari/537.36": (False, None),
        f"{android}; wv) AppleWebKit/537.36 Version/4.0 Chrome/130.0 Mobile Safari/537.36": (False, "Chrome"),
        f"{android}) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36 Instagram 300.0": (False, "Chrome"),
        f"{apple} AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1": (False, None),
        f"{apple} AppleWebKit/605.1.15 CriOS/130.0 Mobile/15E148 Safari/604.1": (False, None),
        f"{apple} AppleWebKit/605.1.15 Mobile/15E148": (False, "Safari"),
        f"{apple} AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148": (True, None),
        f"{apple} AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1 [FBAN/FBIOS;FBAV/490.0]": (False, "Safari"),
        "": (False, None),
    }
    advice = {
        agent: (home, wallet.call("better_browser", agent=agent, isOnHomeScreen=home))
        for agent, (home, _) in known.items()
    }
    assert advice == known
    # The pages of links say the same; whether a page is on the home screen they do not learn.
    told = {agent: better for agent, (home, better) in known.items() if not home}
    assert {agent: better_than(agent) for agent in told} == told


def test_a_link_is_taken_out_of_the_message_that_was_pasted(wallet: WalletProcess) -> None:
    link, short = "https://centre.example/i?oob=eyJAdHlwZSI6_-w==", "https://centre.example/i/x7"
    around = [
        "{}",
        " {}\n",
        "Open {}.",
        "({}).",
        "<{}>",
        "[certificate]({})",
        '"{}", they say',
        '<a href="{}">here</a>',
        "{}\u060c",
        "\u2068{}\u2069",
        "请打开{}。谢谢",
        "{}?!",
    ]
    for one in (link, short):
        texts = [text.format(one) for text in around]
        assert wallet.call("pasted", texts=texts) == [one] * len(texts)
    site = "https://www.centre.example"
    meant = {
        f"See {site}. Your certificate: {link}": link,
        f"{link} ({site})": link,
        f"{site}, {link}, {link}": link,
        f"https://wallet.example/#{short}": short,
        f"Your wallet: https://wallet.example/#{link}.": link,
        f"{site} or https://wallet.example/#{short}": short,
        "HTTPS://CENTRE.EXAMPLE/I/X7": "HTTPS://CENTRE.EXAMPLE/I/X7",
        "https://bücher.example/i/x7": "https://bücher.example/i/x7",
        f"See {site} and {short}": "",
        f"{link} {link.replace('oob=', 'oob=A')}": "",
        " no link ": "no link",
        "": "",
    }
    assert dict(zip(meant, wallet.call("pasted", texts=list(meant)), strict=True)) == meant


def test_a_message_of_a_million_marks_does_not_stop_the_page(wallet: WalletProcess) -> None:
    marks = "." * 1_000_000  # where each of them is looked at once for all that follow it, this takes many minutes
    assert wallet.call("pasted", texts=[f"https://a.example/{marks}a", f"https://a.example/i{marks}"]) == [
        f"https://a.example/{marks}a",
        "https://a.example/i",
    ]
