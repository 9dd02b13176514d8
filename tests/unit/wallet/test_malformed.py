"""Malformed input: numbers too large, negative, not canonical, no numbers at all, members that are missing or strange.

Every one is refused with a clear error before any work is done with it; a huge one ends no later than a small one.
"""

from typing import Any, Final

import pytest
from tests.thorough import IS_THOROUGH
from tests.unit.wallet.centre import Centre, Json
from tests.unit.wallet.random_cases import chances, random_values
from tests.unit.wallet.test_issuing import at, changed, leaves
from tests.unit.wallet.wallet_process import WalletProcess, WalletRefusedError

pytestmark = pytest.mark.needs("node")

HUGE: Final = "9" * 200_000
CORPUS: Final[list[object]] = [
    ...,
    None,
    True,
    0.5,
    -1,
    2**63,
    [],
    {},
    [[[]]],
    "",
    "0",
    "-1",
    "+1",
    " 1",
    "1 ",
    "1e5",
    "0x1f",
    "1_000",
    "٣",
    "NaN",
    "1\n",
    HUGE,
    "0" * 200_000 + "1",
    "1 " + "F" * 200_000,
    {"__proto__": {"raw": "x"}},
]
"""What a leaf is replaced by; `...` takes it away."""

TEXTS: Final = ("schemaId", "issuerId", "tag", "tailsLocation", "credDefId", "name", "version", "restrictions")
"""Members of definitions, registries and requests that are texts for others, or that the wallet does not read."""


def refusal(wallet: WalletProcess, call: str, **told: Any) -> str:
    """What the wallet says; it must refuse, and must not repeat what it was sent."""
    with pytest.raises(WalletRefusedError) as refused:
        wallet.call(call, **told)
    text = str(refused.value)
    assert refused.value.code in {"malformed", "check_failed"}
    assert len(text) < 400
    return text


def every_other(value: Json, skip: tuple[str, ...] = ()) -> list[tuple[tuple[str | int, ...], Json]]:
    """All that a corpus makes of a value, each leaf in turn by a few of the corpus, all of it over all leaves."""
    made = []
    for number, path in enumerate(path for path in leaves(value) if not set(path) & set(skip)):
        for turn in range(4 if IS_THOROUGH else 2):
            new = CORPUS[(4 * number + turn) % len(CORPUS)]  # all of it, over a few leaves
            if new != at(value, path):
                made.append((path, changed(value, path, new)))
    return made


def test_credential_definitions(wallet: WalletProcess, centres: list[Centre]) -> None:
    for centre in (centres[2], centres[1]):
        told = centre.definition.to_dict()
        for path, broken in every_other(told, TEXTS):
            if "r" in path and "master_secret" not in path and path[-1] not in at(broken, path[:-1]):
                continue  # a key for one attribute less is a key
            complaint = refusal(wallet, "definition", definition={"id": centre.definition_id, "json": broken})
            assert complaint.startswith("credential definition"), path


@pytest.mark.parametrize("name", ["n", "s", "z", "rctxt"])
def test_numbers_of_a_key_that_hide_nothing(wallet: WalletProcess, centres: list[Centre], name: str) -> None:
    told = centres[2].definition.to_dict()
    n = int(told["value"]["primary"]["n"])
    others = (2**2047 - 1, n + 1, 2 * n, 2**2050) if name == "n" else (n - 1, n, n + 1, 2**2050)
    for number in (0, 1, n * n, *others):
        broken = changed(told, ("value", "primary", name), str(number))
        refusal(wallet, "definition", definition={"id": centres[2].definition_id, "json": broken})


def test_points_that_are_not_of_their_group(wallet: WalletProcess, centres: list[Centre]) -> None:
    told = centres[2].definition.to_dict()
    revocation = told["value"]["revocation"]
    infinity = " ".join(["1 0000000000000000000000000000000000000000000000000000000000000000"] * 3)
    for name, point in revocation.items():
        words = point.split(" ")
        for new in (
            infinity,
            f"{infinity} {infinity}",
            " ".join(words[:-2]),
            f"{point} 1 00",
            " ".join([*words[:1], words[3], words[2], words[1], *words[4:]]),
            "1 1 1 0 1 1",  # y = 0
            "1 1 1 0 1 0 1 0 1 1 1 0",
        ):
            refusal(
                wallet,
                "definition",
                definition={"id": centres[2].definition_id, "json": changed(told, ("value", "revocation", name), new)},
            )


def test_revocation_registries(wallet: WalletProcess, centres: list[Centre]) -> None:
    told = centres[2].registry
    assert told is not None
    for _, broken in every_other(told.to_dict(), (*TEXTS, "tailsHash")):
        refusal(wallet, "registry", registry={"id": centres[2].registry_id, "json": broken})


def test_offers(wallet: WalletProcess, centres: list[Centre]) -> None:
    centre = centres[2]
    secret = wallet.call("new_link_secret")
    for _, broken in every_other(centre.offer().to_dict(), ("method_name",)):
        refusal(wallet, "request", offer=broken, definition=centre.told()["definition"], link_secret=secret)


def test_credentials(wallet: WalletProcess, centres: list[Centre]) -> None:
    centre = centres[2]
    secret, offer = wallet.call("new_link_secret"), centre.offer().to_dict()
    asked = wallet.call("request", offer=offer, definition=centre.told()["definition"], link_secret=secret)
    values = random_values(chances("malformed"), centre)
    credential = centre.issue(offer, asked["request"], values).to_dict()
    told = {"secrets": asked["secrets"], "link_secret": secret, **centre.told()}
    for path, broken in every_other(credential):
        if path != ("signature", "r_credential", "i"):
            refusal(wallet, "receive", credential=broken, **told)
    for new in (0, -1, 1.5, "1", 2**31, None, ...):
        refusal(wallet, "receive", credential=changed(credential, ("signature", "r_credential", "i"), new), **told)
    for strange in (None, [], "text", 5, {}, {"values": {"__proto__": {"raw": "1", "encoded": "1"}}}):
        refusal(wallet, "receive", credential=strange, **told)


@pytest.mark.parametrize("kind", ["composite", "too small", "too large"])
def test_an_e_that_is_no_prime_of_its_range(wallet: WalletProcess, centres: list[Centre], kind: str) -> None:
    centre = centres[1]
    secret, offer = wallet.call("new_link_secret"), centre.offer().to_dict()
    asked = wallet.call("request", offer=offer, definition=centre.told()["definition"], link_secret=secret)
    credential = centre.issue(offer, asked["request"], random_values(chances("e"), centre)).to_dict()
    e = {"composite": 2**596 + 2**100 + 9, "too small": 2**596 - 1, "too large": 2**596 + 2**119 + 1}[kind]
    broken = changed(credential, ("signature", "p_credential", "e"), str(e))
    complaint = refusal(
        wallet, "receive", credential=broken, secrets=asked["secrets"], link_secret=secret, **centre.told()
    )
    assert "prime" in complaint if kind == "composite" else "2^596" in complaint


def test_presentation_requests(wallet: WalletProcess) -> None:
    request: Json = {
        "nonce": "1234567890",
        "requested_attributes": {"a": {"names": ["x", "y"]}, "b": {"name": "z"}},
        "requested_predicates": {"c": {"name": "level", "p_type": ">=", "p_value": 4}},
    }
    told: Json = {"choices": [], "link_secret": wallet.call("new_link_secret")}
    names = {("requested_attributes", "b", "name"), ("requested_predicates", "c", "name")}
    for path in leaves(request):
        for new in CORPUS:
            # A text is as good a name as any other; what is missing there is an answer.
            if (path in names or "names" in path) and isinstance(new, str) and len(new) < 256:
                continue
            if path == ("requested_predicates", "c", "p_value") and new in (-1, True):
                continue
            if "names" in path and new is ...:
                continue
            refusal(wallet, "present", request=changed(request, path, new), **told)
    many = {str(number): {"name": "x"} for number in range(1_000)}
    refusal(wallet, "present", request=request | {"requested_attributes": many}, **told)
    refusal(wallet, "present", request=request | {"requested_attributes": {"x" * 1_000: {"name": "x"}}}, **told)
    refusal(wallet, "present", request=request | {"requested_attributes": {"a": {"name": "x", "names": ["x"]}}}, **told)
    refusal(wallet, "present", request=request | {"requested_attributes": {"a": {"names": ["x", "x"]}}}, **told)


def test_primes_and_squares(wallet: WalletProcess) -> None:
    carmichael = [561, 41041, 825265, 321197185, 3215031751, 341550071728321]
    primes = [2, 3, 37, 41, 2**61 - 1, 2**127 - 1, 2**521 - 1]
    assert wallet.call("primes", numbers=[str(number) for number in (*carmichael, 0, 1, 4, 2**521 + 1)]) == [False] * 10
    assert wallet.call("primes", numbers=[str(number) for number in primes]) == [True] * len(primes)
    sums = [*range(200), 7 * 4**14, 3 * 2**29, 2**30, 2**31 - 1, 1_506_099_439, 79_764_104]
    squares = wallet.call("four_squares", sums=sums)
    assert [sum(root * root for root in roots) for roots in squares] == sums
