"""The REST API of an agent, or of one of its processes, as whoever has its token calls it."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.errors import WanderbuchError

_POLL_S: Final = 0.05
_ANSWER_S: Final = 300.0
STEP_S: Final = 120.0
_WHOLE: Final = ("/v1/", "/health", "/ready", "/openapi.json")  # paths that no role's name stands before


class AppError(WanderbuchError):
    """An agent's REST API answered with a problem; `status` and `problem` tell which."""

    code = "app"

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code', '')}: {problem.get('detail', '')}", hint=problem.get("hint"))
        self.status = status
        self.problem = dict(problem)


class AppClient:
    """Calls one REST API.

    Args:
        role: whose routes are meant by a path that does not begin with `/v1`.
        name: who answers, for errors.
        url: where it is.
        token: the app token.
        keep_alive: use a connection again; else each call has its own, so that a proxy gives it to another process.
    """

    def __init__(self, role: str, name: str, url: str, token: str, *, keep_alive: bool = True) -> None:
        self.url = url
        self._role = role
        self._name = name
        self._token = token
        self._keep_alive = keep_alive
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Return what keeps the connections, for other kinds of calls."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=not self._keep_alive),
                timeout=aiohttp.ClientTimeout(total=_ANSWER_S),
                trust_env=False,
            )
        return self._session

    async def get(self, path: str, **query: str) -> Any:
        """Return the JSON answer of the REST API: of the role's own route, or below `/v1` where `path` says so.

        Raises:
            AppError: it answered with a problem.
        """
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Send `body` and return the JSON answer; errors as with `get`."""
        return await self._call("POST", path, json=body)

    async def delete(self, path: str) -> Any:
        """Return the JSON answer to `DELETE`; errors as with `get`."""
        return await self._call("DELETE", path)

    async def wait_for(self, path: str, key: str, *values: object, timeout_s: float = STEP_S) -> Any:
        """Return the JSON answer of `path` once its `key` is one of `values`.

        Raises:
            MachineError: it was not in time.
        """
        answer: Any = None
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    answer = await self.get(path)
                    if answer[key] in values:
                        return answer
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as err:
            value = answer[key] if answer else None
            raise MachineError(
                f"{self._name}: expected {key} {' or '.join(map(str, values))} at {path}, found {value}"
            ) from err

    async def is_ready(self) -> bool:
        """Tell whether the agent says that it is ready."""
        try:
            async with self.session.get(f"{self.url}/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        place = path if path.startswith(_WHOLE) else f"/v1/{self._role}{path}"
        async with self.session.request(method, f"{self.url}{place}", headers=headers, **options) as response:
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise AppError(response.status, answer if isinstance(answer, dict) else {})
            return answer
