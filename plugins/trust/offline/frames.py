"""A message as square codes that are shown in turn, for two who have no network. Pure.

One code is one frame: `WB1/` and, in base45 (RFC 9285), what it carries (1 for a request, 2 for an answer), its place,
how many there are, the first 16 bytes of the SHA-256 of the whole, and its part of the whole: 520 bytes, less in the
last one. The whole is the message, deflated (RFC 1951). `wallet/src/codes/frames.ts` is the same.

What is read of a frame, in this order:

1. A text that begins otherwise is foreign; `WB` and another number is of a version that is not known here.
2. Its form: canonical base45; at most `MAX_FRAMES`; a place among them; a part that is full, but in the last frame.
3. It carries what is waited for.
4. A frame of another whole, or another number of frames, begins anew: only the whole that was seen last is kept, which
   is at most 33,280 bytes, whatever is shown.
5. A place that was seen with another part: nobody knows which is right, so it begins anew with none.
6. When all are there, the digest is compared; another one: it begins anew with none.
7. It is inflated to at most `MAX_MESSAGE_BYTES`.
"""

import hashlib
import re
import zlib
from enum import Enum, IntEnum
from typing import ClassVar, Final

from wanderbuch.errors import ExchangeError

MAX_FRAMES: Final = 64
PART_BYTES: Final = 520
MAX_MESSAGE_BYTES: Final = 256 * 1024
_PREFIX: Final = "WB1/"
_OTHER_VERSION: Final = re.compile(r"WB[0-9]+/")
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_BASE: Final = len(_ALPHABET)
_VALUES: Final = {digit: value for value, digit in enumerate(_ALPHABET)}
_DIGEST_BYTES: Final = 16
_HEAD_BYTES: Final = 3 + _DIGEST_BYTES
_LONGEST: Final = len(_PREFIX) + -(-(_HEAD_BYTES + PART_BYTES) * 3 // 2)


class Carried(IntEnum):
    """What frames carry."""

    REQUEST = 1
    ANSWER = 2


class FrameOutcome(Enum):
    """What became of a text that was read: taken, known before, or why it was not."""

    NEW = "new"
    KNOWN = "known"
    FOREIGN = "foreign"
    VERSION = "version"
    CARRIES = "carries"
    DAMAGED = "damaged"


class FramesError(ExchangeError):
    """A message cannot be shown as codes, or codes that were read are not the message that they should be."""

    code: ClassVar[str] = "exchange.codes"


_REFUSED: Final = {
    FrameOutcome.FOREIGN: "one of the codes is none of ours: show the codes of the wallet alone, and scan again",
    FrameOutcome.VERSION: "the codes are of another version of this program: bring both sides up to date",
    FrameOutcome.CARRIES: "the codes are a question, not an answer: scan the codes on the worker's phone",
    FrameOutcome.DAMAGED: "the codes do not belong together: scan them again",
}


def frames_of(carried: Carried, message: bytes) -> list[str]:
    """Return the frames of a message.

    Raises:
        FramesError: it is too long to be shown.
    """
    if len(message) > MAX_MESSAGE_BYTES:
        raise FramesError(f"expected a message of at most {MAX_MESSAGE_BYTES} bytes, to show it as codes")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return frames_of_whole(carried, packer.compress(message) + packer.flush())


def frames_of_whole(carried: Carried, whole: bytes) -> list[str]:
    """Return the frames of a message that is deflated; errors as with `frames_of`."""
    count = -(-len(whole) // PART_BYTES)
    if not 1 <= count <= MAX_FRAMES:
        raise FramesError(
            f"expected a message of 1 to {MAX_FRAMES} codes, found one of {count}",
            hint="ask for less at once: an occupation that fewer issuers may attest, or one certificate",
        )
    digest = hashlib.sha256(whole).digest()[:_DIGEST_BYTES]
    return [
        _PREFIX + base45(bytes((carried, place, count)) + digest + whole[place * PART_BYTES : (place + 1) * PART_BYTES])
        for place in range(count)
    ]


class FrameCollector:
    """The frames of one message, as they are read in any order.

    Args:
        carried: what is waited for.
    """

    def __init__(self, carried: Carried) -> None:
        self._carried = carried
        self._begin(b"", 0)

    @property
    def count(self) -> int:
        """How many frames there are; 0: none was seen."""
        return self._count

    @property
    def have(self) -> int:
        """How many of them are here."""
        return len(self._parts)

    def add(self, text: str) -> FrameOutcome:
        """Take a text that was read, if it is a frame."""
        if not text.startswith(_PREFIX):  # 1
            return FrameOutcome.VERSION if _OTHER_VERSION.match(text[:16]) else FrameOutcome.FOREIGN
        received = None if len(text) > _LONGEST else from_base45(text[len(_PREFIX) :])  # 2
        if received is None or len(received) <= _HEAD_BYTES:
            return FrameOutcome.DAMAGED
        kind, place, count = received[:3]
        part = received[_HEAD_BYTES:]
        is_full = len(part) == PART_BYTES or (place == count - 1 and len(part) < PART_BYTES)
        if count > MAX_FRAMES or place >= count or not is_full or kind not in (Carried.REQUEST, Carried.ANSWER):
            return FrameOutcome.DAMAGED
        if kind != self._carried:  # 3
            return FrameOutcome.CARRIES
        of = received[2:_HEAD_BYTES]
        if of != self._of:  # 4
            self._begin(of, count)
        known = self._parts.get(place)
        if known is not None and known != part:  # 5
            self._begin(b"", 0)
            return FrameOutcome.DAMAGED
        self._parts[place] = part
        return FrameOutcome.NEW if known is None else FrameOutcome.KNOWN

    def message(self) -> bytes | None:
        """Return the message, once all frames are here; None: they are not, or it is damaged and all of it is gone."""
        if self._count == 0 or len(self._parts) < self._count:
            return None
        whole = b"".join(self._parts[place] for place in range(self._count))
        is_same = bytes((self._count,)) + hashlib.sha256(whole).digest()[:_DIGEST_BYTES] == self._of  # 6
        message = _inflated(whole) if is_same else None  # 7
        if message is None:
            self._begin(b"", 0)
        return message

    def _begin(self, of: bytes, count: int) -> None:
        self._of, self._count = of, count
        self._parts: dict[int, bytes] = {}


def message_of(carried: Carried, texts: list[str]) -> bytes:
    """Return the message of frames that were all read.

    Raises:
        FramesError: one of them is none, or they are not one whole message.
    """
    collector = FrameCollector(carried)
    for text in texts[: MAX_FRAMES + 1]:
        taken = collector.add(text)
        if taken in _REFUSED:
            raise FramesError(_REFUSED[taken])
    message = collector.message()
    if message is None or len(texts) > MAX_FRAMES:
        raise FramesError(_REFUSED[FrameOutcome.DAMAGED])
    return message


def base45(content: bytes) -> str:
    """Return bytes as base45.

    >>> base45(b"Hello!!")
    '%69 VD92EX0'
    """
    digits: list[str] = []
    for at in range(0, len(content), 2):
        pair = content[at : at + 2]
        value = int.from_bytes(pair)
        for _ in range(len(pair) + 1):
            value, digit = divmod(value, _BASE)
            digits.append(_ALPHABET[digit])
    return "".join(digits)


def from_base45(text: str) -> bytes | None:
    r"""Return the bytes that a text writes; None: it is not base45.

    >>> from_base45("QED8WEX0"), from_base45("GGW"), from_base45("a")
    (b'ietf!', b'\xff\xff', None)
    """
    content = bytearray()
    if len(text) % 3 == 1:
        return None
    for at in range(0, len(text), 3):
        digits = [_VALUES.get(digit, -1) for digit in text[at : at + 3]]
        if -1 in digits:
            return None
        value = sum(digit * _BASE**power for power, digit in enumerate(digits))
        if value >= 1 << 8 * (len(digits) - 1):
            return None
        content += value.to_bytes(len(digits) - 1)
    return bytes(content)


def _inflated(whole: bytes) -> bytes | None:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        message = unpacker.decompress(whole, MAX_MESSAGE_BYTES + 1)
    except zlib.error:
        return None
    return message if unpacker.eof and not unpacker.unused_data and len(message) <= MAX_MESSAGE_BYTES else None
