"""X25519 public keys with which every secret comes to the same: an envelope for one, or by one, is everybody's.

A key agreement with a point of small order gives zeros, whatever the other side's secret is (RFC 7748 §6.1). So anybody
could open what is sent to such a key, and write in its owner's name.
"""

from typing import Final

from aries_askar import Key, KeyAlg

_P: Final = 2**255 - 19
_SMALL: Final = frozenset(
    {
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        _P - 1,
    }
)
"""The u-coordinates of the points whose order divides eight, on the curve and on its twist."""


def is_low_order(key: Key) -> bool:
    """Tell whether a public key is an X25519 point of small order; other curves have none."""
    return key.algorithm is KeyAlg.X25519 and is_low_order_point(key.get_public_bytes())


def is_low_order_point(point: bytes) -> bool:
    """Tell whether an X25519 point, 32 bytes, is one of small order, in whatever spelling."""
    return (int.from_bytes(point, "little") & (2**255 - 1)) % _P in _SMALL
