"""The way out to other hosts, as the options of a command say: certificates to trust, addresses to connect to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wanderbuch.plugins.http.edge import HttpEdge


@asynccontextmanager
async def edge_for(ca_file: Path | None, connect: list[str] | None) -> "AsyncIterator[HttpEdge]":
    """Give an edge and close it after."""
    # Imported here: aiohttp takes a moment, which commands without a network need not.
    from wanderbuch.plugins.http.addresses import ConnectionMap
    from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig

    edge = HttpEdge(HttpEdgeConfig(connect=ConnectionMap.parse(connect or ()), ca_file=ca_file))
    try:
        yield edge
    finally:
        await edge.close()
