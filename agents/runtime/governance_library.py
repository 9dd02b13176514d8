"""The governance that the tenants of a process rest on: fetched and kept once for each address and author.

Whoever is told the same address and author gets the same source. What a source remembers (the highest version seen) is
kept in the default tenant's wallet, for all of them.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.config_tables import GovernanceConfig
from wanderbuch.agents.runtime.gate.parties import Parties
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.webvh.documents import WebvhDocuments

type Spawn = Callable[[str, Coroutine[Any, Any, None]], object]


class GovernanceLibrary:
    """The governance sources of one process.

    Args:
        edge: the way out.
        documents: resolves the authors' keys.
        folder: where files that were fetched are kept: those of the first source there, of each further one beside it.
        spawn: runs a source's refreshing beside.
    """

    def __init__(self, edge: HttpEdge, documents: WebvhDocuments, *, folder: Path, spawn: Spawn) -> None:
        self._edge = edge
        self._documents = documents
        self._folder = folder
        self._spawn = spawn
        self._sources: dict[tuple[str, str], GovernanceSource] = {}
        self._parties: dict[tuple[str, str], Parties] = {}
        self._beginning: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    def source(self, told: GovernanceConfig | None) -> GovernanceSource | None:
        """Return the source of this governance; None if none was told. It asks nobody before `begin`."""
        if told is None:
            return None
        key = (told.url, told.author)
        if (governance_source := self._sources.get(key)) is None:
            # A source removes from its folder what it does not need: no two may share one.
            digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:32]
            folder = self._folder.with_name(f"{self._folder.name}-{digest}")
            governance_source = self._sources[key] = GovernanceSource(
                GovernanceSourceConfig(
                    url=told.url, author=Did.parse(told.author), folder=folder if self._sources else self._folder
                ),
                edge=self._edge,
                resolve_key=self._documents.assertion_key,
            )
        return governance_source

    async def begin(self, source: GovernanceSource, profile: Profile) -> None:
        """Ask for the governance, and go on asking; returns when it was asked for once.

        Args:
            source: one of the library's.
            profile: the default tenant's, which remembers.
        """
        key = (source.config.url, str(source.config.author))
        async with self._beginning[key]:
            if key not in self._parties:
                await source.attach(profile)
                self._parties[key] = Parties(source)
                self._edge.know_parties(self._is_party)
                self._spawn("governance.run", source.run())
        await source.first_round()

    def _is_party(self, host: str) -> bool:
        """Return whether a host belongs to somebody whom one of the governance files names."""
        return any(party.is_party(host) for party in self._parties.values())
