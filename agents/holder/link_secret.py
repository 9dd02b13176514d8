"""The link secret of a wallet: what binds all its credentials to it, and never leaves it.

It stands where ACA-Py's holder has it, and is at hand for as long as the wallet is open, as its key is.
"""

from typing import Final
from weakref import ref

from acapy_agent.anoncreds.holder import CATEGORY_MASTER_SECRET, AnonCredsHolder
from acapy_agent.core.profile import Profile
from anoncreds import create_link_secret
from aries_askar import AskarError, AskarErrorCode

LINK_SECRET_ID: Final = AnonCredsHolder.MASTER_SECRET_ID

_AT_HAND: dict[int, tuple[ref[Profile], str]] = {}
"""By the very profile that is open: a tenant that was removed and made anew has another, and another secret."""


async def link_secret(profile: Profile) -> str:
    """Return the link secret of a wallet; the first time it is made."""
    place = id(profile)
    remembered = _AT_HAND.get(place)
    if remembered is not None and remembered[0]() is profile:
        return remembered[1]
    secret = await _fetched(profile)
    _AT_HAND[place] = ref(profile, lambda _: _AT_HAND.pop(place, None)), secret
    return secret


async def _fetched(profile: Profile) -> str:
    async with profile.session() as session:
        entry = await session.handle.fetch(CATEGORY_MASTER_SECRET, LINK_SECRET_ID)
        if entry is None:
            made = create_link_secret()
            try:
                await session.handle.insert(CATEGORY_MASTER_SECRET, LINK_SECRET_ID, made)
            except AskarError as err:
                if err.code != AskarErrorCode.DUPLICATE:
                    raise
                entry = await session.handle.fetch(CATEGORY_MASTER_SECRET, LINK_SECRET_ID)  # another process made it
            else:
                return str(made)
    return bytes(entry.value).decode("ascii")
