"""How a book is kept: by code, by phone, in sealed rows, in its vault; moved, ended, and by a host that lies."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.unit.wallet.wallet_process import WalletProcess

from wanderbuch.agents.wallet_host.vault_call import signed_text

pytestmark = pytest.mark.needs("node")

SCRIPTS = {
    "arabic": 0x0660,
    "persian": 0x06F0,
    "devanagari": 0x0966,
    "tamil": 0x0BE6,
    "sinhala": 0x0DE6,
    "wide": 0xFF10,
}


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def groups(code: str) -> list[str]:
    return [code[at : at + 6] for at in range(0, 36, 6)]


def test_a_code_is_read_in_any_script_and_every_slip_is_found(wallet: WalletProcess) -> None:
    made = wallet.call("codes", count=20)
    assert all(
        made_code["again"] and len(made_code["code"]) == 36 and made_code["code"].isdigit() for made_code in made
    )
    assert len({made_code["code"] for made_code in made}) == 20
    code = made[0]["code"]

    def read(text: str) -> object:
        return wallet.call("read_code", text=text)

    for zero in SCRIPTS.values():
        written = " - ".join("".join(chr(zero + int(digit)) for digit in group) for group in groups(code))
        assert read(written) == code
    assert [read(text) for text in ("", code[:-1], f"{code}0", "a" * 36, code * 20)] == [0] * 5

    slips: dict[str, object] = {}
    for at in range(36):  # every wrong digit, told by its group
        for digit in "0123456789":
            if digit != code[at]:
                slips[f"{digit} at {at}"] = (read(code[:at] + digit + code[at + 1 :]), at // 6 + 1)
    for at in range(35):  # two neighbours that changed places
        if at % 6 != 5 and code[at] != code[at + 1]:
            swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
            slips[f"swapped at {at}"] = (read(swapped), at // 6 + 1)
    for one in range(6):  # two groups that changed places
        for two in range(one + 1, 6):
            parts = groups(code)
            parts[one], parts[two] = parts[two], parts[one]
            slips[f"groups {one} and {two}"] = (read("".join(parts)), one + 1)
    assert {name: told for name, told in slips.items() if told[0] != told[1]} == {}  # type: ignore[index]


def test_the_key_follows_from_the_code_by_scrypt_and_hkdf(wallet: WalletProcess) -> None:
    code = wallet.call("codes", count=1)[0]["code"]
    told = wallet.call("key_of_code", code=code, byLibrary=True)
    assert told == wallet.call("key_of_code", code=code, byLibrary=False)  # as the other tests have it
    digits = "".join(group[:5] for group in groups(code))
    secret = hashlib.scrypt(
        digits.encode(), salt=b"wanderbuch recovery code 1", n=2**15, r=8, p=1, maxmem=2**26, dklen=32
    )
    assert told["secret"] == secret.hex()
    assert len(raw(told["id"])) == 32
    assert told["shown"].startswith("[vault key]")


def test_what_the_page_signs_is_what_the_host_checks(wallet: WalletProcess) -> None:
    for what, after, sealed in (("base", 0, b"first"), ("further", 7, bytes(600)), ("delete", 0, b"")):
        told = wallet.call("signs", what=what, after=after, sealed=sealed.hex())
        key = Ed25519PublicKey.from_public_bytes(raw(told["id"]))
        key.verify(raw(told["signature"]), signed_text(told["origin"], what, after, sealed))


def test_a_phone_remembers_by_its_own_key_and_a_pin_and_forgets_after_ten_tries(wallet: WalletProcess) -> None:
    told = wallet.call("phone")
    assert told.pop("exported").startswith("InvalidAccess")
    assert told == {
        "short": "pin_length",
        "wrong": "pin",
        "right": True,
        "elsewhere": "pin",
        "after": [False, "pin"],
        "plain": False,
    }


def test_what_a_phone_had_sealed_by_scrypt_opens_and_is_sealed_anew(wallet: WalletProcess) -> None:
    assert wallet.call("phone_before") == {
        "wrong": ["pin", None],
        "first": True,
        "anew": ["pbkdf2", 0, True, True],
        "again": True,
        "other": "pin",
        "passkey": True,
    }


def test_the_vault_is_asked_while_the_pin_is_stretched(wallet: WalletProcess) -> None:
    wrong, right = wallet.call("while_stretched")
    assert (wrong[:2], sorted(wrong[2])) == (["pin", "locked"], ["GET", "tries 1"])
    _, phase, seen = right
    assert (phase, sorted(seen), seen[-1]) == ("open", ["GET", "tries 0", "tries 2"], "tries 0")


def test_a_pin_is_stretched_while_it_is_typed_and_tried_when_it_is_given(wallet: WalletProcess) -> None:
    assert wallet.call("typed") == [
        ["none", 0, 0],  # too short
        ["typed", 2, 0],
        ["typed", 3, 0],
        [True, 3, 0],
        [True, 5, 0],  # what was typed before was another one
        ["pin", 6, 1],
    ]


def test_a_stretching_that_failed_while_a_pin_was_typed_keeps_nobody_out(wallet: WalletProcess) -> None:
    assert wallet.call("typed_in_vain") == ["no memory", True, 2, "no memory", 4, "again", True, 5]


def test_what_came_of_a_message_is_told_at_once_and_nothing_goes_out_before_the_vault_has_it(
    wallet: WalletProcess,
) -> None:
    assert wallet.call("told_before") == ["here", "vault", "may go out"]


def test_nothing_goes_out_of_what_came_to_a_phone_that_was_overtaken(wallet: WalletProcess) -> None:
    assert wallet.call("told_in_vain") == ["overtaken", "overtaken", "overtaken"]


def test_what_was_typed_is_not_at_hand_once_the_book_is_locked_or_was_asked_to_open(wallet: WalletProcess) -> None:
    assert wallet.call("typed_forgotten") == [
        ["at hand", "none", 0],
        ["locked", "none", 1],
        ["passkey", "none", 1],
        ["at once", "none", 1],
        ["too late", "none", 1],
        ["a minute", "none", 1],
    ]


def test_what_needs_no_key_is_asked_for_while_a_pin_is_typed_and_not_again_soon_after(wallet: WalletProcess) -> None:
    # Rows read and vault asked by then; what came of the PIN; how often they were in the end, and how the book stands.
    assert wallet.call("asked_while_typing") == [
        ["not typed", 0, 0, "none", 1, 1, "open"],
        ["typed", 0, 1, "none", 1, 1, "open"],
        ["wrong", 0, 1, "pin", 1, 1, "locked"],
        ["later", 0, 1, "none", 1, 2, "open"],
        ["overtaken", 0, 1, "none", 1, 3, "open"],  # the other phone asked, too
    ]


def test_a_link_is_followed_by_no_other_opening_than_its_own(wallet: WalletProcess) -> None:
    assert wallet.call("link_of_before") == ["elsewhere", "open", ["https://centre.example.test/i/1"]]


def test_a_socket_that_cannot_be_opened_before_its_time_keeps_nobody_out(wallet: WalletProcess) -> None:
    assert wallet.call("early_socket") == [True, True, 1, 1]


def test_a_passkey_opens_beside_the_pin_on_its_phone_and_is_forgotten_with_it(wallet: WalletProcess) -> None:
    assert wallet.call("passkeys") == [
        *("passkey", None),  # nothing is remembered
        *("passkey", None),  # a PIN alone
        *(9, 1, ["id", "salt"]),  # a try of a PIN meanwhile is counted, and the passkey stays
        *(True, "passkey", "passkey"),  # its secret, another one, a shorter one
        *(True, True),  # the PIN in other digits; it takes nothing from the passkey
        "passkey",  # rows and secret on another phone
        *("passkey", True),  # given up
        "passkey",  # the tenth wrong PIN
    ]


def test_rows_are_sealed_each_in_its_place(wallet: WalletProcess) -> None:
    assert wallet.call("sealed_rows") == {
        "rows": [["b", {"n": 2}], ["c", {"n": 3}]],
        "frozen": "TypeError",
        "objects": 1,
        "whole": ["connection", "connection"],
        "tells": [],
        "swapped": "check_failed",
        "misplaced": "check_failed",  # what waits for the vault, as if it were a row
        "another": "check_failed",
    }


def test_what_is_written_in_a_moment_goes_in_one_revision(wallet: WalletProcess) -> None:
    assert wallet.call("together") == [
        *(1, True, 0, 1, "kept", 2, 1),
        *(2, 1, 3, 2, 3),  # what came waits to be dealt with, and is there once that is asked for
        *(4, 10_000, 1, 1_000),
    ]


def test_a_revision_tells_what_changed_in_a_row_and_is_read_whole(wallet: WalletProcess) -> None:
    assert wallet.call("changed") == {
        "isShort": [False, True, True, False, False, True],
        "rows": {"a": {"long": True, "state": 6, "more": []}, "b": {"small": 2}},
        "forms": ["check_failed", "none"],  # an older page does not read it, rather than lose half of it
        "nowhere": "check_failed",
    }


def test_a_book_moves_and_the_phone_before_learns_it(wallet: WalletProcess) -> None:
    told = wallet.call("moves")
    assert told["rows"] == {"a": {"n": 4}, "b": {"n": 3}, "c": {"n": 6}}
    assert (told["isRevised"], told["had"], told["objects"], told["stranger"]) == (2, True, 0, False)
    assert told["late"] == ["none", "overtaken", "overtaken", "overtaken", "elsewhere"]  # nothing goes out of it
    assert told["second"] == ["kept", 4, 3]
    assert not told["tells"]
    assert set(told["sizes"]) == {40}  # whole blocks, a nonce and a tag


def test_who_takes_over_brings_along_what_is_written_meanwhile(wallet: WalletProcess) -> None:
    assert wallet.call("raced") == [3, {"a": {"n": 3}}, "overtaken"]


def test_whenever_the_page_ends_the_next_visit_goes_on(wallet: WalletProcess) -> None:
    assert wallet.call("ended") == ["kept true"] * 12


def test_a_host_that_was_restored_or_has_lost_the_vault_gets_it_again(wallet: WalletProcess) -> None:
    restored, fresh, _ = wallet.call("host_knows_less")
    assert (restored, fresh) == ({"a": {"n": 3}}, {"z": {"n": 1}})


def test_a_host_that_is_away_or_full_and_a_book_that_was_deleted(wallet: WalletProcess) -> None:
    assert wallet.call("away_full_deleted") == {
        "away": ["waiting", "unreachable"],
        "kept": "kept",
        "bases": True,
        "full": ["vault_full", "full"],
        "again": "kept",
        "deleted": ["vault_deleted", "deleted", "vault_deleted"],
    }


def test_a_host_that_lies_is_found_out(wallet: WalletProcess) -> None:
    outcomes = wallet.call("host_lies")
    assert {name: code for name, code in outcomes.items() if code != "check_failed"} == {}
    assert len(outcomes) == 7


def test_now_and_then_a_base_stands_for_all_before_it(wallet: WalletProcess) -> None:
    told = wallet.call("long_life", steps=120)
    assert told["same"]
    assert told["most"] <= 50
    assert told["bases"] >= 3


def test_what_a_page_is_told_on_two_phones(wallet: WalletProcess) -> None:
    assert wallet.call("sessions") == [
        ["new", "none", "state", "state"],
        ["short", "pin_length", "none"],
        ["made", "open", 0, None],  # the link is kept: nobody is reached here
        ["locked", "locked", "state", "pin"],
        ["next visit", "open", ["waiting"]],
        ["no book", "no_book", "none"],
        ["moved", "open", ["waiting"]],
        ["put away", []],
        ["overtaken", "elsewhere", "state"],
        ["taken back", "open"],
        ["history", "state", "pin", 0, "state", "state", "open"],
        ["overtaken in turn", "elsewhere"],
        ["somebody else's", "forgotten", "other_book", 1],
        ["host away", "open", "kept", "unreachable", "open"],
        ["deleted", "none", 0, False, 0],
        ["and there", "none", 0],
    ]


def test_what_is_under_way_when_the_book_is_closed_has_no_effect(wallet: WalletProcess) -> None:
    assert wallet.call("closed") == [
        ["a code is shown", "none"],
        ["another tab has it", "other-tab", "state"],
        ["unlock", "state", "other-tab", "state"],
        ["restore", "state", "other-tab", "state"],
        ["twice at once", ["none", "state"], "open"],
        ["locked", "state", None, "locked", False],
        ["writes", "state", "state", 1, "kept", {"a": {"n": 1}, "b": {"n": 2}}, {"a": {"n": 1}, "b": {"n": 2}}],
    ]


def test_what_is_looked_up_while_the_book_is_locked_goes_to_nobody(wallet: WalletProcess) -> None:
    assert wallet.call("locked_views") == [["none", "none"], ["state", "state"], None]


def test_a_lock_sends_what_waits_and_keeps_nobody_waiting(wallet: WalletProcess) -> None:
    assert wallet.call("lock_sends") == [
        ["locked", 0, "open"],
        ["locked", "state"],
        # The tab that took the book finds what was being sent, word for word, and what waits.
        ["other-tab", True, 1],
    ]


def test_tries_of_a_pin_are_counted_one_at_a_time(wallet: WalletProcess) -> None:
    assert wallet.call("tries") == [[3, 2, 1], 9, 0, False]


def test_a_host_that_knows_again_what_this_phone_wrote_is_no_other_phone(wallet: WalletProcess) -> None:
    assert wallet.call("host_blinks") == [
        ["once", "none", "kept", {"a": {"n": 4}}],
        ["with a write", "none", "kept", {"a": {"n": 4}, "b": {"n": 1}}],
        ["with another phone", "overtaken", "elsewhere", {"a": {"n": 4}}],
    ]


def test_the_same_number_is_not_the_same_revision(wallet: WalletProcess) -> None:
    assert wallet.call("same_number") == [[True, "overtaken", "elsewhere", {"a": {"n": 11}}]] * 2


def test_two_courses_of_a_book_do_not_mix(wallet: WalletProcess) -> None:
    assert wallet.call("mixed") == [3, 3, "check_failed"]


def test_who_uses_the_book_here_again_loses_nothing_that_waited(wallet: WalletProcess) -> None:
    assert wallet.call("used_here") == [
        "overtaken",
        "taken",
        [{"a": {"n": 3}}, {"c": {"signed": 1}}, {"file": {"version": 2}}],
        True,
        "older",
        ["a"],
        1,
    ]


def test_a_deletion_counts_if_the_key_signed_it_and_nothing_comes_after_it(wallet: WalletProcess) -> None:
    order, told, phase, _ = wallet.call("deletions")
    assert order == ["PUT", "DELETE"]
    assert told == [["check_failed", "locked"]] * 3
    assert phase == "open"


def test_where_code_and_pin_are_lost_a_new_book_may_begin(wallet: WalletProcess) -> None:
    assert wallet.call("anew") == ["forgotten", "no_book", True, "open", 43, "locked", "open", True, None]


def test_a_file_that_is_not_this_books_says_why(wallet: WalletProcess) -> None:
    assert wallet.call("bad_files") == {
        "whole": "none",
        "tells": [],
        **dict.fromkeys(("picture", "empty", "head", "unread"), "file"),
        **dict.fromkeys(("cut", "longer"), "file_cut"),
        "large": "file_large",
        "other": "file_code",
        "changed": "file_changed",
    }


def test_a_book_moves_by_a_file_and_never_back(wallet: WalletProcess) -> None:
    told = wallet.call("moves_by_file")
    assert told == {
        "its own host": ["vault", False],
        "host gone": "unreachable",
        "another host": ["file", 1, {"a": {"n": 2}}, {"c": {"signed": 1}}, {"anew": {}}, {}],
        "again": ["vault", "vault", 2, {"a": {"n": 1}}],
        "back": [{"a": {"n": 3}}, "overtaken", "elsewhere"],
        "apart": "file_apart",
    }


def test_who_opened_a_file_at_a_host_that_lost_the_book_is_not_written_over(wallet: WalletProcess) -> None:
    rows = {"a": {"n": 3}, "b": {"n": 1}}
    taken = {"c": {"n": 1}}  # what waited on the phone before
    assert wallet.call("file_after_a_loss") == ["file", "overtaken", 2, "taken", rows, taken, "overtaken"]
