"""A mediator that lies to the wallets behind it: it reorders, drops, replays, and answers for others.

    python -m rogues.lying_mediator --config FILE        # role = "mediator", as an honest one

The real role, with two places changed. Of what waits for a wallet each delivery has every third message left out the
first time, the rest from the newest to the oldest, and after them all that was ever delivered. What it sends for a
wallet (egress) it answers as `lies.json` beside its configuration says, read each time:

    {"swap": {"https://a/i/1": "https://b/i/2"},   # another page in the place of one
     "alter": ["did.jsonl"],                       # addresses with this: one byte is another
     "short": ["did.jsonl"],                       # addresses with this: without the last line
     "old": ["/resources/"]}                       # addresses with this: what came first, for ever

How many messages it left out and replayed stands in `told.json` there.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wanderbuch.agents.mediator import live
from wanderbuch.agents.mediator.queue import Waiting
from wanderbuch.agents.mediator.role import MediatorRole
from wanderbuch.agents.runtime.process import main
from wanderbuch.plugins.http.answers import Relayed
from wanderbuch.plugins.http.edge import HttpEdge

_EVERY = 3
_REPLAYED = 6


class LyingMediatorRole(MediatorRole):
    """Tells wallets what did not happen, in another order."""


class _Deliveries:
    """What goes to wallets, and what went."""

    def __init__(self, told: Path) -> None:
        self._told = told
        self._left_out = self._replayed = 0
        self._seen: dict[str, Waiting] = {}
        self._honest = live.parts_of

    def parts_of(self, waiting: Sequence[Waiting]) -> list[list[Waiting]]:
        """Return them with some left out, in another order, and some of before once more."""
        now = []
        for message in waiting:
            is_new = message.id not in self._seen
            self._seen.setdefault(message.id, message)
            if is_new and len(self._seen) % _EVERY == 0:
                self._left_out += 1
            else:
                now.append(message)
        before = [message for message in self._seen.values() if message not in waiting][-_REPLAYED:]
        self._replayed += len(before)
        self._told.write_text(json.dumps({"left_out": self._left_out, "replayed": self._replayed}))
        return [part for part in self._honest([*now[::-1], *before]) if part]


class _Answers:
    """What wallets are told that others said."""

    def __init__(self, lies: Path) -> None:
        self._lies = lies
        self._first: dict[str, Relayed] = {}
        self._honest = HttpEdge.relay

    async def relay(self, edge: HttpEdge, method: str, url: str, body: bytes | None, **how: Any) -> Relayed:
        """Answer for somebody."""
        lies = json.loads(self._lies.read_text()) if self._lies.exists() else {}
        answer = await self._honest(edge, method, lies.get("swap", {}).get(url, url), body, **how)
        if any(part in url for part in lies.get("old", ())):
            return self._first.setdefault(url, answer)
        self._first.setdefault(url, answer)
        if any(part in url for part in lies.get("alter", ())) and answer.body:
            middle = len(answer.body) // 2
            other = bytes([answer.body[middle] ^ 1])
            return replace(answer, body=answer.body[:middle] + other + answer.body[middle + 1 :])
        if any(part in url for part in lies.get("short", ())):
            return replace(answer, body=b"".join(answer.body.splitlines(keepends=True)[:-1]))
        return answer


def lie(lies: Path) -> None:
    """Change both places, in this process."""
    answers = _Answers(lies)

    async def relay(edge: HttpEdge, method: str, url: str, body: bytes | None, **how: Any) -> Relayed:
        return await answers.relay(edge, method, url, body, **how)

    live.parts_of = _Deliveries(lies.with_name("told.json")).parts_of
    HttpEdge.relay = relay  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    lie(Path(sys.argv[sys.argv.index("--config") + 1]).with_name("lies.json"))
    main(LyingMediatorRole())
