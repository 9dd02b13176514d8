"""Writes `offline_frames.json`: `python -m tests.vectors.make_frame_vectors`.

Messages as codes that follow each other, and rows of texts that a camera may read, most of them hostile; the source is
docs/adr/0119-shown-without-a-network.md. Agents and the wallet read and write the same.
"""

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any, Final

from wanderbuch.plugins.trust.offline.frames import MAX_MESSAGE_BYTES, PART_BYTES, Carried, base45, frames_of_whole

FILE: Final = Path(__file__).parent / "offline_frames.json"


def deflated(message: bytes, *, level: int = 9) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(message) + packer.flush()


def noise(length: int) -> bytes:
    """Bytes that no compression makes shorter, the same each time."""
    state, made = 1, bytearray()
    while len(made) < length:
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        made.append(state >> 56)
    return bytes(made)


def frame(kind: int, place: int, count: int, digest: bytes, part: bytes) -> str:
    return "WB1/" + base45(bytes((kind, place, count)) + digest + part)


def vectors() -> dict[str, Any]:
    short, long = b'{"type":"an answer"}', noise(3 * PART_BYTES + 7)
    whole = deflated(long, level=0)
    frames = frames_of_whole(Carried.ANSWER, whole)
    other = frames_of_whole(Carried.ANSWER, deflated(long[::-1], level=0))
    small = frames_of_whole(Carried.ANSWER, deflated(short))
    digest = b"\x07" * 16
    bomb = frames_of_whole(Carried.ANSWER, deflated(bytes(MAX_MESSAGE_BYTES + 1)))
    edge = deflated(bytes(MAX_MESSAGE_BYTES))
    cut = frames_of_whole(Carried.ANSWER, deflated(short)[:-2])
    lying = [frame(2, place, 2, digest, bytes(PART_BYTES) if place == 0 else b"x") for place in range(2)]
    flood = [frame(2, 0, 2, number.to_bytes(16), bytes(PART_BYTES)) for number in range(40)]
    part = bytes(PART_BYTES)

    def case(name: str, texts: list[str], taken: list[str], message: bytes | None = None, before: int = 0) -> Any:
        return {
            "name": name,
            "texts": texts,
            "taken": taken,
            "before": before,
            "message": None if message is None else hashlib.sha256(message).hexdigest(),
        }

    news = ["new"] * len(frames)
    return {
        "source": "docs/adr/0119-shown-without-a-network.md",
        "written": [
            {
                "name": name,
                "carried": carried.name.lower(),
                "whole": body.hex(),
                "frames": frames_of_whole(carried, body),
            }
            for name, carried, body in (
                ("one frame", Carried.REQUEST, deflated(short)),
                ("a last one that is full", Carried.ANSWER, noise(2 * PART_BYTES)),
                ("a last one of one byte", Carried.ANSWER, noise(2 * PART_BYTES + 1)),
            )
        ],
        "read": [
            case("in order", frames, news, long, len(frames)),
            case("backwards", frames[::-1], news, long, len(frames)),
            case(
                "again and again",
                [*frames[:2], *frames],
                ["new", "new", "known", "known", *news[2:]],
                long,
                len(frames),
            ),
            case("one is missing", frames[1:], news[1:], before=len(frames) - 1),
            case(
                "as long as a message may be",
                frames_of_whole(Carried.ANSWER, edge),
                ["new"] * -(-len(edge) // PART_BYTES),
                bytes(MAX_MESSAGE_BYTES),
                -(-len(edge) // PART_BYTES),
            ),
            case(
                "a link in between",
                [frames[0], "https://x.example.test/?oob=e30", *frames[1:]],
                ["new", "foreign", *news[1:]],
                long,
                len(frames),
            ),
            case("nothing, blanks, another's codes", ["", " ", "wb1/000", "WB", "MECARD:N:X;;"], ["foreign"] * 5),
            case("another version", ["WB2/" + small[0][4:], "WB10/000"], ["version", "version"]),
            case(
                "a question where an answer is waited for",
                frames_of_whole(Carried.REQUEST, whole),
                ["carries"] * len(frames),
            ),
            case("no base45", ["WB1/" + small[0][4:-1] + "a", "WB1/0", "WB1/:::", "WB1/"], ["damaged"] * 4),
            case("longer than a frame", ["WB1/" + "0" * 10_000], ["damaged"]),
            case("a head without a part", [frame(2, 0, 1, digest, b"")], ["damaged"]),
            case(
                "no frames, too many, a place beyond",
                [frame(2, 0, 0, digest, b"x"), frame(2, 0, 65, digest, part), frame(2, 1, 1, digest, b"x")],
                ["damaged"] * 3,
            ),
            case(
                "a part that is not full, one that is too full",
                [frame(2, 0, 2, digest, b"x"), frame(2, 0, 1, digest, part + b"x")],
                ["damaged"] * 2,
            ),
            case(
                "what it carries is not known",
                [frame(0, 0, 1, digest, b"x"), frame(3, 0, 1, digest, b"x")],
                ["damaged"] * 2,
            ),
            case("another message takes its place", [*frames[:3], *small], ["new"] * 4, short, 1),
            case(
                "two messages by turns",
                [sent for pair in zip(frames, other, strict=True) for sent in pair],
                ["new"] * (2 * len(frames)),
                before=1,
            ),
            case(
                "two parts for one place",
                [frame(2, 0, 2, digest, part), frame(2, 0, 2, digest, b"\x01" + part[1:])],
                ["new", "damaged"],
            ),
            case("the digest of something else", lying, ["new", "new"], before=2),
            case("what cannot be inflated", frames_of_whole(Carried.ANSWER, b"\xff" * 9), ["new"], before=1),
            case("more than a message may have", bomb, ["new"] * len(bomb), before=len(bomb)),
            case("cut short", cut, ["new"], before=1),
            case("a flood of beginnings", flood, ["new"] * len(flood), before=1),
        ],
    }


def write() -> None:
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
