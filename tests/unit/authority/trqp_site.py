"""The TRQP endpoint on a real socket, with a small governance file and a clock that tests set."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr
from tests.unit.governance.conftest import EXAMPLE

from wanderbuch.agents.authority.trqp import TrqpEndpoint
from wanderbuch.agents.authority.trqp_config import TrqpConfig
from wanderbuch.agents.authority.trqp_role import TRQP_ROUTES
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.validation import parse_file

FILE = parse_file(EXAMPLE.read_bytes())
CENTRE = next(participant.did for participant in FILE.participants if ":centre." in participant.did)
BASE = "/trqp/2.0"


@dataclass
class Registry:
    """What the endpoint looks at; tests change it."""

    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)
    authority: Did = FILE.author
    snapshot: GovernanceSnapshot | None = field(
        default_factory=lambda: GovernanceSnapshot(
            FILE,
            "sha256:" + "a" * 64,
            datetime(2026, 11, 22, 13, tzinfo=UTC),
            fresh_from=datetime(2026, 11, 22, tzinfo=UTC),
        )
    )

    def fresh_for(self, **parts: float) -> None:
        self.snapshot = GovernanceSnapshot(FILE, "sha256:" + "a" * 64, self.now + timedelta(**parts))

    def endpoint(self, *, token: str | None = None, first: Any = None, **config: Any) -> TrqpEndpoint:
        return TrqpEndpoint(
            authority=self.authority,
            base=BASE,
            snapshot=lambda: self.snapshot,
            config=TrqpConfig(enabled=True, **{"requests_per_second": 0, **config}),
            token=SecretStr(token) if token else None,
            clock=lambda: self.now,
            first=first,
        )


@dataclass
class Office:
    """What the routes read of an authority's office."""

    trqp: TrqpEndpoint | None


def site(endpoint: TrqpEndpoint | None) -> web.Application:
    """Return an application with the routes as the public site has them; None: the endpoint is off."""
    app = web.Application()
    for route in TRQP_ROUTES:
        app.router.add_route(route.method, route.path, partial(route.handler, Office(endpoint)))
    return app


@asynccontextmanager
async def serving(endpoint: TrqpEndpoint | None) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async with TestServer(site(endpoint)) as server, TestClient(server) as client:
        yield client


def query(**members: Any) -> dict[str, Any]:
    return {
        "entity_id": CENTRE,
        "authority_id": FILE.author,
        "action": "issue",
        "resource": "occupation=C7212;place=MLT;eqf=4",
    } | members


def body(**members: Any) -> bytes:
    return json.dumps(query(**members)).encode()
