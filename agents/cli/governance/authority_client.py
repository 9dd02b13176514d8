"""The REST API of an authority agent, as its officials' programs use it.

The token goes to exactly the address that the user named: over https, or over http on this machine only; no redirect
is followed, no proxy is asked. An answer has a byte limit and a deadline.
"""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from wanderbuch.agents.cli.governance.keys import read_secret_file
from wanderbuch.errors import ConfigurationError, GovernanceError, ResolutionError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

if TYPE_CHECKING:
    import aiohttp

_MAX_TOKEN: Final = 4096
_MAX_ANSWER: Final = 64 * 1024 * 1024
_MAX_DEPTH: Final = 64
_TIMEOUT_S: Final = 120
_ASK_WITH: Final = (
    "expected the operator's, from the agent's [app] token_file, or one of the very tenant that is asked for"
)
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class AnsweredNoError(GovernanceError):
    """The agent refused what was asked; the message is its own."""

    code = "authority.refused"


class AuthorityClient:
    """One agent's REST API."""

    def __init__(self, url: str, token_file: Path, *, group: str = "authority") -> None:
        """Prepare; nothing is sent yet.

        Args:
            url: where the app site listens, such as http://127.0.0.1:8081; for a tenant other than the default one
                with its place there, such as http://127.0.0.1:8081/v1/t/lanka.
            token_file: holds the bearer token of an official or of the operator.
            group: of routes that is asked.

        Raises:
            ConfigurationError: the address is not safe for a token, or the token cannot be read.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
            raise ConfigurationError(f"expected an https address, or http on this machine, found {url[:200]!r}")
        token = read_secret_file(token_file, "token", max_bytes=_MAX_TOKEN).decode("utf-8", errors="replace").strip()
        if not token or not token.isascii() or any(letter.isspace() for letter in token):
            raise ConfigurationError(f"expected a token in {token_file}")
        self._url = url.rstrip("/")
        self._routes = f"{self._url}/{group}" if parts.path.strip("/") else f"{self._url}/v1/{group}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # Imported here and below: aiohttp takes a moment, which commands without a network need not.
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the agent answers.

        Args:
            method: of HTTP.
            path: of the authority's route, such as "/drafts".
            body: as JSON.

        Raises:
            AnsweredNoError: it refused.
            ResolutionError: it could not be asked, or did not answer as an agent does.
        """
        import aiohttp

        if self._session is None:
            raise RuntimeError("the client is used outside of its context")
        try:
            async with self._session.request(method, self._routes + path, json=body, allow_redirects=False) as response:
                received = await response.content.read(_MAX_ANSWER + 1)
                while len(received) <= _MAX_ANSWER and (more := await response.content.read(1 << 20)):
                    received += more
        except (aiohttp.ClientError, TimeoutError, OSError) as err:
            raise ResolutionError(
                f"the agent at {self._url} cannot be reached: {type(err).__name__}",
                hint="is it running, and is --agent the address of its app site, [app] listen?",
            ) from err
        try:
            answer = read_strict_json(received, max_bytes=_MAX_ANSWER, max_depth=_MAX_DEPTH, fractions=True)
        except StrictJsonError:
            answer = None
        if response.status in (401, 403):
            raise ConfigurationError(
                "the agent does not let this token do that",
                hint=_ASK_WITH if response.status == 401 else _detail(answer),
            )
        if (
            isinstance(answer, dict)
            and 400 <= response.status < 600
            and (answer.get("detail") or response.status < 500)
        ):
            raise AnsweredNoError(
                _detail(answer) or f"the agent refused it ({response.status})", hint=answer.get("hint")
            )
        if not isinstance(answer, dict) or not 200 <= response.status < 300:
            raise ResolutionError(
                f"expected an answer of an agent's app site, found status {response.status}",
                hint="is --agent the address of [app] listen?",
            )
        return answer


def _detail(answer: Any) -> str | None:
    if not isinstance(answer, dict):
        return None
    findings = answer.get("findings")
    first = findings[0] if isinstance(findings, list) and findings and isinstance(findings[0], dict) else {}
    told = answer.get("detail") or answer.get("title")
    where = f" (at {first.get('path') or '/'}: {first.get('message')})" if first else ""
    return f"{told}{where}" if isinstance(told, str) else None
