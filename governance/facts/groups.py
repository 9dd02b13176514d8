"""Groups of occupations: what of a group a scope covers, and the widest parts that scopes tell apart.

"C72" stands for everything that begins with 72. Within a part that no code of some scopes divides, each of these codes
either stands for the whole part or has nothing to do with it, so all of its unit groups are alike.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from wanderbuch.schemas.occupations import OccupationCode

_MAX_DIVISIONS: Final = 4096


def parts(code: str, scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the widest groups within `code` that no code of `scopes` divides; `code` itself if none lies below it.

    >>> parts("C721", ["C7", "C7213"])
    ('C7211', 'C7212', 'C7213', 'C7214', 'C7215')
    >>> parts("C72", ["C72", "C721", "C9"])
    ('C721', 'C722', 'C723')
    """
    dividing = frozenset([scope for scope in scopes if len(scope) > len(code) and scope.startswith(code)])
    return _divided(code, dividing) if dividing else (code,)


@lru_cache(_MAX_DIVISIONS)
def _divided(code: str, dividing: frozenset[str]) -> tuple[str, ...]:
    return tuple([part for child in OccupationCode(code).children for part in parts(child, dividing)]) or (code,)


def covers_whole(scope: Sequence[str], excluded: Sequence[str], code: str) -> bool:
    """Return whether all of `code` stands in or below codes of `scope`, and nothing of it is excluded.

    >>> covers_whole(["C72"], ["C7213"], "C7212"), covers_whole(["C72"], ["C7213"], "C721")
    (True, False)
    """
    refused, within = tuple(excluded), tuple(scope)
    return all(part.startswith(within) and not part.startswith(refused) for part in parts(code, (*scope, *excluded)))


def nothing_left(excluded: Sequence[str], code: str) -> bool:
    """Return whether nothing of `code` is left once `excluded` is taken from it.

    >>> nothing_left(["C721", "C722", "C723"], "C72"), nothing_left(["C721"], "C72")
    (True, False)
    """
    refused = tuple(excluded)
    return all(part.startswith(refused) for part in parts(code, refused))


def overlap(scope: tuple[str, ...], code: str) -> bool:
    """Whether a code stands in, below or above one of the codes of `scope`."""
    return code.startswith(scope) or any(part.startswith(code) for part in scope)
