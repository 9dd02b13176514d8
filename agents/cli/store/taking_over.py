"""`wanderbuch store hand-over` and `take-over`: the public files of an issuer that closes, served on by another.

Nothing secret is in them, and no key: a copy is made of the public folder, or of the site while it still answers, and
each file is checked on both sides (`plugins.webvh.public_copies`). The host name stays in the DID for ever, so it has
to point to who serves it: their configuration has a table [[public.hosts]] for it, with a certificate.
"""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from wanderbuch.agents.runtime.closed_hosts import ClosedHost, publish_closed, read_closed
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.network import make_edge
from wanderbuch.agents.runtime.public_place import public_files
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.webvh.copy_sources import CopySource, HandedFolder, LiveSite
from wanderbuch.plugins.webvh.public_copies import CopyReport, PublicCopy, take_over
from wanderbuch.plugins.webvh.publisher import FolderPublisher


@dataclass(frozen=True, slots=True)
class Closing:
    """What people are told at the host.

    Args:
        name: of the centre.
        ask: the https address of whom to ask now.
    """

    name: str
    ask: str


async def hand_over(did: WebvhDid, source: Path | None, target: Path, *, edge: HttpEdgeConfig) -> CopyReport:
    """Copy the public files of a DID into a folder, to be given to whoever serves them from now on.

    Args:
        did: whose, by its present name.
        source: the public folder of its host; None: the site itself, which still answers.
        target: is made; or it has an earlier copy, which is brought up to date.
        edge: how to reach the site.

    Raises:
        WanderbuchError: a file is missing, or breaks a rule; then nothing is written.
    """
    _check(did)
    async with HttpEdge(edge) as opened:
        return await take_over(PublicCopy(did, _source(did, source, opened)), did, FolderPublisher(target))


async def take_over_host(
    config: AgentConfig, did: WebvhDid, source: Path | None, closing: Closing, *, on: date
) -> CopyReport:
    """Serve the public files of a DID from now on, at its own host, which is one of this agent's.

    Args:
        config: of the agent that serves them, which may run meanwhile.
        did: whose, by its present name.
        source: a folder that was handed over; None: the site itself, which still answers.
        closing: what people are told.
        on: today.

    Raises:
        WanderbuchError: a file is missing, breaks a rule, or says less than what lies here; then nothing is written.
    """
    _check(did)
    if did.host not in {host.host for host in config.public.hosts}:
        raise ConfigurationError(
            f"{did.host} is no host of this agent",
            hint="have the name point to this site, and give it a table [[public.hosts]] with a certificate",
        )
    told = ClosedHost(closing.name, on, closing.ask)
    files = public_files(config)
    await files.check()
    publisher = files.publisher(did.host)
    async with make_edge(config.network, None) as opened:
        report = await take_over(PublicCopy(did, _source(did, source, opened)), did, publisher)
    before = await read_closed(publisher)
    await publish_closed(told if before is None else replace(told, since=min(told.since, before.since)), publisher)
    return report


def _source(did: WebvhDid, folder: Path | None, edge: HttpEdge) -> CopySource:
    if folder is None:
        return LiveSite(edge, did)
    if not folder.is_dir():
        raise ConfigurationError(f"there is no folder {folder}", hint="name the public folder, or leave it out")
    return HandedFolder(folder)


def _check(did: WebvhDid) -> None:
    if not did.path or did.place.port is not None:
        raise ConfigurationError(
            f"expected a DID below a path of its host, on port 443, found {did}",
            hint="copy the files of any other with the web server's own tools",
        )
