"""`wanderbuch store hand-over` and `take-over`: from a centre's site to a folder, from there to another's host."""

import asyncio
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.unit.http.tls_host import TlsHost
from tests.unit.webvh.conftest import HOST, Issuer

from wanderbuch.agents.authority.role import ROLE
from wanderbuch.agents.cli import main
from wanderbuch.agents.cli.store.taking_over import Closing, hand_over, take_over_host
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdgeConfig

type Command = Callable[..., tuple[int, str, str]]

SINCE = date(2026, 11, 29)


@pytest.fixture
def successor(machine: LocalMachine) -> AgentHandle:
    """An authority that serves the host of the centre; it need not run."""
    handle = machine.add("authority", "Authority", "authority.wanderbuch.test", authority={"ecosystem": "lanka"})
    machine.authority.write_server(HOST, handle.folder / "centre.crt", handle.folder / "centre.key")
    host = {"host": HOST, "tls_certificate": "centre.crt", "tls_key": "centre.key"}
    handle.configure(public={"hosts": [host]})
    handle.write_config()
    return handle


def files_in(folder: Path) -> dict[str, bytes]:
    """Everything that is served."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".numbers" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command; gives its exit code and what it said on both streams."""

    def run(*told: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(("store", *told))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_from_the_centres_folder_to_the_authoritys_host(
    issuer: Issuer, successor: AgentHandle, command: Command, tmp_path: Path
) -> None:
    folder, place = tmp_path / "handed", successor.data / "public" / "hosts" / HOST
    whose, served = ("--did", issuer.did), issuer.publisher.folder
    code, out, err = command("hand-over", *whose, "--from", str(served), "--to", str(folder), "--json")
    assert code == 0, err
    assert json.loads(out)["definitions"] == [issuer.cred_def_id]
    assert files_in(folder) == files_in(served)

    words = ("--name", "Galle School", "--ask", "https://authority.wanderbuch.test")
    told = ("--config", str(successor.config_path), *whose, "--from", str(folder), *words)
    code, _, err = command("take-over", *told)
    assert (code, "1 registry, 1 status list, the newest of 20" in err) == (0, True), err
    taken = files_in(place)
    assert json.loads(taken.pop("closed.json"))["name"] == "Galle School"
    assert taken == files_in(folder)

    (folder / "org" / "registries.json").unlink()
    code, _, err = command("take-over", *told)
    assert (code, "org/registries.json is missing" in err) == (2, True), err


async def test_taken_over_again_nothing_goes_back(
    issuer: Issuer, host: TlsHost, successor: AgentHandle, tmp_path: Path
) -> None:
    config = load_config(successor.config_path, {}, role=ROLE)
    older, place = tmp_path / "older", successor.data / "public" / "hosts" / HOST
    asked = "https://authority.wanderbuch.test"
    reach = ConnectionMap.parse([f"{HOST}:443=127.0.0.1:{host.port}"])
    await hand_over(issuer.did, None, older, edge=HttpEdgeConfig(connect=reach, ca_file=host.ca_file))  # of the site
    assert files_in(older) == files_in(issuer.publisher.folder)
    await issuer.revoke(3)
    for day, name in ((SINCE, "Gale"), (SINCE.replace(year=2027), "Galle School")):
        await take_over_host(config, issuer.did, issuer.publisher.folder, Closing(name, asked), on=day)
    told = json.loads((place / "closed.json").read_bytes())
    assert (told["name"], told["since"]) == ("Galle School", "2026-11-29")  # the first day stays

    did, served, closing = issuer.did, issuer.publisher.folder, Closing("X", asked)
    below = did.rpartition(":")[0]
    refused: dict[str, tuple[str, Path, Closing]] = {
        "has other, or newer, status lists": (did, older, closing),
        "there is no folder": (did, tmp_path / "none", closing),
        "is no host of this agent": (did.replace(HOST, "other.example.test"), served, closing),
        "below a path of its host, on port 443": (f"{below}%3A8443:org", served, closing),
        "found did:webvh": (below, served, closing),
        "the scid is not": (did.replace(did[13:18], "AAAAA"), served, closing),
        "an https address": (did, served, Closing("X", "http://authority.wanderbuch.test")),
        "the name of the centre": (did, served, Closing(" ", asked)),
    }
    before, answers = files_in(place), {}
    for expected, (whose, source, words) in refused.items():
        try:
            await take_over_host(config, WebvhDid.parse(whose), source, words, on=SINCE)
        except WanderbuchError as err:
            if expected in err.message:
                continue
            answers[expected] = err.message
        else:
            answers[expected] = "taken"
    assert answers == {}
    assert files_in(place) == before


@pytest.mark.parametrize("newer_first", [True, False])
async def test_of_two_at_once_the_newer_copy_stays(
    issuer: Issuer, successor: AgentHandle, tmp_path: Path, newer_first: bool
) -> None:
    config = load_config(successor.config_path, {}, role=ROLE)
    older, newer, place = tmp_path / "older", tmp_path / "newer", successor.data / "public" / "hosts" / HOST
    await hand_over(issuer.did, issuer.publisher.folder, older, edge=HttpEdgeConfig())
    await issuer.revoke(3)
    await hand_over(issuer.did, issuer.publisher.folder, newer, edge=HttpEdgeConfig())
    closing = Closing("Galle School", "https://authority.wanderbuch.test")
    sources = [newer, older, newer] if newer_first else [older, newer, older]
    ended = await asyncio.gather(
        *(take_over_host(config, issuer.did, source, closing, on=SINCE) for source in sources), return_exceptions=True
    )
    # Whoever is late with the older one is refused, or their late files give way by their numbers.
    failed = {source: end for end, source in zip(ended, sources, strict=True) if isinstance(end, BaseException)}
    assert newer not in failed
    assert all(isinstance(end, WanderbuchError) for end in failed.values())
    taken = files_in(place)
    taken.pop("closed.json")
    assert taken == files_in(newer)
