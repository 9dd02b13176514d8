"""Witnesses: what proves, with a status list, that one credential is not revoked.

To make one takes milliseconds and grows with the registry; to bring one up to a newer list takes next to nothing. So
each credential's last one is kept at hand, in bounded memory, and is made before it is needed: while the person reads.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from acapy_agent.core.profile import Profile
from anoncreds import AnoncredsError, CredentialRevocationState

from wanderbuch.errors import PresentationError
from wanderbuch.plugins.exchange.anoncreds.objects import LoadedRegistry, LoadedStatusList, Objects
from wanderbuch.plugins.webvh.tails import place_tails
from wanderbuch.store.tables import tenant_of

_MAX_WITNESSES: Final = 512
_MAX_PLACES: Final = 2_000_000  # on the lists that they were made with, each list counted once


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness.

    Args:
        status: the list that it was made with.
        state: it, as the library has it.
    """

    status: LoadedStatusList
    state: CredentialRevocationState = field(repr=False)


class Witnesses:
    """The witnesses of all wallets of a process that were used last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Witness] = OrderedDict()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._kept)

    async def get(self, profile: Profile, credential_id: str, index: int, status: LoadedStatusList) -> Witness:
        """Return the witness of a credential with a status list; made, or brought up to it, if need be.

        Args:
            profile: whose wallet.
            credential_id: of the credential.
            index: its place in its registry.
            status: a list of that registry, on which it is not revoked.

        Raises:
            ResolutionError: the registry, or its tails file, could not be had.
            PresentationError: none can be made with this list.
        """
        key = (tenant_of(profile), credential_id)
        witness = self._kept.get(key)
        if witness is not None and witness.status is status:
            self._kept.move_to_end(key)
            return witness
        registry = await profile.inject(Objects).registry(profile, status.registry_id)
        tails = await place_tails(
            profile, tails_hash=registry.tails_hash, location=registry.tails_location, size=registry.size
        )
        try:
            made = await asyncio.to_thread(_made, registry, status, index, tails, witness)
        except AnoncredsError as err:
            raise PresentationError("no proof can be made with the status list", hint="try again later") from err
        if witness is None or witness.status.timestamp <= status.timestamp:
            self._keep(key, made)
        return made

    def _keep(self, key: tuple[str, str], made: Witness) -> None:
        self._kept[key] = made
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and (len(self._kept) > _MAX_WITNESSES or self._places() > _MAX_PLACES):
            self._kept.popitem(last=False)

    def _places(self) -> int:
        return sum({id(witness.status): len(witness.status.bits) for witness in self._kept.values()}.values())


def _made(
    registry: LoadedRegistry, status: LoadedStatusList, index: int, tails: Path, witness: Witness | None
) -> Witness:
    if (
        witness is None
        or witness.status.registry_id != status.registry_id
        or witness.status.timestamp > status.timestamp
    ):
        return Witness(status, CredentialRevocationState.create(registry.handle, status.handle, index, str(tails)))
    state = CredentialRevocationState.create(
        registry.handle, status.handle, index, str(tails), witness.state, witness.status.handle
    )
    return Witness(status, state)
