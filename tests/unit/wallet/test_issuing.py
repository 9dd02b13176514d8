"""The wallet takes credentials of the Python library, and refuses those in which anything at all was changed."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from tests.unit.wallet.centre import Centre, Json, issue_to_wallet
from tests.unit.wallet.random_cases import chances, random_values
from tests.unit.wallet.wallet_process import WalletProcess, WalletRefusedError

pytestmark = pytest.mark.needs("node")

PLACE = ("signature", "r_credential", "i")  # says what g_i is: a witness shows it (test_witnesses.py)


@pytest.fixture(scope="module")
def link_secret(wallet: WalletProcess) -> str:
    return str(wallet.call("new_link_secret"))


class Issued:
    """A credential that the wallet has asked for and not received yet."""

    def __init__(self, wallet: WalletProcess, centre: Centre, link_secret: str) -> None:
        self.wallet, self.centre, self.link_secret = wallet, centre, link_secret
        self.offer = centre.offer().to_dict()
        asked = wallet.call(
            "request", offer=self.offer, definition=centre.told()["definition"], link_secret=link_secret
        )
        self.secrets = asked["secrets"]
        self.values = random_values(chances(centre.name), centre)
        self.credential = centre.issue(self.offer, asked["request"], self.values).to_dict()

    def receive(self, credential: Json | None = None, **changed: Any) -> Json:
        told = {"secrets": self.secrets, "link_secret": self.link_secret, **self.centre.told(), **changed}
        received: Json = self.wallet.call("receive", credential=credential or self.credential, **told)
        return received


@pytest.fixture(scope="module")
def issued(wallet: WalletProcess, centres: list[Centre], link_secret: str) -> list[Issued]:
    return [Issued(wallet, centre, link_secret) for centre in centres]


def test_what_is_received_is_what_was_issued(issued: list[Issued]) -> None:
    for one in issued:
        received = one.receive()
        assert {name: value["raw"] for name, value in received["values"].items()} == one.values
        assert received["signature"]["p_credential"]["a"] == one.credential["signature"]["p_credential"]["a"]
        assert received["signature"]["p_credential"]["v"] != one.credential["signature"]["p_credential"]["v"]


def test_values_are_encoded_as_the_library_does(wallet: WalletProcess, issued: list[Issued]) -> None:
    raws = ["007", "+5", "-0", "+", "--1", "1_000", "٣", " 1", "1 ", "-2147483649", "2147483648", "0" * 40 + "1", "1.0"]
    centre = issued[1].centre
    names = centre.attributes
    values = {name: raws[number % len(raws)] for number, name in enumerate(names)}
    offer = centre.offer().to_dict()
    asked = wallet.call(
        "request", offer=offer, definition=centre.told()["definition"], link_secret=issued[1].link_secret
    )
    signed = centre.issue(offer, asked["request"], values).to_dict()["values"]
    told = wallet.call("encoded", raws=[values[name] for name in names])
    assert told == [signed[name]["encoded"] for name in names]


def test_a_credential_is_received_once_more_after_the_page_was_closed(issued: list[Issued]) -> None:
    kept = json.loads(json.dumps(issued[0].secrets))
    assert issued[0].receive(secrets=kept) == issued[0].receive()


def test_refuses_a_credential_for_another_link_secret(wallet: WalletProcess, issued: list[Issued]) -> None:
    with pytest.raises(WalletRefusedError, match="signature does not fit"):
        issued[0].receive(link_secret=wallet.call("new_link_secret"))


def test_refuses_a_credential_for_another_request(wallet: WalletProcess, issued: list[Issued]) -> None:
    other = Issued(wallet, issued[1].centre, issued[1].link_secret)
    with pytest.raises(WalletRefusedError, match="signature does not fit"):
        issued[1].receive(secrets=other.secrets)
    with pytest.raises(WalletRefusedError, match="correctness proof"):
        issued[1].receive(secrets=issued[1].secrets | {"nonce": other.secrets["nonce"]})


def test_refuses_a_revocable_credential_without_its_registry(issued: list[Issued]) -> None:
    with pytest.raises(WalletRefusedError, match="revocation registry"):
        issued[0].receive(registry=None)
    with pytest.raises(WalletRefusedError, match="no place"):
        issued[1].receive(registry=issued[0].centre.told()["registry"])


def test_refuses_a_credential_whose_revocation_was_left_out(issued: list[Issued]) -> None:
    credential = deepcopy(issued[0].credential)
    credential["signature"]["r_credential"] = None
    for name in ("rev_reg_id", "rev_reg", "witness"):
        del credential[name]
    with pytest.raises(WalletRefusedError, match="no place"):
        issued[0].receive(credential)


def test_refuses_texts_that_are_not_what_was_signed(issued: list[Issued]) -> None:
    credential = deepcopy(issued[1].credential)
    name = next(name for name in issued[1].centre.attributes if name not in ("award_year", "eqf_level"))
    credential["values"][name]["raw"] = "master welder"
    with pytest.raises(WalletRefusedError, match="not the text that stands beside it"):
        issued[1].receive(credential)


def leaves(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The paths to all texts and numbers of a credential."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, *path, name)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, *path, number)
    elif value is not None:
        yield path


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def changed(value: Json, path: tuple[str | int, ...], new: object) -> Json:
    """A copy with one leaf changed, or without it if `new` is `...`."""
    copy = deepcopy(value)
    parent = at(copy, path[:-1])
    if new is ...:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return copy


def another(leaf: str | int) -> str | int:
    """A neighbour: one more, or the last letter changed."""
    if isinstance(leaf, int):
        return leaf + 1
    if leaf.isdecimal():
        return str(int(leaf) + 1)
    return leaf[:-1] + ("0" if leaf[-1:] != "0" else "1")


@pytest.mark.parametrize("number", [0, 2])
def test_refuses_a_credential_in_which_any_one_value_is_another(issued: list[Issued], number: int) -> None:
    one = issued[number]
    paths = [path for path in leaves(one.credential) if path != PLACE]
    assert len(paths) > 20
    for path in paths:
        with pytest.raises(WalletRefusedError):
            one.receive(changed(one.credential, path, another(at(one.credential, path))))


def test_refuses_a_credential_that_is_mixed_of_two(wallet: WalletProcess, issued: list[Issued]) -> None:
    one, other = issued[2], Issued(wallet, issued[2].centre, issued[2].link_secret)
    for path in leaves(one.credential):
        if path != PLACE and (taken := at(other.credential, path)) != at(one.credential, path):
            with pytest.raises(WalletRefusedError):
                one.receive(changed(one.credential, path, taken))


def test_refuses_an_offer_whose_proof_is_of_another_key(
    wallet: WalletProcess, centres: list[Centre], link_secret: str
) -> None:
    offer = centres[2].offer().to_dict()
    told = centres[2].told()["definition"]
    proof = offer["key_correctness_proof"]
    for path in leaves(proof):
        with pytest.raises(WalletRefusedError):
            wallet.call(
                "request",
                offer=offer | {"key_correctness_proof": changed(proof, path, another(at(proof, path)))},
                definition=told,
                link_secret=link_secret,
            )
    for other in (centres[0], centres[1]):
        with pytest.raises(WalletRefusedError):
            wallet.call("request", offer=offer, definition=other.told()["definition"], link_secret=link_secret)


def test_an_offer_whose_proof_was_checked_is_answered_without_it_and_one_that_was_not_never_is(
    wallet: WalletProcess, centres: list[Centre], link_secret: str
) -> None:
    centre = centres[2]
    offer, told = centre.offer().to_dict(), {"definition": centre.told()["definition"]}
    rest = {name: value for name, value in offer.items() if name != "key_correctness_proof"}
    assert wallet.call("checked_offer", offer=offer, **told) == rest
    asked = wallet.call("request", offer=rest, link_secret=link_secret, is_key_checked=True, **told)
    credential = centre.issue(offer, asked["request"], random_values(chances("checked"), centre)).to_dict()
    assert wallet.call(
        "receive", credential=credential, secrets=asked["secrets"], link_secret=link_secret, **centre.told()
    )
    with pytest.raises(WalletRefusedError):
        wallet.call("request", offer=rest, link_secret=link_secret, **told)
    proof = offer["key_correctness_proof"]
    for wrong in (proof | {"c": another(proof["c"])}, proof | {"xr_cap": proof["xr_cap"][1:]}, {}):
        with pytest.raises(WalletRefusedError):
            wallet.call("checked_offer", offer=offer | {"key_correctness_proof": wrong}, **told)
    with pytest.raises(WalletRefusedError):
        wallet.call("checked_offer", offer=offer, definition=centres[0].told()["definition"])


def test_two_requests_for_one_offer_have_nothing_in_common(
    wallet: WalletProcess, centres: list[Centre], link_secret: str
) -> None:
    offer = centres[2].offer().to_dict()
    told = {"offer": offer, "definition": centres[2].told()["definition"], "link_secret": link_secret}
    requests = [wallet.call("request", **told)["request"] for _ in range(2)]
    texts = [{str(at(request, path)) for path in leaves(request)} for request in requests]
    assert texts[0] & texts[1] == {"master_secret", centres[2].definition_id}


def test_the_link_secret_shows_itself_nowhere(wallet: WalletProcess, link_secret: str) -> None:
    shown = wallet.call("shown_link_secret", link_secret=link_secret)
    assert shown == ["[link secret]", "[link secret]", "a link secret is sealed, not written as JSON"]


def test_no_error_repeats_what_was_sent(wallet: WalletProcess, centres: list[Centre], link_secret: str) -> None:
    entry = issue_to_wallet(wallet, centres[2], link_secret, {"occupation": "a secret word", "level": "4"})
    assert entry.credential["values"]["occupation"]["raw"] == "a secret word"
    one = Issued(wallet, centres[2], link_secret)
    one.credential["values"]["occupation"]["raw"] = "a secret word"
    with pytest.raises(WalletRefusedError) as refused:
        one.receive()
    assert "secret word" not in str(refused.value)
    assert link_secret not in str(refused.value)
