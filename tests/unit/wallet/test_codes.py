"""The wallet's side of codes that follow each other: the vectors of the agents' side."""

import hashlib
import json
import zlib
from typing import Any

import pytest
from tests.unit.wallet.wallet_process import WalletProcess
from tests.vectors.make_frame_vectors import FILE

from wanderbuch.plugins.trust.offline.frames import MAX_FRAMES, MAX_MESSAGE_BYTES, PART_BYTES, Carried, message_of

pytestmark = pytest.mark.needs("node")
VECTORS: dict[str, Any] = json.loads(FILE.read_text())


def test_vectors(wallet: WalletProcess) -> None:
    wrong = [
        written["name"]
        for written in VECTORS["written"]
        if wallet.call("frames_of_whole", carried=written["carried"], whole=written["whole"]) != written["frames"]
    ]
    most = MAX_FRAMES * PART_BYTES
    assert len(wallet.call("frames_of_whole", carried="answer", whole=bytes(most).hex())) == MAX_FRAMES
    assert wallet.call("frames_of_whole", carried="answer", whole=bytes(most + 1).hex()) is None
    for case in VECTORS["read"]:
        told = wallet.call("collect_frames", carried="answer", texts=case["texts"])
        message = None if told["message"] is None else hashlib.sha256(bytes.fromhex(told["message"])).hexdigest()
        if (told["taken"], told["before"], message) != (case["taken"], case["before"], case["message"]):
            wrong.append(case["name"])
    assert wrong == []


def test_a_bomb_is_inflated_by_small_slices(wallet: WalletProcess) -> None:
    whole = zlib.compress(bytes(30 << 20), wbits=-15)
    frames = wallet.call("frames_of_whole", carried="answer", whole=whole.hex())
    is_taken, at_once = wallet.call("inflated_at_once", frames=frames)
    assert not is_taken
    assert 0 < at_once <= 4_096


def test_what_the_wallet_shows_an_agent_reads(wallet: WalletProcess) -> None:
    message = json.dumps({"numbers": [str(3**power) for power in range(500)]}).encode()
    frames = wallet.call("frames_of", carried="answer", message=message.hex())
    assert message_of(Carried.ANSWER, frames[::-1]) == message
    assert len(frames) <= -(-len(zlib.compress(message)) // 500)
    assert wallet.call("frames_of", carried="answer", message=bytes(MAX_MESSAGE_BYTES + 1).hex()) is None
