"""A household at the authority's register: no account, a browser without JavaScript, and the worker's wallet."""

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.machine.app_client import AppError
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import VERIFICATION
from wanderbuch.schemas.credential_type import Computation, load_credential_type

TENANT: Final = "check"
PROVE: Final = f"/{TENANT}/prove"
_ANSWER_S: Final = 60.0
_TIMEOUT_S: Final = 30
_LOOK_S: Final = 0.2
_NOT_THERE_YET: Final = (404, 503)  # another process of the agent finds a new tenant within seconds; then it opens
_ADDRESS: Final = re.compile(r'class="code">(https://[^<]+/i/[A-Za-z0-9_-]+)<')
_VERDICT: Final = re.compile(
    r'<section class="answer answer-(\w+)" id="verdict" role="status">\s*<h1>([^<]*)</h1>\s*<p>(.*?)</p>', re.DOTALL
)
_TAG: Final = re.compile(r"<[^>]+>")


class HouseholdError(WanderbuchError):
    """The page did not do its part."""

    code = "demo"


async def open_walk_in(authority: AgentHandle, governance: Mapping[str, str]) -> str:
    """Give the authority a verifier of its own, in a tenant, and return its DID."""
    own = {"walk_in": {"enabled": True, "place": "MLT"}}
    tenant = {"id": TENANT, "name": authority.name, "roles": {"verifier": own}, "governance": dict(governance)}
    await authority.post("/v1/tenants", tenant)
    async with asyncio.timeout(_ANSWER_S):
        while True:
            try:
                return str((await authority.get(f"/v1/t/{TENANT}/verifier/identity"))["did"])
            except AppError as err:
                if err.status not in _NOT_THERE_YET:
                    raise
            await asyncio.sleep(_LOOK_S)


def register_verifier(payload: dict[str, Any], did: str, name: str, redress: str) -> None:
    """Write into a governance file that a verifier may ask for an occupation and a level, and for no name."""
    known = load_credential_type("qualification/1.0")
    levels = [
        attribute.name
        for attribute in known.attributes
        if attribute.computed is not None and attribute.computed.by is Computation.AT_LEAST
    ]
    entries = payload["participants"]["entries"]
    entries.setdefault(DESCRIPTION, {})[did] = {"name": name}
    entries.setdefault(VERIFICATION, {})[did] = {
        "verifications": [
            {
                "id": "OWN-1",
                "credential_type": known.id,
                "attributes": [known.about, "award_year", "expires_on", "framework", "crosswalk_version", *levels],
                "purposes": ["employment"],
                "jurisdictions": ["MLT", "LKA"],
                "intervals": [{"start": "2025-01-01"}],
                "legal_basis": redress,
                "redress": redress,
                "aim": "To let anybody ask for a qualification without a name",
                "keeps_days": 0,
            }
        ]
    }


class Household:
    """Somebody with a browser.

    Args:
        authority: whose register they look at.
        ca_file: whom the browser trusts.
    """

    def __init__(self, authority: AgentHandle, ca_file: Path) -> None:
        self._host = authority.host
        self._url = f"https://{authority.target}"
        self._trust = ssl.create_default_context(cafile=str(ca_file))

    async def ask(self, occupation: str, level: int) -> tuple[str, str]:
        """Ask, and return the address of the page and the one behind the code."""
        form = {"occupation": occupation, "level": str(level), "country": "MLT"}
        async with self._session() as session:
            options: dict[str, Any] = {"server_hostname": self._host, "ssl": self._trust, "allow_redirects": False}
            async with session.post(f"{self._url}{PROVE}/en/", data=form, **options) as response:
                page = response.headers.get("Location", "")
                if response.status != 303:
                    raise HouseholdError(f"expected a page with a code, found status {response.status}")
        match = _ADDRESS.search(await self._read(page))
        if match is None:
            raise HouseholdError("expected a code on the page")
        return page, match[1]

    async def verdict(self, page: str) -> tuple[str, str]:
        """Look at the page until it shows a verdict, and return its look and its words."""
        deadline = time.monotonic() + _ANSWER_S
        while time.monotonic() < deadline:
            if (match := _VERDICT.search(await self._read(page))) is not None:
                return match[1], f"{match[2]} {_TAG.sub('', match[3])}"
            await asyncio.sleep(0.3)
        raise HouseholdError("the page showed no verdict in time")

    async def _read(self, page: str) -> str:
        async with (
            self._session() as session,
            session.get(f"{self._url}{page}", server_hostname=self._host, ssl=self._trust) as response,
        ):
            return await response.text()

    def _session(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        return aiohttp.ClientSession(headers={"Host": self._host, "Accept": "text/html"}, timeout=timeout)
