"""`python -m tests.bench.store_user URL NUMBER`: a process that uses a wallet store on PostgreSQL, for `processes`.

The password is in the environment. It takes one JSON object a line and answers with one: `{"seconds", "tasks"}` works
so long and answers `{"done"}`; `{"count"}` answers `{"lost"}`. It ends with its input.
"""

import asyncio
import itertools
import json
import os
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from acapy_agent.config.injection_context import InjectionContext
from pydantic import SecretStr

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import Address, AppConfig, PublicConfig, StoreConfig
from wanderbuch.agents.runtime.role_settings import NoSettings
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager, WalletProfile
from wanderbuch.store.entries import fetch_entries

PASSWORD: Final = "BENCH_STORE_PASSWORD"
PLACES: Final = 200
"""How many records each process makes, to read them."""
_BYTES: Final = 3000  # of a record and of a marker, as of an exchange
_WALLET_KEY: Final = "4wBqpZM9xaSheZzJSMawUKKwhdpChKbZ5eu5ky4Vigw"  # 32 bytes 0, 1, 2, …


def store_config(url: str, folder: Path) -> AgentConfig:
    """Return the configuration of an agent whose store that is; the password is in the environment."""
    here = Address(host="127.0.0.1", port=1)
    return AgentConfig(
        role="bench",
        name="Bench",
        data=folder,
        public=PublicConfig(host="bench.wanderbuch.test", listen=here, tls_certificate=folder, tls_key=folder),
        app=AppConfig(listen=here),
        store=StoreConfig(url=url),
        role_settings=NoSettings(),
        app_token=SecretStr("t" * 32),
        wallet_key=SecretStr(_WALLET_KEY),
        store_password=SecretStr(os.environ[PASSWORD]),
    )


async def open_wallet(config: AgentConfig) -> WalletProfile:
    """Open the wallet store as agents do."""
    manager = WalletManager(config, StoreGuard(lambda reason: print(reason, file=sys.stderr)))
    try:
        profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    finally:
        await manager.started()
    if not isinstance(profile, WalletProfile):
        raise TypeError(type(profile).__name__)
    return profile


class _Use:
    """Reads and marks records, and remembers what it was told is done."""

    def __init__(self, profile: WalletProfile, number: str) -> None:
        self._profile = profile
        self._number = number
        self._names = itertools.count()
        self._value = json.dumps({"padding": secrets.token_hex(_BYTES // 2)})
        self._done: list[str] = []

    async def prepare(self) -> None:
        async with self._profile.session() as session:
            for place in range(PLACES):
                await session.handle.insert("bench", self._record(place), self._value)

    async def work(self, seconds: float, tasks: int) -> int:
        before, end = len(self._done), time.monotonic() + seconds

        async def one() -> None:
            while time.monotonic() < end:
                await self._step()

        await asyncio.gather(*(one() for _ in range(tasks)))
        return len(self._done) - before

    async def lost(self) -> int:
        async with self._profile.session() as session:
            there = {entry.name for entry in await fetch_entries(session, "bench.marker")}
        return len(set(self._done) - there)

    async def _step(self) -> None:
        record = self._record(random.randrange(PLACES))  # noqa: S311 (a place, no secret)
        marker = f"{record}.{next(self._names)}"
        async with self._profile.session() as session:
            if await session.handle.fetch("bench", record) is None:
                raise RuntimeError("a record is gone")
            await session.handle.insert("bench.marker", marker, self._value)
        self._done.append(marker)

    def _record(self, place: int) -> str:
        return f"{self._number}-{place}"


async def _serve(url: str, number: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        use = _Use(await open_wallet(store_config(url, Path(folder))), number)
        await use.prepare()
        _say({"ready": PLACES})
        while line := await asyncio.to_thread(sys.stdin.readline):
            told = json.loads(line)
            if "count" in told:
                _say({"lost": await use.lost()})
            else:
                _say({"done": await use.work(told["seconds"], told["tasks"])})


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:3]))
