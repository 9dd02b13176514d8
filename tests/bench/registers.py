"""What a search in a register of 200,000 certificates costs, over one in a register of a thousand.

Three searches, each of which finds one certificate: by number, by words of a name, by how a word begins. Both stores
are open in this process, on SQLite as agents open it; rounds alternate between them; CPU of all threads counts.
`python -m tests.bench.registers [200000]` measures it alone.
"""

import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acapy_agent.core.profile import Profile
from tests.bench.ratios import Ratio
from tests.bench.records import Look, Progress, compare, opened

from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register.numbers import CertificateNumbers
from wanderbuch.agents.issuer.register.offer_words import KIND, indexed
from wanderbuch.agents.issuer.register.register import IssuedRegister, RegisterQuery
from wanderbuch.store.engine import Statement
from wanderbuch.store.record import index_of, utc_now
from wanderbuch.store.rows import How
from wanderbuch.store.schema import TABLES
from wanderbuch.store.tables import tables_of, tenant_of

FEW = 1_000
_AT_ONCE = 5_000
_WORDS_AT_ONCE = 50_000
_FILLING_CACHE_KIB = 256 << 10
_WORDS_BY_RECORD = "word_by_id"
_CLAIM = {
    "birth_date": "19950312",
    "occupation_isco08": "C7212",
    "qualification_title": "National Certificate, Welder",
    "awarding_body": "Colombo Welding Centre",
    "framework": "LK-NVQ",
    "framework_level": "4",
    "awarded_on": "20240610",
    "country_of_award": "LKA",
}


async def measure_registers(folder: Path, progress: Progress, *, many: int) -> Mapping[str, Ratio]:
    """Fill two registers, and compare the searches."""
    looks: list[Mapping[str, Look]] = []
    profiles: list[Profile] = []
    try:
        for name, size in (("many", many), ("few", FEW)):
            progress(f"A register of {size} certificates is filled")
            profile = await opened(folder / name)
            profiles.append(profile)
            await _fill(profile, size)
            looks.append(await _looks(profile))
        progress("The same searches go through both")
        return {name: await compare(looks[0][name], looks[1][name], time.process_time_ns) for name in looks[0]}
    finally:
        for profile in profiles:
            await tables_of(profile).close()
            await profile.close()


async def _looks(profile: Profile) -> Mapping[str, Look]:
    book = OfferBook(profile)
    numbers = CertificateNumbers(profile, book.offers)
    await tables_of(profile).rebuild.note(tenant_of(profile), KIND, "1")
    register = IssuedRegister(book, numbers)

    def look(query: RegisterQuery) -> Look:
        async def search() -> None:
            if len((await register.search(query, limit=50)).items) != 1:
                raise RuntimeError("expected one certificate")

        return search

    return {
        "number": look(RegisterQuery(number="N-500")),
        "name": look(RegisterQuery(name="zzyzx amara")),
        "start": look(RegisterQuery(name="zzy")),
    }


def _offer(number: int) -> Offer:
    family = "Zzyzx" if number == FEW // 2 else f"{secrets.token_hex(4)}a"
    values: dict[str, Any] = {"credential_id": f"N-{number}", "family_name": family, "given_names": "Amara", **_CLAIM}
    return Offer(
        schema_id="did:webvh:QmExample:centre.example:org/resources/zQmSchema.json",
        credential_type="qualification/1.0",
        cred_def_id="did:webvh:QmExample:centre.example:org/resources/zQmExample.json",
        values=values,
        governance_version=7,
        answer_by=utc_now(),
        nonce=str(number),
        state=OfferState.ISSUED,
        issued_at=utc_now(),
    )


async def _fill(profile: Profile, size: int) -> None:
    """Write so many certificates as the product does, but in another order and in few transactions.

    Keyed hashes and ids are random, so each would be written to another page of a large file: the words go in in the
    order of their hashes, the index that finds them by record is made by the schema's own statement afterwards, and
    pages stay in memory until then. What is there in the end is the product's store.
    """
    tables, tenant = tables_of(profile), tenant_of(profile)
    engine = tables.engine
    ((cache,),) = await engine.run("PRAGMA cache_size")
    await engine.run(f"PRAGMA cache_size = -{_FILLING_CACHE_KIB}")
    (by_record,) = [sql for sql in TABLES if sql.startswith(f"CREATE INDEX {_WORDS_BY_RECORD} ")]
    await engine.run(f"DROP INDEX {_WORDS_BY_RECORD}")
    words: list[Statement] = []
    for start in range(0, size, _AT_ONCE):
        part = [_offer(number) for number in range(start, min(size, start + _AT_ONCE))]
        rows: list[Statement] = []
        for offer in part:
            for kind, one in ((Offer.category, index_of(offer)), (KIND, indexed(offer))):
                row, *found_by = tables.rows.adding(tenant, kind, one, How.READ)
                rows.append(row)
                words += found_by
        await engine.together(*rows)
        async with profile.transaction() as session:
            for offer in part:
                await session.handle.insert(offer.category, offer.id, offer.model_dump_json())
            await session.commit()
    words.sort(key=lambda statement: statement.args[0])  # type: ignore[arg-type,return-value]  # the hash
    for start in range(0, len(words), _WORDS_AT_ONCE):
        await engine.together(*words[start : start + _WORDS_AT_ONCE])
    await engine.run(by_record)
    await engine.run(f"PRAGMA cache_size = {cache}")
    await engine.run("PRAGMA shrink_memory")


async def _alone(many: int) -> None:
    with tempfile.TemporaryDirectory(prefix="wanderbuch-bench") as folder:
        ratios = await measure_registers(Path(folder), _tell, many=many)
    print({name: ratio.as_json("many", "few") for name, ratio in ratios.items()})


def _tell(text: str) -> None:
    print(f"{time.process_time():.0f} s of CPU: {text}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(_alone(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
