"""The parts of divided governance files: fetched by what they are, kept by what they are, and only once.

A part is named by its digest in the signed root, so it may come from anywhere. Of a new version only the parts that
changed are fetched; all of them are fetched whoever the question is about, so that no host learns who verifies whom.
A file counts only when every part is there: until then the version before stays in use.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from wanderbuch.errors import ResolutionError
from wanderbuch.governance.divided.bulk import load_divided, load_partly
from wanderbuch.governance.divided.division import DivisionError, PartReader, checked_part, part_name
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.statements import Part
from wanderbuch.governance.signed.signing import SignedGovernanceFile
from wanderbuch.huge_pages import WORTHWHILE_BYTES, use_huge_pages
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.content_folder import ContentFolder

MAX_PARTS_BYTES: Final = 2 * 1024 * 1024 * 1024
_AT_ONCE: Final = 8


class FileParts:
    """Completes roots with their parts.

    Args:
        edge: the way out to the network.
        folder: where parts are kept; None keeps those of the newest file in memory.
    """

    def __init__(self, edge: HttpEdge, folder: ContentFolder | None) -> None:
        self._edge = edge
        self._folder = folder
        self._held: Mapping[str, bytes] = {}

    async def complete(
        self,
        root: SignedGovernanceFile,
        address: Callable[[str], str] | None,
        *,
        timeout_s: float,
        about: Collection[Did] | None = None,
    ) -> SignedGovernanceFile:
        """Return the file with its parts read; one that is not divided as it is.

        Args:
            root: verified.
            address: gives the address of a part by its name; None takes what is kept only.
            timeout_s: for each part.
            about: read only the parts in which these stand; None reads all.

        Raises:
            ResolutionError: a part could not be had.
            GovernanceError: a part is not the one that the root names, or breaks a rule.
        """
        division = root.file.division
        if division is None or root.file.is_complete:
            return root
        parts = list(
            {part.digest: part for part in (division.parts if about is None else division.parts_for(about))}.values()
        )
        if (size := sum(part.size for part in parts)) > MAX_PARTS_BYTES:
            raise DivisionError(f"expected parts of at most {MAX_PARTS_BYTES} bytes together, found more")
        missing = await self._missing(parts)
        if missing and address is None:
            raise ResolutionError(f"{len(missing)} parts of the governance file are not kept here")
        fetched: dict[str, bytes] = {}
        if address is not None:
            fetched = await self._fetch(missing, address, timeout_s)
        if self._folder is None:
            self._held = {part.digest: fetched.get(part.digest) or self._held[part.digest] for part in parts}
        reader = self._reader()
        if about is None:
            whole = replace(root, file=await asyncio.to_thread(load_divided, root, reader))
            if size >= WORTHWHILE_BYTES:  # it stays for long, and each decision looks somewhere else in it
                await asyncio.to_thread(use_huge_pages)
            return whole
        return replace(root, file=await asyncio.to_thread(load_partly, root, reader, about))

    async def read(self, part: Part) -> bytes:
        """Return a part that was read before.

        Raises:
            ResolutionError: it is not kept any more.
        """
        return await asyncio.to_thread(self._reader(), part.digest)

    async def _missing(self, parts: Sequence[Part]) -> list[Part]:
        if self._folder is None:
            return [part for part in parts if part.digest not in self._held]
        absent = await self._folder.absent([part.digest for part in parts])
        return [part for part in parts if part.digest in absent]

    async def _fetch(self, parts: Sequence[Part], address: Callable[[str], str], timeout_s: float) -> dict[str, bytes]:
        """Fetch parts, a few at a time; into the folder, where there is one, else they are returned."""
        limit = asyncio.Semaphore(_AT_ONCE)
        bodies: dict[str, bytes] = {}

        async def one(part: Part) -> None:
            async with limit:
                url = address(part_name(part.digest))
                fetched = await self._edge.get(url, max_bytes=part.size, timeout_s=timeout_s)
            body = checked_part(part, fetched.body)
            if self._folder is None:
                bodies[part.digest] = body
            else:
                await self._folder.put(body, part.digest)

        try:
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(one(part))
        except ExceptionGroup as err:  # the others were cancelled; what came before is kept for the next time
            raise err.exceptions[0] from err
        return bodies

    def _reader(self) -> PartReader:
        folder, memory = self._folder, self._held

        def read(digest: str) -> bytes:
            body = memory.get(digest) if folder is None else folder.read(digest)
            if body is None:
                raise ResolutionError(f"part {digest} of the governance file is not kept here any more")
            return body

        return read
