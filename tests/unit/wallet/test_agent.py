"""The wallet's agent among others that lie, repeat, flood, go away or are not who they should be.

The network is simulated (`agent_calls.mjs`); against real agents it runs in `tests/interop/test_page_wallet.py`.
"""

import base64
import hashlib
import json
import zlib
from typing import Any

import pytest
from tests.unit.wallet.wallet_process import WalletProcess
from tests.wallet_tools import PAGE

from wanderbuch.governance.facts.question import Purpose
from wanderbuch.plugins.exchange.erasure_messages import check_erasure
from wanderbuch.plugins.exchange.reports import read_report
from wanderbuch.plugins.exchange.wrong import WrongPart, parts_of


def test_a_mediator_that_is_another_or_takes_no_key(wallet: WalletProcess) -> None:
    assert wallet.call("mediator_lies") == ["check_failed", 0, "check_failed", 0]


def test_only_who_invited_answers(wallet: WalletProcess) -> None:
    *wrong, right, is_first, waiting = wallet.call("responses")
    assert wrong == [True, "requested"] * 7  # acknowledged, and nothing came of it
    assert (right, is_first, waiting) == ("complete", True, 0)


def test_offers_of_the_connection_alone_and_no_more_than_fit(wallet: WalletProcess) -> None:
    *counts, most, is_acknowledged, kept, takes_large = wallet.call("offers")
    assert counts == [True, 0] * 5 + [True, 1] * 2
    assert (most, is_acknowledged, kept, takes_large) == (16, True, 0, True)


def test_nobody_fills_the_book_with_what_is_not_answered(wallet: WalletProcess) -> None:
    seen = wallet.call("filling")
    assert seen.pop("bytes") < 512 * 1024
    assert seen == {
        "most": [3, 6, 8],
        "links": [["unanswered"] * 3, True],
        "declined": True,
        "withdrawn": 16,
        "shown": ["declined 0 ", "withdrawn 0 "],
    }


def test_what_breaks_the_code_stops_no_queue(wallet: WalletProcess) -> None:
    is_acknowledged, taken, advanced, shown, left = wallet.call("poison")
    assert (is_acknowledged, taken, advanced) == (True, ["good", "later"], ["one", "two"])
    assert shown == ["poison", "poisoned row", "full"]
    assert left == 1


def test_what_could_not_be_sent_goes_out_at_the_next_visit_word_for_word(wallet: WalletProcess) -> None:
    assert wallet.call("outbox") == {"same": True, "left": 0, "sockets": 2}


def test_nothing_that_waits_goes_out_before_the_vault_has_what_came_before_it(wallet: WalletProcess) -> None:
    assert wallet.call("held_back") == [0, 1]


def test_what_is_asked_before_the_socket_is_live_goes_behind_it_as_the_mediator_speaks(wallet: WalletProcess) -> None:
    live, egress = "messagepickup/2.0/live-delivery-change", "egress/1.0/request"
    compact, older, by_text = wallet.call("asked_early")
    assert compact == [0, "live", [[live, True], [egress, True]], True]
    # An older one took its place: that is found out, is no silence of one that forgot the wallet, and it gets text.
    assert older == [0, "silent", [["not understood", True]] * 2, True]
    assert by_text == [0, "live", [[live, False], [egress, False]], True]


def test_the_socket_comes_back_by_itself(wallet: WalletProcess) -> None:
    assert wallet.call("reconnects") == [0, 1, True, "complete"]


def test_a_socket_is_opened_again_by_who_still_has_the_book_alone(wallet: WalletProcess) -> None:
    assert wallet.call("overtaken") == [0, 2, 1]


def test_a_wallet_that_was_closed_while_it_met_its_mediator_opens_no_socket(wallet: WalletProcess) -> None:
    assert wallet.call("closed_early") == ["state", 0, 0]


def test_strangers_are_not_heard(wallet: WalletProcess) -> None:
    assert wallet.call("strangers") == ["requested", 0, 0, True]


def test_what_a_link_says_is_not_what_whom_it_names_says(wallet: WalletProcess) -> None:
    over_connection, by_link = wallet.call("questions")
    assert over_connection == {"comment": "Call 0700", "purpose": "study", "isFromLink": False, "isNamed": False}
    assert by_link == {"comment": None, "purpose": "study", "isFromLink": True, "isNamed": True}
    sentences = json.loads((PAGE / "words" / "en.json").read_text())["sentences"]
    for purpose in Purpose:
        assert sentences[f"purpose.link.{purpose.value}"] != sentences[f"purpose.{purpose.value}"]
    assert "code.verifier.no_purpose" in sentences


def test_what_a_request_tells_without_showing_it_is_listed_and_judged(wallet: WalletProcess) -> None:
    learned, *judged, told = wallet.call("untold")
    assert learned == [
        {"name": "familyname", "values": ["x"]},
        {"name": "birth_date", "values": ["19900101", "19900102"]},
    ]
    assert judged == ["NOT_TRUSTED", "verification.attributes", ["birth_date", "eqf_level", "familyname"]]
    assert told == ["birth_date", "eqf_level", "familyname"]


def test_what_may_be_left_out_is_a_part_of_what_is_shown_or_the_question_is_not_taken(wallet: WalletProcess) -> None:
    born: dict[str, Any] = {"attributes": ["Birth_Date"], "nonce": "2"}
    names = ["occupation_isco08", "family_name", "Birth_Date"]

    def asked(**part: Any) -> dict[str, Any]:
        return {"requested_attributes": {"a": {"names": names, **part}}}

    bound = {name: {"name": "Birth_Date", "p_type": sign, "p_value": 3} for name, sign in (("l", ">="), ("u", "<="))}
    bad: list[dict[str, Any]] = [
        {"left": {**born, "attributes": ["birth_date"]}},  # another spelling than the request's
        {"left": {**born, "attributes": ["Birth_Date", "given_names"]}},
        {"left": {**born, "attributes": names}},
        {"left": {**born, "attributes": []}},
        {"left": {**born, "attributes": "Birth_Date"}},
        {"left": {**born, "nonce": "1234567890"}},
        {"left": {**born, "nonce": "0"}},
        {"left": {**born, "nonce": str(2**80)}},
        {"left": {"attributes": ["Birth_Date"]}},
        {"left": ["Birth_Date"]},
        {"left": born, "more": {"requested_attributes": {"a": {"names": names}, "b": {"names": ["birth_date"]}}}},
        {"left": born, "more": {"requested_attributes": {"a": {"names": names}, "b": {"name": "Birth_date"}}}},
        {"left": born, "more": asked(restrictions=[{"attr::birth_date::value": "19950312"}])},
        {"left": born, "more": {"requested_predicates": bound}},
        {"left": born, "more": {"requested_attributes": {"a": {"name": "Birth_Date"}}}},
    ]
    nothing, part, whole, *refused = wallet.call(
        "left_out", told=[{}, {"left": born}, {"left": {"attributes": ["family_name"], "nonce": "2"}}, *bad]
    )
    shown = ["occupation_isco08", "family_name", "birth_date"]
    judged = {"may": "NOT_TRUSTED", "beyond": ["birth_date"], "shown": shown}
    assert nothing == {**judged, "left": [], "mayLeave": False, "isKept": False, "yes": "state"}
    assert part == {**judged, "left": ["birth_date"], "mayLeave": True, "isKept": True, "yes": "cannot_prove"}
    assert whole == {**judged, "left": ["family_name"], "mayLeave": False, "isKept": True, "yes": "cannot_prove"}
    assert refused == ["refused"] * len(bad)


def test_a_link_without_a_network_is_kept_and_followed_later(wallet: WalletProcess) -> None:
    seen = wallet.call("links")
    first = "https://centre.example.test/i/1"
    assert seen["refused"] == ["malformed", "malformed", []]
    assert seen["wrong"] == ["malformed", []]
    assert seen["offline"] == ["kept", "kept", [["waiting", first]]]  # the same link twice is one
    assert seen["away"] == [[["waiting", first]], []]
    assert seen["there"] == [[], ["asked"]]
    assert seen["dead"] == [["failed", None]]  # its address is not kept
    assert seen["gone"] == ["dead_link", 2, ["failed", None]]
    assert seen["tries"] == ["waiting"] * 5 + ["failed"] * 3  # its host learns no more of when the wallet is used
    assert seen["many"] == [16, "unreachable", 16]
    assert seen["old"] == ["failed", None]
    assert seen["dropped"] is False


def test_a_yes_is_to_what_was_shown(wallet: WalletProcess) -> None:
    question, offer = wallet.call("swapped")
    assert question == ["question", True, "state", "cannot_prove"]
    assert offer[:3] == ["offer", True, "state"]
    assert offer[3] != "state"  # its definition cannot be fetched here


def test_a_no_tells_nothing_unless_the_worker_wants_it(wallet: WalletProcess) -> None:
    silent, aloud = wallet.call("declines")
    assert silent == [0, 0, "declined", False, 0, None, 1, 0]
    assert aloud == [1, 0, "declined", True, 0, None, 1, 0]


def test_an_issuer_learns_what_is_wrong_and_nothing_is_kept(wallet: WalletProcess) -> None:
    message, *kept = wallet.call("wrong_offer")
    report = read_report(message)
    assert report.code == "issuance-abandoned"
    assert report.text == "The holder declines. Something is wrong: the name; another date."
    assert parts_of(report) == (WrongPart.NAME, WrongPart.DATE)
    assert kept == ["declined", True, False]


async def test_an_answer_is_erased_by_who_has_its_key(wallet: WalletProcess) -> None:
    told = wallet.call("erasure")
    assert told["early"] == "state"
    assert told["threads"] == [told["thread"]] * 2
    first, again = told["signed"]
    assert first == again  # asking twice is asking once
    assert await check_erasure(first, thread_id=told["thread"], key=told["own"]) == first
    kept = [{"until": "20310501", "law": "Act 7"}]
    assert told["states"] == [[False, []], [False, []], [True, kept], [True, []]]


@pytest.mark.parametrize("raw", ["constructor", "__proto__"])
def test_values_that_are_names_of_the_language_are_texts(wallet: WalletProcess, raw: str) -> None:
    catalogue, facts = (json.loads((PAGE / "words" / name).read_text()) for name in ("en.json", "facts.json"))
    for type_, known in facts["types"].items():
        # Dates are not looked up, and what follows is yes or no.
        values = [
            {"name": attribute["name"], "raw": raw} for attribute in known if attribute.get("computed") != "at_least"
        ]
        texts, *others = wallet.call("words", catalogue=catalogue, facts=facts, type=type_, values=values)
        assert texts == [raw] * len(values)
        unknown = catalogue["sentences"]["type.unknown"]
        assert others == [[name, False, unknown, name, name] for name in ("constructor", "__proto__")]


def test_no_invitation_makes_a_wallet_knock_at_private_doors(wallet: WalletProcess) -> None:
    addresses = [
        *("http://centre.example.test/i", "https://127.0.0.1/i", "https://localhost/i", "https://printer.local/i"),
        *("https://192.168.0.1/i", "https://[::1]/i", "https://0x7f.1/i", "https://user@centre.example.test/i"),
        *("ftp://centre.example.test", "javascript:alert(1)", "", "https://intranet/i", "https://2130706433/i"),
        "https://metadata.google.internal/i",
    ]
    outcomes, posted = wallet.call("private_addresses", addresses=addresses)
    assert outcomes == ["malformed"] * len(addresses)
    assert posted == 0


def test_invitations_are_read_strictly(wallet: WalletProcess) -> None:
    key = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    good = {
        "@type": "https://didcomm.org/out-of-band/1.1/invitation",
        "@id": "one",
        "label": "Centre\u202e\n<script>",
        "services": [{"recipientKeys": [key], "serviceEndpoint": "https://centre.example.test"}],
        "handshake_protocols": ["https://didcomm.org/didexchange/1.0", "https://didcomm.org/didexchange/1.1"],
    }
    changes: list[dict[str, object]] = [
        *({"@type": value} for value in ("https://didcomm.org/out-of-band/2.0/invitation", "x", None, 7)),
        *({"@id": value} for value in ("", "x" * 129, "a b", None, 7)),
        *(
            {"services": value}
            for value in ([], ["did:x:y", "did:x:z"], [7], ["no did"], {}, None, [{}], [{"recipientKeys": []}])
        ),
        *({"handshake_protocols": value} for value in ([], None, [7], "x", ["https://didcomm.org/connections/1.0"])),
        *({"requests~attach": value} for value in ([{}], [{}, {}], 7)),
    ]
    told = [
        json.dumps(good),
        *(json.dumps(good | change) for change in changes),
        json.dumps(good)[:-1],
        "[]",
        "x" * 300_000,
    ]
    first, *others = wallet.call("invitations", invitations=told)
    assert first == {"id": "one", "handshake": "1.1", "label": "Centre <script>"}
    assert others == ["malformed"] * len(others)


def test_requests_that_the_mediator_sends(wallet: WalletProcess) -> None:
    url = "https://a.example.test/x"
    answers = [
        {"method": "GET", "url": url, "told": [{"status": 200, "body": "YWJj"}]},
        {
            "method": "GET",
            "url": url,
            "told": [{"status": 302, "headers": {"location": "/y"}, "body": ""}, {"status": 200, "body": "Yg"}],
        },
        {
            "method": "GET",
            "url": url,
            "told": [{"status": 302, "headers": {"location": "https://127.0.0.1/"}, "body": ""}],
        },
        {"method": "GET", "url": url, "told": [{"status": 302, "headers": {"location": "/x"}, "body": ""}] * 4},
        {"method": "GET", "url": url, "told": [{"status": 404, "body": ""}]},
        {"method": "GET", "url": url, "told": [{"status": 200, "body": "YWJj" * 30}]},
        {"method": "GET", "url": url, "told": [{"status": "200", "body": "YWJj"}]},
        {"method": "POST", "url": url, "told": [{"status": 200, "body": ""}]},
        {"method": "POST", "url": url, "told": [{"status": 503, "body": ""}]},
        {"method": "POST", "url": url, "told": [{"status": 400, "body": ""}]},
        {
            "method": "POST",
            "url": url,
            "told": [{"kind": "problem-report", "description": {"code": "e.m.egress.busy"}}],
        },
        {
            "method": "POST",
            "url": url,
            "told": [{"kind": "problem-report", "description": {"code": "e.m.egress.address"}}],
        },
    ]
    answer = wallet.call("egress", answers=answers)
    outcomes = [outcome for outcome in answer["outcomes"] if not isinstance(outcome, list)]
    assert outcomes == [
        *("abc", "b", "malformed", "unreachable", "unreachable", "unreachable", "malformed"),
        *(None, "unreachable", "check_failed", "unreachable", "check_failed"),
    ]
    asked = [outcome for outcome in answer["outcomes"] if isinstance(outcome, list)]
    assert asked[1:3] == [["GET", url, None], ["GET", "https://a.example.test/y", None]]
    assert ["POST", url, "envelope"] in asked
    assert (answer["most"], answer["many"], answer["posted"]) == (4, 12, 0)


def deflated(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def test_public_files_come_in_few_bytes_and_never_as_more_than_they_may_be(wallet: WalletProcess) -> None:
    url, bomb = "https://a.example.test/x", b"0" * (64 << 20)
    few = {"status": 200, "content_encoding": "deflate"}

    def got(told: dict[str, object], most: int = 100_000, **kept: str) -> dict[str, object]:
        return {"method": "GET", "url": url, "most": most, "told": [told], **kept}

    cases: list[tuple[dict[str, object], object]] = [
        (got({**few, "body": deflated(b"part " * 1_000)}), "part " * 1_000),
        (got({**few, "body": deflated(b"part " * 1_000)}, most=4_999), "malformed"),  # one byte too many
        (got({**few, "body": deflated(bomb)}), "malformed"),
        (got({**few, "body": deflated(b"x")[:-4]}), "malformed"),  # cut short
        (got({**few, "body": base64.b64encode(b"not deflated").decode()}), "malformed"),
        (got({"status": 200, "content_encoding": "br", "body": "YQ=="}), "malformed"),
        (got({"status": 200, "content_encoding": 7, "body": "YQ=="}), "malformed"),
        (got({"status": 200, "unchanged": True, "body": ""}, kept="kept"), "kept"),
        (got({"status": 200, "unchanged": False, "body": "bmV3"}, kept="kept"), "new"),
        (got({"status": 200, "unchanged": "yes", "body": ""}, kept="kept"), "malformed"),
        (got({"status": 200, "unchanged": True, "body": "bmV3"}), "new"),  # nothing is kept: what came counts
        (got({"status": 404, "unchanged": True, "body": ""}, kept="kept"), "unreachable"),
        ({"method": "POST", "url": url, "told": [{"status": 200, "body": "", "takes_text": True}]}, None),
        ({"method": "POST", "url": url, "told": [{**few, "body": "eA=="}]}, "x"),  # never inflated
        ({"method": "POST", "url": url, "told": [{"status": 200, "body": ""}]}, None),
    ]
    answer = wallet.call("egress", answers=[case for case, _ in cases])
    outcomes = [outcome for outcome in answer["outcomes"] if not isinstance(outcome, list)]
    assert outcomes == [out for _, out in cases]
    seen = answer["seen"]
    assert [request.get("accept") for request in seen] == ["deflate"] * 12 + [None] * 3
    digest = f"sha256:{hashlib.sha256(b'kept').hexdigest()}"
    assert [request.get("known") for request in seen] == [None] * 7 + [digest] * 3 + [None, digest] + [None] * 3
    assert [request["isText"] for request in seen[12:]] == [False, True, False]
    posted = [outcome[2] for outcome in answer["outcomes"] if isinstance(outcome, list) and outcome[0] == "POST"]
    assert posted == ["envelope"] * 3


def test_without_a_network_nobody_waits_for_a_line_that_ended_without_a_word(wallet: WalletProcess) -> None:
    *rest, sockets = wallet.call("lost")
    assert rest == [True, True, False, "UnreachableError"]
    assert sockets >= 2


def test_a_line_whose_other_end_is_gone_is_noticed_by_who_looks_and_by_who_asks_in_vain(wallet: WalletProcess) -> None:
    assert wallet.call("dead") == [
        [True, 1],  # it answered who looked
        [False, 1],
        [True, 2],
        ["SilentError", True, 2],
        ["SilentError", False, 2],
        [True, 3],  # at once, for somebody looked
    ]


def test_public_files_are_kept_once_checked_so_many_and_so_large(wallet: WalletProcess) -> None:
    assert wallet.call("public_files") == {
        "unchecked": [[None], 0],
        "changed": ["two", [None, "one"]],
        "lasting": ["malformed", "two", "two", [None, None]],  # the last one is read from here
        "altered": ["three", "malformed", [None, None]],
        "many": [65, [False, False, True, True]],
        "used": [True, False, True],
        "large": [True, [False, False, True, False, True, True]],
        "outgrown": [False],
        "rooms": [[True, True], []],
    }
