"""What it costs to look into a store with 200,000 ended records beside a few open ones, over one with the few alone.

Four looks, as agents do them: what is due, the first page of what is open, one record by its id, and `/ready`. Both
stores are open in this process, on SQLite as agents open it; rounds alternate between them, so what slows one slows
both. The records are offers, of few attributes. Askar takes them in large transactions; the rows are those that
`insert` writes.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from aries_askar import Store
from pydantic import SecretStr
from tests.bench.ratios import Ratio, median_of_ratios

from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt, open_offers
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import Address, AppConfig, PublicConfig
from wanderbuch.agents.runtime.role_settings import NoSettings
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager
from wanderbuch.store.answering import look_into
from wanderbuch.store.record import index_of, reader_of
from wanderbuch.store.rows import How
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import bind_tables, open_tables, tables_of, tenant_of

ENDED: Final = 200_000
OPEN: Final = 5
ROUNDS: Final = 150
_AT_ONCE: Final = 2_000
_NOW: Final = datetime.now(UTC)

type Progress = Callable[[str], None]
type Look = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class RecordFigures:
    """The four ratios; the largest is the figure."""

    ratios: Mapping[str, Ratio]

    def as_json(self) -> dict[str, Any]:
        """Return the figure."""
        return {"query_200k_records_over_empty": round(max(ratio.value for ratio in self.ratios.values()), 3)}

    @property
    def details(self) -> dict[str, Any]:
        """Return each ratio, with the medians in milliseconds."""
        return {
            name: {
                "full_ms": round(ratio.above, 3),
                "empty_ms": round(ratio.below, 3),
                "ratio": round(ratio.value, 3),
                "interval_95": [round(ratio.low, 3), round(ratio.high, 3)],
            }
            for name, ratio in self.ratios.items()
        }


async def measure_records(folder: Path, progress: Progress, *, ended: int = ENDED) -> RecordFigures:
    """Fill one store, leave the other nearly empty, and compare the looks."""
    progress(f"A store of {ended} ended records is filled")
    full, empty = await opened(folder / "full"), await opened(folder / "empty")
    try:
        await _fill(full, ended)
        looks = []
        for profile in (full, empty):
            offers = [_offer(is_open=True) for _ in range(OPEN)]
            for offer in offers:
                await open_offers(profile).insert(offer)
            looks.append(_looks(profile, offers[0].id))
        progress("The same looks are taken into both")
        return RecordFigures({name: await compare(looks[0][name], looks[1][name]) for name in looks[0]})
    finally:
        for profile in (full, empty):
            await tables_of(profile).close()
            await profile.close()


def _looks(profile: Profile, offer_id: str) -> Mapping[str, Look]:
    offers = open_offers(profile)

    async def due() -> None:
        async with offers.claiming(_NOW, due_of=Offer.due_at) as due_offers:  # due again for the next look
            if len([offer async for offer in due_offers]) != 1:
                raise RuntimeError("expected one offer that is due")

    async def open_page() -> None:
        if len((await offers.page(state=OfferState.OPEN.value, limit=50)).items) != OPEN:
            raise RuntimeError(f"expected {OPEN} open offers")

    return {
        "due": due,
        "open_page": open_page,
        "by_id": lambda: offers.get(offer_id),
        "ready": lambda: look_into(profile),
    }


async def compare(full: Look, empty: Look, clock: Callable[[], int] = time.perf_counter_ns) -> Ratio:
    """Return how much longer a look takes, in milliseconds by a clock of nanoseconds."""
    samples: dict[Look, list[float]] = {full: [], empty: []}
    for number in range(ROUNDS):
        for look in (full, empty) if number % 2 else (empty, full):
            began = clock()
            await look()
            samples[look].append((clock() - began) / 1e6)
    return median_of_ratios(samples[full], samples[empty])


_made = 0


def _offer(*, is_open: bool) -> Offer:
    global _made
    _made += 1
    offer = Offer(
        schema_id="did:webvh:QmExample:centre.example:org/resources/zQmSchema.json",
        credential_type="qualification",
        cred_def_id="did:webvh:QmExample:centre.example:org/resources/zQmExample.json",
        values={f"attribute_{number}": "a value as people write it" for number in range(5)},
        governance_version=7,
        answer_by=_NOW - timedelta(hours=1) if is_open and _made % OPEN == 0 else _NOW + timedelta(hours=1),
        nonce=str(_made),
    )
    if is_open:
        return offer
    over = {"state": OfferState.ISSUED, "receipt": Receipt.KEPT, "ended_at": _NOW, "issued_at": _NOW}
    return offer.model_copy(update=over)


async def _fill(profile: Profile, ended: int) -> None:
    tables, tenant = tables_of(profile), tenant_of(profile)
    for start in range(0, ended, _AT_ONCE):
        part = [_offer(is_open=False) for _ in range(min(_AT_ONCE, ended - start))]
        indexed = [index_of(offer) for offer in part]
        statements = [
            statement for one in indexed for statement in tables.rows.adding(tenant, Offer.category, one, How.READ)
        ]
        await tables.engine.together(*statements)
        async with profile.transaction() as session:
            for offer in part:
                await session.handle.insert(offer.category, offer.id, offer.model_dump_json())
            await session.commit()


async def opened(data: Path) -> Profile:
    nowhere = Address(host="127.0.0.1", port=1)
    public = PublicConfig(host="bench.test", listen=nowhere, tls_certificate=data / "crt", tls_key=data / "key")
    config = AgentConfig(
        role="issuer",
        name="Bench",
        data=data,
        public=public,
        app=AppConfig(listen=nowhere),
        role_settings=NoSettings(),
        app_token=SecretStr("t" * 32),
        wallet_key=SecretStr(Store.generate_raw_key()),
    )
    manager = WalletManager(config, StoreGuard(lambda _: None))
    profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    await manager.started()
    tables = await open_tables(open_sqlite(data / "index" / "index.db"), profile)
    bind_tables(profile, tables)
    await tables.rebuild.begin_empty(tenant_of(profile), reader_of(Offer))
    return profile


async def _alone(ended: int) -> None:
    with tempfile.TemporaryDirectory(prefix="wanderbuch-bench") as folder:
        record_figures = await measure_records(Path(folder), lambda text: print(text, file=sys.stderr), ended=ended)
    print(record_figures.as_json(), record_figures.details)


if __name__ == "__main__":
    asyncio.run(_alone(int(sys.argv[1]) if len(sys.argv) > 1 else ENDED))
