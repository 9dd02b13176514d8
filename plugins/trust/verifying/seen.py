"""What a verifier saw: the values that an answer revealed, apart from the verification, so that they can be forgotten.

They are an entry of their own, under the verification's id, written before the decision that accepts them and in the
same session: a decision never lacks what it rests on. Where a crash, or another process, came between the two, they
belong to no decision: nobody is shown them, and whoever decides then removes them. When they are forgotten stands in
the verification: it is due then.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.plugins.trust.verifying.exchange import VerificationState, open_verifications
from wanderbuch.store.markers import Beside

SEEN: Final = "wanderbuch.seen"
"""Category of the entries."""
_VALUES: Final = msgspec.json.Decoder(dict[str, str])


def keeping_seen(verification_id: str, values: Mapping[str, str]) -> Beside:
    """Return what keeps what an answer revealed; what was kept of the same answer before a crash stays."""

    async def keep(handle: Any) -> None:
        try:
            await handle.insert(SEEN, verification_id, msgspec.json.encode(dict(values)))
        except AskarError as err:
            if err.code != AskarErrorCode.DUPLICATE:
                raise

    return keep


def forgetting_seen(verification_id: str) -> Beside:
    """Return what removes what an answer revealed, if it is there."""

    async def forget(handle: Any) -> None:
        try:
            await handle.remove(SEEN, verification_id)
        except AskarError as err:
            if err.code != AskarErrorCode.NOT_FOUND:
                raise

    return forget


async def seen_of(profile: Profile, verification_id: str) -> dict[str, str] | None:
    """Return what was seen, None if nothing was, or it is forgotten."""
    async with profile.session() as session:
        entry = await session.handle.fetch(SEEN, verification_id)
    return None if entry is None else _VALUES.decode(bytes(entry.value))


async def forget_seen(profile: Profile, verification_id: str) -> None:
    """Remove what was seen now."""
    async with profile.session() as session:
        await forgetting_seen(verification_id)(session.handle)


async def forget_due(profile: Profile, now: datetime) -> None:
    """Remove what was seen for long enough, where no desk is open that would."""
    async with open_verifications(profile).claiming(now, due_of=lambda seen: seen.due_again(now)) as due:
        async for verification in due:
            if verification.state is VerificationState.DECIDED:
                await forget_seen(profile, verification.id)
