"""What breaks what the transport or ACA-Py's dispatcher relies on leaves nothing behind, and stops no start."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tests.flow.tiny_role import TinyRole
from tests.unit.runtime.correspondents import (
    DIDX_REQUEST,
    PING,
    Correspondent,
    connected_to,
    invitation_of,
    refuse_without_waiting,
    stranger_to,
)
from tests.unit.runtime.envelopes import kept_by, leave_kept

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config

OBJECT: dict[str, Any] = {"a": {"b": []}}
NO_TEXT: list[object] = [OBJECT, [], ["x"], 7, True, None]


def deep(levels: int) -> bytes:
    return b'{"@type": "%s", "@id": "1", "comment": %s%s}' % (PING.encode(), b"[" * levels, b"]" * levels)


def attached(content: bytes) -> str:
    return base64.b64encode(content).decode()


POISON: dict[str, dict[str, Any] | bytes] = {
    "thid is an object, reply wanted on the thread": {
        "~thread": {"thid": OBJECT},
        "~transport": {"return_route": "thread"},
    },
    **{f"thid is {value!r}": {"~thread": {"thid": value}} for value in NO_TEXT if value is not None},
    **{f"pthid is {value!r}": {"~thread": {"pthid": value}} for value in NO_TEXT if value is not None},
    **{f"thread is {value!r}": {"~thread": value} for value in [[], "x", 7, True, None, [OBJECT]]},
    **{f"transport is {value!r}": {"~transport": value} for value in [[], "all", 7, True, None]},
    **{f"return_route is {value!r}": {"~transport": {"return_route": value}} for value in [OBJECT, [], 7, True, "ALL"]},
    **{f"@id is {value!r}": {"@id": value} for value in [*NO_TEXT, "", "x" * 129, "a\nb", "\u202e"]},
    **{f"@type is {value!r}": {"@type": value} for value in [*NO_TEXT, "", "x" * 300]},
    "sender_order is a text": {"~thread": {"thid": "x", "sender_order": "1"}},
    "sender_order is negative": {"~thread": {"thid": "x", "sender_order": -1}},
    "received_orders is a list": {"~thread": {"thid": "x", "received_orders": [1]}},
    "received_orders holds texts": {"~thread": {"thid": "x", "received_orders": {"did:x:y": "1"}}},
    "received_orders is long": {"~thread": {"thid": "x", "received_orders": {str(number): 1 for number in range(65)}}},
    "thid is long": {"~thread": {"thid": "x" * 1_000_000}},
    "pthid is long": {"~thread": {"pthid": "x" * 100_000}},
    "thid is not printable": {"~thread": {"thid": "\u0000"}},
    "please_ack is a list": {"~please_ack": ["RECEIPT"]},
    "please_ack.on is a text": {"~please_ack": {"on": "RECEIPT"}},
    "service has no keys": {"~service": {"serviceEndpoint": "https://x.example"}},
    "service has objects as keys": {"~service": {"recipientKeys": [OBJECT], "serviceEndpoint": "https://x.example"}},
    "service has many keys": {"~service": {"recipientKeys": ["x" * 44] * 5, "serviceEndpoint": "https://x.example"}},
    "service has a number as endpoint": {"~service": {"recipientKeys": ["x" * 44], "serviceEndpoint": 7}},
    "an attachment says something twice": {"request~attach": [{"data": {"base64": attached(b'{"id": 1, "id": 2}')}}]},
    "an attachment is deep": {"did_doc~attach": {"data": {"base64": attached(b"[" * 100_000 + b"]" * 100_000)}}},
    "an attachment is no base64": {"did_doc~attach": {"data": {"base64": "%%%"}}},
    "an attachment's signature says its key twice": {
        "did_doc~attach": {
            "data": {"base64": attached(b"{}"), "jws": {"protected": attached(b'{"alg": "EdDSA", "alg": "none"}')}}
        }
    },
    "nothing": b"",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "not UTF-8": b"\xff\xfe",
    "deep": deep(33),
    "deeper than Python": deep(100_000),
    "a member twice": b'{"@type": "%s", "@id": "1", "@id": "2"}' % PING.encode(),
    "a thread twice": b'{"@type": "%s", "@id": "1", "~thread": {"thid": "a", "thid": "b"}}' % PING.encode(),
    "half a surrogate": b'{"@type": "%s", "@id": "1", "comment": "\\ud800"}' % PING.encode(),
    "a number beyond all": b'{"@type": "%s", "@id": "1", "comment": 1e999}' % PING.encode(),
    "a number with 5,000 digits": b'{"@type": "%s", "@id": "1", "comment": %s}' % (PING.encode(), b"9" * 5_000),
    "NaN": b'{"@type": "%s", "@id": "1", "comment": NaN}' % PING.encode(),
    "text after it": b'{"@type": "%s", "@id": "1"} {}' % PING.encode(),
}


def poisoned(broken: dict[str, Any] | bytes) -> dict[str, Any] | bytes:
    return broken if isinstance(broken, bytes) else {"@type": PING, "@id": "1", **broken}


async def records_of(agent: RunningAgent) -> int:
    return len(await kept_by(agent))


async def test_refuses_poison_and_keeps_nothing_of_it(tiny_agent: RunningAgent) -> None:
    peer, stranger = await connected_to(tiny_agent), await stranger_to(tiny_agent)
    refuse_without_waiting(tiny_agent)
    taken = []
    for name, broken in POISON.items():
        for sender, anonymous in ((peer, False), (peer, True), (stranger, False), (stranger, True)):
            answer = await tiny_agent._transport.receive(sender.envelope(poisoned(broken), anonymous=anonymous))
            if answer.status != 400:
                taken.append((name, anonymous, answer.status))
    assert taken == []
    assert await records_of(tiny_agent) == 0
    assert (await tiny_agent._transport.receive(peer.envelope())).status == 200


@pytest.mark.parametrize(
    "whole",
    [
        {"~thread": {"thid": "x", "pthid": "y", "sender_order": 0, "received_orders": {"did:x:y": 1}}},
        {"~transport": {"return_route": "none"}},
        {"~please_ack": {"on": ["RECEIPT"]}, "~l10n": {"locale": "si"}, "~timing": {"out_time": "2026-01-01"}},
        {"~thread": {}, "~transport": {}},
        {"~trace": "https://elsewhere.example", "~timing": [1], "~l10n": "en", "~attach": [], "~perera": None},
        {"comment": "x" * 1000, "@id": "x" * 128},
        {"a_fraction": 0.5},
    ],
)
async def test_takes_the_same_where_it_is_whole(tiny_agent: RunningAgent, whole: dict[str, Any]) -> None:
    peer = await connected_to(tiny_agent)
    assert (await tiny_agent._transport.receive(peer.envelope({"@type": PING, "@id": "1", **whole}))).status == 200


async def test_an_agent_whose_store_holds_poison_starts_and_deletes_it(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle
) -> None:
    """The store of an agent that kept it before it looked at it."""
    envelopes = [
        sender.envelope(poisoned(broken))
        for sender in (await stranger_to(tiny_agent), await connected_to(tiny_agent))
        for broken in POISON.values()
    ]
    invitation = await invitation_of(tiny_agent)
    did_exchange = {"@type": DIDX_REQUEST, "@id": "1", "~thread": {"thid": "1", "pthid": invitation}, "did": OBJECT}
    envelopes.append((await stranger_to(tiny_agent)).envelope(did_exchange))
    for envelope in envelopes:
        await leave_kept(tiny_agent, envelope.decode())
    await tiny_agent.stop()
    role = TinyRole()
    again = await start(load_config(Path(tiny_handle.config_path), {}, role=role), role)
    try:
        await again.wait_ready()
        async with asyncio.timeout(60):
            while await records_of(again):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await again.stop()


async def test_the_log_counts_what_was_refused_and_says_nothing_of_it(
    tiny_agent: RunningAgent, caplog: pytest.LogCaptureFixture
) -> None:
    sender: Correspondent = await stranger_to(tiny_agent)
    caplog.set_level("DEBUG")
    for broken in (
        {"~thread": {"thid": {"Perera": "secret"}}},
        {"~service": {"Perera": "secret"}},
        {"@type": "https://didcomm.org/perera/1.0/secret"},
        {"~please_ack": {"on": "secret"}},
    ):
        await tiny_agent._transport.receive(sender.envelope({"@type": PING, "@id": "Perera", **broken}))
    twice = json.dumps({"@type": PING, "@id": "1"})[:-1] + ', "Perera": 1, "Perera": 2}'
    await tiny_agent._transport.receive(sender.envelope(twice.encode()))
    assert tiny_agent._transport.tally.counts["didcomm.refused"] == 5
    told = " ".join(str(record.__dict__) for record in caplog.records if record.name.startswith("wanderbuch")).lower()
    assert "perera" not in told
    assert "secret" not in told
