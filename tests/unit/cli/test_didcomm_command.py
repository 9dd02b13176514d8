"""`wanderbuch didcomm`: two agents in this process that speak DIDComm v2, asked from the command line."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tests.flow.tiny_role import TinyRole

from wanderbuch.agents.cli import main
from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.plugins.exchange.v2.handling import V2Handler, V2Incoming
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, new_message
from wanderbuch.plugins.exchange.v2.protocols.trqp import AUTHORIZATION, QUERY_AUTHORIZATION

type Run = tuple[RunningAgent, tuple[str, ...]]
type Command = Callable[..., Awaitable[tuple[int, str, str]]]


class Registry(TinyRole):
    """A role that answers TRQP: yes to whatever has to do with Malta."""

    @staticmethod
    async def _answer(_: object, incoming: V2Incoming) -> Plaintext | None:
        assert incoming.sender is not None
        body = {**incoming.message.body, "authorized": "MLT" in str(incoming.message.body["resource"])}
        own, to = incoming.own_did, incoming.sender.did
        return new_message(AUTHORIZATION, body, sender=own, to=to, answers=incoming.message)

    v2_handlers = {QUERY_AUTHORIZATION: V2Handler(_answer)}  # noqa: RUF012


@pytest.fixture
async def agents(machine: LocalMachine) -> AsyncIterator[list[Run]]:
    """Two agents, each with the words that lead a command to it."""
    handles = [machine.add("tiny", name, f"{name}.wanderbuch.test") for name in ("one", "other")]
    running: list[Run] = []
    for handle in handles:  # each knows how to reach both
        handle.configure(public={"didcomm_v2": True})
        handle.write_config()
        role = Registry()
        agent = await start(load_config(handle.config_path, {}, role=role), role)
        await agent.wait_ready()
        running.append((agent, ("--agent", handle.app_url, "--token-file", str(handle.folder / "app.token"))))
    yield running
    for agent, _ in running:
        await agent.stop(drain_s=0.1)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `wanderbuch didcomm …`; returns its exit code, and what it prints and complains."""

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["didcomm", *words])
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    async def aside(*words: str) -> tuple[int, str, str]:
        return await asyncio.to_thread(run, *words)

    return aside


async def test_it_invites_pings_and_asks_what_is_spoken(agents: list[Run], command: Command) -> None:
    (_, one), (there, other) = agents
    did = there.tenant.did
    code, url, _ = await command("invitation", "--goal", "Show your passport", *other)
    assert (code, url.startswith("https://other.wanderbuch.test/?_oob=")) == (0, True)
    code, told, _ = await command("ping", url.strip(), "--json", *one)
    assert (code, json.loads(told)["did"]) == (0, did)
    code, told, _ = await command("ping", did, *one)
    assert (code, told.startswith(f"{did} answered after ")) == (0, True)
    code, told, _ = await command("features", did, "--match", "https://didcomm.org/t*", *one)
    assert (code, told) == (0, "https://didcomm.org/trust-ping/2.0\n")
    code, told, _ = await command("features", did, "--match", "https://example.org/*", *one)
    assert (code, told) == (0, f"{did} speaks nothing of that.\n")


@pytest.mark.parametrize(("place", "code", "word"), [("MLT", 0, "yes"), ("FRA", 1, "no")])
async def test_a_registrys_answer_is_the_exit_code(
    agents: list[Run], command: Command, place: str, code: int, word: str
) -> None:
    (_, one), (there, _) = agents
    asked = ("--entity", "did:example:centre", "--authority", "did:example:us", "--action", "issue")
    asked += ("--resource", f"place={place}", "--context", "time=2026-11-27T00:00:00Z")
    did = there.tenant.did
    assert await command("ask", did, *asked, *one) == (code, f"{word}, says {did}\n", "")


async def test_it_replaces_keys_and_others_find_the_new_ones(agents: list[Run], command: Command) -> None:
    (_, one), (there, other) = agents
    did = there.tenant.did
    code, told, _ = await command("rotate", "--keep-old-hours", "2", *other)
    assert (code, told.startswith(f"{did} has new keys; the old ones open what comes until 20")) == (0, True)
    assert (await command("ping", did, *one))[0] == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("ping", "did:example:nobody"), "can be resolved"),
        (("ping", "did:example:nobody?x=1"), "without path and query"),
        (("ask", "did:example:x", "--entity", "e", "--authority", "a", "--action", "b", "--resource", "r"),
         "can be resolved"),
        (("ask", "did:example:x", "--entity", "e", "--authority", "a", "--action", "b", "--resource", "r",
          "--context", "time"), "NAME=VALUE"),
    ],
)  # fmt: skip
async def test_it_complains_in_one_line(
    agents: list[Run], command: Command, words: tuple[str, ...], complaint: str
) -> None:
    code, told, complained = await command(*words, *agents[0][1])
    assert (code, told, complained.count("\n")) == (2, "", 1)
    assert complaint in complained


async def test_an_agent_does_not_ask_itself(agents: list[Run], command: Command) -> None:
    agent, one = agents[0]
    code, _, complained = await command("ping", agent.tenant.did, *one)
    assert (code, "found this agent's own" in complained) == (2, True)
