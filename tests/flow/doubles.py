"""What the cases of `test_doubles` are made of: what is asked at once, what it comes to, and everybody who is asked."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.soak.village import WELDER, Village

from wanderbuch.agents.machine import AgentHandle

EDITOR = "bo"


class Effect(Enum):
    """What ten calls at once come to."""

    ONCE = "one succeeds, the others are told why not"
    SAME = "all succeed, with the same result"
    EACH = "each makes something of its own"
    ANY = "any of them may be refused; nobody is answered by a failure"


@dataclass(frozen=True, slots=True)
class Calls:
    """What is asked ten times, and what must be so afterwards."""

    path: str
    body: Any = None
    effect: Effect = Effect.SAME
    token: str | None = None
    check: Callable[[], Awaitable[None]] | None = None


class Place:
    """Everybody, and what the cases need of them."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.authority, self.centre = village.authority, village.centre
        self.worker, self.employer = village.worker, village.employer
        self.official = ""
        self.credential = ("", "")

    async def prepare(self) -> None:
        added = await self.authority.post("/officials", {"id": EDITOR, "name": "Bo", "roles": ["editor", "approver"]})
        self.official = added["token"]
        self.credential = await self.village.issue()

    async def asked(self, **more: Any) -> tuple[str, str]:
        """Return the ids of a question with the employer and with the worker."""
        made = await self.employer.post("/requests", {"requirement": WELDER, "deadline_s": 120, **more})
        opened = await self.worker.post("/invitations", {"url": made["invitation_url"]})
        return made["id"], opened["id"]

    async def draft(self, *, submitted: bool = False, **edit: Any) -> dict[str, Any]:
        """Return a draft that changes something."""
        draft = await self.at_desk("POST", "/drafts", {"why": "a test"})
        name = f"Skills of Sri Lanka {secrets.token_hex(4)}"
        edited = await self.at_desk("PATCH", f"/drafts/{draft['id']}", edit or {"header": {"name": name}})
        return await self.at_desk("POST", f"/drafts/{draft['id']}/submit") if submitted else edited

    async def at_desk(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        status, answer = await call(self.authority, method, path, body, self.official)
        assert status < 400, answer
        return dict(answer)


async def call(
    agent: AgentHandle, method: str, path: str, body: Any, token: str | None, *, key: str | None = None
) -> tuple[int, Any]:
    """Return status and JSON of one call, with an idempotency key or without."""
    headers = {"Authorization": f"Bearer {token or agent.token}"} | ({"Idempotency-Key": key} if key else {})
    async with agent.app.session.request(
        method, f"{agent.app_url}/v1/{agent.role}{path}", json=body, headers=headers
    ) as response:
        return response.status, await response.json(content_type=None)


type Case = Callable[[Place], Awaitable[Calls]]
"""Makes ready what is asked at once."""
