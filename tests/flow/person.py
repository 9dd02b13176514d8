"""Who works at an authority, at its REST API."""

from dataclasses import dataclass
from typing import Any

import aiohttp

from wanderbuch.agents.machine import AgentHandle, AppError


@dataclass
class Person:
    """Somebody with a token at the authority's REST API."""

    agent: AgentHandle
    token: str

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.request(
                method, f"{self.agent.app_url}/v1/authority{path}", json=body, params=query, headers=headers
            ) as response,
        ):
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise AppError(response.status, answer)
            return answer

    async def post(self, path: str, body: Any = None) -> Any:
        return await self.call("POST", path, body)

    async def get(self, path: str, **query: str) -> Any:
        return await self.call("GET", path, **query)
