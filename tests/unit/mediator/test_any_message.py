"""A malformed message of any type that a mediator handles is answered, refused or ignored: it leaves nothing.

Members of messages that are right are replaced by what no honest wallet sends; what comes is drawn anew for each
commit. Wallets, keys, messages and subscriptions stay as they are, and nothing stands in the log as an error.
"""

import json
import logging
from random import Random
from typing import Any, Final

from aries_askar import Key, KeyAlg
from tests.thorough import drawn, examples
from tests.unit.mediator.phones import Json, Phone, Site, key_name, message, read, write
from tests.unit.runtime.correspondents import refill_budgets_at_once

from wanderbuch.agents.mediator.role import ROLE
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.tables import tables_of

MESSAGES: Final = 480
_TABLES: Final = ("mediated_key", "mediated_message", "mediated_push")
JUNK: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2**63,
        2**70,
        1.5,
        "",
        " ",
        "x" * 5_000,
        "\0",
        "\ud7ff",
        "%s",
        "did:key:z6Mk",
        "https://[",
    ),
    *([], {}, [None], [[]], {"": ""}, {"a": {"b": []}}, ["x"] * 600, json.loads("[" * 30 + "]" * 30)),
)
_THREADS: Final = ("t", "x" * 128, "x" * 10_000, "", "\0", 7, None)


class Errors(logging.Handler):
    """What was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {record.getMessage()} {record.exc_info}")


def right_members(phone: Phone, key: str) -> dict[str, Json]:
    """Return what messages hold beside id and thread, by the end of their type."""
    return {
        "keylist-update": {"updates": [{"recipient_key": key, "action": "add"}]},
        "keylist-query": {"paginate": {"limit": 10, "offset": 0}},
        "delivery-request": {"limit": 10, "recipient_key": key},
        "status-request": {"recipient_key": key},
        "messages-received": {"message_id_list": ["0" * 24]},
        "live-delivery-change": {"live_delivery": False},
        "query": {"query": "https://didcomm.org/*"},
        "queries": {"queries": [{"feature-type": "protocol", "match": "https://didcomm.org/*"}]},
        "set-device-info": {"endpoint": "https://push.example.test/x", "p256dh": "x", "auth": "x"},
        "forward": {"to": key, "msg": {"protected": "x", "iv": "x", "ciphertext": "x", "tag": "x"}},
        "request": {"label": "phone", "did": phone.did, "method": "GET", "url": "https://nobody.example.test/"},
        "problem-report": {"description": {"code": "x", "en": "x"}},
        "ping": {"response_requested": True},
    }


def worsened(random: Random, members: Any, depth: int = 0) -> Any:
    """Return members of which at least one is another: a whole one, or one somewhere inside."""
    if depth and (not members or not isinstance(members, dict | list) or random.random() < 0.3):
        return random.choice(JUNK)
    if isinstance(members, list):
        return [worsened(random, member, depth + 1) for member in members] * random.choice((1, 1, 3))
    if not members:
        return {"anything": random.choice(JUNK)}
    name = random.choice(sorted(members))
    return {**members, name: worsened(random, members[name], depth + 1)}


async def test_a_malformed_message_of_any_type_leaves_nothing(mediator: RunningAgent, site: Site) -> None:
    refill_budgets_at_once(mediator)
    random, phone = drawn("malformed messages of a mediator"), await Phone.mediated(site)
    other, key = await Phone.mediated(site), Key.generate(KeyAlg.ED25519)
    their_key = await other.new_key()
    assert await write(other, their_key, "waits") == 200
    right = right_members(phone, key_name(key))
    kinds = sorted(ROLE.handlers)
    before, errors = await everything(mediator), Errors()
    logging.getLogger().addHandler(errors)
    try:
        for number in range(examples(MESSAGES)):
            kind = kinds[number % len(kinds)]
            members = worsened(random, right.get(kind.rpartition("/")[2], {}))
            body = message(kind, **members) | {"~transport": {"return_route": "all"}}
            if random.random() < 0.5:
                body["~thread"] = random.choice(({"thid": random.choice(_THREADS)}, *JUNK))
            if random.random() < 0.2:
                body["~please_ack"], body["~timing"] = {"on": ["RECEIPT"]}, {"expires_time": "1970-01-01T00:00:00Z"}
            is_forward = kind.startswith("routing/")
            packed = pack(body, to=phone.routing_key if is_forward else phone.mediator_key, own=phone.key)
            status, _ = await site.post(packed)
            assert status in (200, 400), (kind, status)
            assert errors.lines == [], json.dumps(body)[:1_000]
    finally:
        logging.getLogger().removeHandler(errors)
    assert await everything(mediator) == before
    # A good neighbour is heard still, and what waited is there.
    ((_, envelope),) = await other.deliver()
    assert read(their_key, envelope) == "waits"
    assert await write(phone, await phone.new_key()) == 200
    assert await everything(mediator) != before


async def everything(mediator: RunningAgent) -> list[Any]:
    """Return all that is kept of wallets; when they came last is left out."""
    engine = tables_of(mediator.profile).engine
    rows = [sorted(map(str, await engine.run(f"SELECT * FROM {table}"))) for table in _TABLES]  # noqa: S608
    wallets = sorted(map(str, await engine.run("SELECT tenant, id, granted FROM mediated")))
    async with mediator.profile.session() as session:
        entries = await fetch_entries(session, None)
    return [*rows, wallets, sorted((entry.category, entry.name) for entry in entries)]
