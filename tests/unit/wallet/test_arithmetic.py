"""The quick ways of the wallet's arithmetic give what slow ones give."""

import pytest
from tests.unit.wallet.random_cases import chances
from tests.unit.wallet.wallet_process import WalletProcess

pytestmark = pytest.mark.needs("node")

_N = (2**127 - 1) * (2**521 - 1)


def test_quick_ways_give_what_slow_ones_give(wallet: WalletProcess) -> None:
    drawn = chances("arithmetic")
    exponents = [
        0,
        1,
        2,
        31,
        32,
        33,
        63,
        64,
        65,
        2**200,
        2**592 - 1,
        *(drawn.getrandbits(bits) for bits in range(5, 700, 60)),
    ]
    scalars = [drawn.getrandbits(bits) for bits in (126, 127, 128, 253, 254, 255, 300)]
    told = {
        "n": str(_N),
        "exponents": [str(exponent) for exponent in exponents],
        "scalars": [str(scalar) for scalar in scalars],
    }
    assert wallet.call("arithmetic", **told) == []


def test_pairings_are_those_of_the_library(wallet: WalletProcess) -> None:
    drawn = chances("pairings")
    scalars = [1, 2, *(drawn.getrandbits(bits) for bits in (64, 127, 200, 253))]
    assert wallet.call("pairings", scalars=[str(scalar) for scalar in scalars]) == []


def test_a_point_outside_its_group_is_paired_with_nothing(wallet: WalletProcess) -> None:
    assert wallet.call("unpaired") == [False, True, True, True, True]
