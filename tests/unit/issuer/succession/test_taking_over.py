"""Open rows of a centre that lost its standing: handed over, taken over once, and issued by the one alone."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from aries_askar import Key, KeyAlg
from tests.unit.issuer.batches.scene import claim_site, class_text
from tests.unit.issuer.succession.pair import BY, Pair
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.acts import Act
from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchState, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import RowState
from wanderbuch.agents.issuer.batch_records.slips import own_number, pin_of
from wanderbuch.agents.issuer.batches.claiming import ClaimRefusedError
from wanderbuch.agents.issuer.batches.claims import read_claims
from wanderbuch.agents.issuer.batches.row_desk import HandedOverError
from wanderbuch.agents.issuer.desk import OfferRefusedError
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.agents.issuer.register.offer_words import claim_of
from wanderbuch.agents.issuer.succession.handing_over import NoSuccessorError
from wanderbuch.agents.issuer.succession.open_rows import MAX_FILE_BYTES, OPEN_ROWS_TYPE, OpenRows
from wanderbuch.agents.issuer.succession.taking_over import NotSuccessorError
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.signed.jws import sign_jws
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.signing import key_id, sign_as, wallet_key

pytestmark = pytest.mark.asyncio(loop_scope="module")
_NUMBERS = count(step=100)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Workshop]]:
    """A centre, its successor, and a third issuer."""
    folder = tmp_path_factory.mktemp("issuers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made: list[Workshop] = []
        for name in ("old", "new", "third"):
            made.append(Workshop(folder / name, beside=made[0] if made else None))
            await made[-1].open()
        yield made
        for workshop in made:
            await workshop.sending.stop(wait_s=5)
            await workshop.profile.close()


@pytest_asyncio.fixture(loop_scope="module")
async def pair(opened: list[Workshop]) -> Pair:
    """The first two, both in good standing; numbers are new in each test."""
    made = Pair(opened[0], opened[1])
    made.documents.workshops.append(opened[2])
    made.old.made = made.new.made = next(_NUMBERS)
    await made.publish(old={"status": []})
    return made


async def left_open(pair: Pair, count: int = 3, **plan: Any) -> tuple[Batch, bytes]:
    """Return a batch of the centre that was suspended in its midst, and its file for the successor."""
    batch = await pair.old.running(count, **plan)
    await pair.named()
    return batch, await pair.hand_over(batch)


async def test_who_passed_in_time_gets_the_certificate_from_the_successor(pair: Pair) -> None:
    old, new = pair.old, pair.new
    batch = await old.running(6)
    issued, waits = await old.issue(batch, 2), await old.claim(batch, 3)
    await old.desk.row_desk.leave_out(batch, 4, by=BY)
    await pair.publish()  # suspended, and nobody is named
    with pytest.raises(OfferRefusedError):
        await old.claim(batch, 5)
    with pytest.raises(NoSuccessorError):
        await pair.hand_over(batch)
    assert (await old.desk.get(batch.id)).state is BatchState.RUNNING

    await pair.named()
    sealed = await pair.hand_over(batch)
    row_claim = dict((await old.desk.row(batch, 3))[0])
    for personal in (row_claim["family_name"], row_claim["credential_id"], row_claim["birth_date"]):
        assert personal.encode() not in sealed
    assert (await old.workshop.desk.get(waits.id)).state is OfferState.WITHDRAWN
    for number in (3, 5, 6, 7):
        with pytest.raises(ClaimRefusedError) as refused:
            await old.claim(batch, number)
        assert (refused.value.look.why, refused.value.look.handed_to) == ("handed-over", new.workshop.did)

    app, _ = claim_site(old, "Colombo Welding Centre")
    async with TestClient(TestServer(app)) as client:
        page = await client.get(f"/claim/en/{await old.token(batch, 5)}")
        text = await page.text()
        assert page.status == 410
        assert "Another institution goes on with yours." in text
        assert f"Ask <bdi>{new.workshop.did.host}</bdi> for a new slip" in text
        pressed = await client.post(f"/claim/en/{await old.token(batch, 5)}", data={})
        assert pressed.status == 410

    made, rows_read = await pair.take(sealed)
    assert made is not None
    assert ([row.number for row in rows_read.rows], rows_read.left) == ([3, 5, 6, 7], ())
    assert (made.state, made.title, made.taken_from) == (BatchState.READY, batch.title, old.workshop.did)
    await new.desk.start(made.id, by=BY)
    offer = await new.issue(made, 3)
    told = claim_of(offer)
    details = told.pop("details")
    assert {**row_claim, **told} == row_claim
    assert told["family_name"] == row_claim["family_name"]
    assert str(old.workshop.did) in details
    assert offer.cred_def_id.startswith(str(new.workshop.did))
    assert issued.state is OfferState.ISSUED

    again, rows_read = await pair.take(sealed)
    assert again is None
    assert [(row.number, row.why) for row in rows_read.left] == [(number, "again") for number in (3, 5, 6, 7)]
    none, later = await pair.take(await pair.hand_over(batch))
    assert (none, later.rows, later.left) == (None, rows_read.rows, rows_read.left)
    for centre, act in ((old, Act.HANDED_OVER), (new, Act.TAKEN_OVER)):
        lines = [line for line in await centre.desk.log.entries() if line.act is act and batch.id in line.what]
        assert len(lines) == 1
        assert row_claim["family_name"] not in lines[0].what


async def test_what_was_handed_over_is_over_at_the_centre_for_good(pair: Pair) -> None:
    old = pair.old
    batch = await old.running(3)
    issued = await old.issue(batch, 2)
    await pair.named()
    sealed = await pair.hand_over(batch)
    await pair.publish(old={"status": []})  # in good standing again
    claim = dict((await old.desk.row(batch, 3))[0])
    for act in (
        lambda: old.desk.row_desk.retry(batch, 3, by=BY),
        lambda: old.desk.row_desk.leave_out(batch, 3, by=BY),
        lambda: old.desk.row_desk.edit(batch, 3, claim | {"family_name": "Fernando"}, by=BY),
        lambda: old.desk.row_desk.renew(batch, 3, slips=1, by=BY),
    ):
        with pytest.raises(HandedOverError):
            await act()
    for move in (old.desk.start, old.desk.pause, old.desk.resume, old.desk.cancel, old.desk.remove):
        with pytest.raises(BatchStateError):
            await move(batch.id, by=BY)
    with pytest.raises(ClaimRefusedError):
        await old.claim(batch, 3)
    listed_again = class_text(claim["credential_id"])
    with pytest.raises(WanderbuchError):  # the number stays the row's
        await old.make(text=listed_again)

    renewed = await old.desk.row_desk.renew(
        batch, 2, slips=1, by=BY
    )  # the wrong person took it: the right one goes on there
    assert renewed.state is RowState.WAITING
    assert await old.workshop.revocations.get_or_none(issued.id) is not None
    await pair.named()
    first, _ = await pair.take(sealed)
    second, rows_read = await pair.take(await pair.hand_over(batch))
    assert first is not None
    assert second is not None
    assert [row.number for row in rows_read.rows] == [2]


async def test_codes_are_new_numbers_give_way_and_people_are_still_reached(pair: Pair) -> None:
    old, new = pair.old, pair.new
    batch, _ = await left_open(pair, access=Access.PIN)
    numbers = [row.claim["credential_id"] async for row in read_claims(old.workshop.profile, batch)]
    mine = await new.make(text=class_text(numbers[1]))
    made, rows_read = await pair.take(await pair.hand_over(batch), access=Access.PIN)
    assert made is not None
    assert rows_read.renumbered == (3,)
    claim, row = await new.desk.row(made, 3)
    assert claim["credential_id"] == own_number(batch.id, 3)
    assert numbers[1] in claim["details"]
    await new.desk.start(made.id, by=BY)
    with pytest.raises(ClaimRefusedError):
        await new.claim(made, 3, pin_of(row.slip, batch.secret))
    with pytest.raises(WanderbuchError):  # the old slip itself is none here
        await new.claiming.look(await old.token(batch, 3))
    await new.claim(made, 3, pin_of(row.slip, made.secret))
    assert mine.count == 1


async def test_each_row_is_judged_by_the_day_of_its_award(pair: Pair) -> None:
    old, new = pair.old, pair.new
    batch = await old.running(3)
    claims = {row.number: row.claim async for row in read_claims(old.workshop.profile, batch)}
    edits = {2: {"awarded_on": "2025-03-01"}, 3: {"awarded_on": "2019-06-01"}}
    for number, changed in edits.items():
        with pytest.MonkeyPatch.context() as patch:

            async def allows(_: object) -> None:
                """Let it be written though nobody would issue it."""

            patch.setattr(old.claiming, "check", allows)
            await old.desk.row_desk.edit(batch, number, dict(claims[number]) | changed, by=BY)
    await pair.named(new={"intervals": [{"start": "2018-01-01"}]})
    sealed = await pair.hand_over(batch)
    made, rows_read = await pair.take(sealed)
    assert made is not None
    assert [row.number for row in rows_read.rows] == [4]
    assert [(row.number, row.why) for row in rows_read.left] == [
        (2, "centre"),
        (3, "centre"),
    ]  # suspended; not yet accredited
    await pair.named(new={"intervals": [{"start": "2018-01-01"}]}, old={"intervals": [{"start": "2019-01-01"}]})
    later, rows_read = await pair.take(sealed)  # the authority has put it right: the same file brings what was left
    assert later is not None
    assert [row.number for row in rows_read.rows] == [3]

    long, _ = await left_open(pair)
    claims = {row.number: row.claim async for row in read_claims(old.workshop.profile, long)}
    rows: list[dict[str, Any]] = [{"number": number, "claim": {**claim}} for number, claim in claims.items()]
    rows[0]["claim"] |= {"details": "ab " * 1_330}  # whole, but for where it comes from
    told = {"centre": old.workshop.did, "successor": new.workshop.did, "made_at": "2026-01-01T00:00:00Z"}
    told |= {"batch": long.id, "title": "Welders", "credential_type": long.credential_type}
    made, rows_read = await pair.take(await sealed_by(old.workshop, {**told, "rows": rows}, new.workshop))
    assert made is not None
    assert ([row.why for row in rows_read.left], len(rows_read.rows)) == (["claim"], len(rows) - 1)

    await pair.publish()
    with pytest.raises(NoSuccessorError, match="named no issuer") as gone:
        await pair.hand_over(long)
    assert gone.value.hint is not None
    assert "name that issuer again" in gone.value.hint

    other, sealed = await left_open(pair)
    await pair.named(new={"occupations": ["C75"]})
    assert (await pair.take(sealed))[0] is None
    assert {row.why for row in (await pair.taking.read(sealed)).left} == {"here"}
    await pair.named()
    assert (await pair.take(sealed))[0] is not None
    assert other.count == 3
    assert new.workshop.did != old.workshop.did


async def sealed_by(workshop: Workshop, rows: dict[str, Any], to: Workshop, *, typ: str = OPEN_ROWS_TYPE) -> bytes:
    """Return a file as an issuer would make it that writes into it what it likes."""
    own, theirs = await own_did(workshop.profile, workshop.did), await own_did(to.profile, to.did)
    assert own is not None
    assert theirs is not None
    kid = key_id(own, own.assertion_keys[0])

    async def sign(message: bytes) -> bytes:
        return (await sign_as(workshop.profile, kid, message))[1]

    jws = await sign_jws(json.dumps(rows).encode(), kid=kid, typ=typ, sign=sign)
    async with workshop.profile.session() as session:
        secret = await wallet_key(session, own.didcomm_key)
    return pack({"jws": jws.decode()}, to=theirs.didcomm_key, own=secret)


async def test_nothing_hostile_is_taken_over(pair: Pair, opened: list[Workshop]) -> None:
    old, new, third = opened
    batch, sealed = await left_open(pair)
    claims: list[dict[str, Any]] = [
        {"number": row.number, "claim": dict(row.claim)} async for row in read_claims(old.profile, batch)
    ]
    whole: dict[str, Any] = {
        "format": "wanderbuch-open-rows/1.0",
        "centre": str(old.did),
        "successor": str(new.did),
        "made_at": "2026-01-01T00:00:00Z",
        "batch": batch.id,
        "title": "Welders",
        "credential_type": "qualification/1.0",
        "rows": claims,
    }
    OpenRows.model_validate_json(json.dumps(whole))
    envelope = json.loads(sealed)
    flipped = envelope["ciphertext"][:-4] + ("AAAA" if envelope["ciphertext"][-4:] != "AAAA" else "BBBB")
    many = [{"number": number, "claim": {"a": "b"}} for number in range(1, 1002)]
    nobody = Key.generate(KeyAlg.ED25519)
    files = {
        "nothing": b"",
        "no JSON": b"rows",
        "another JSON": b"{}",
        "changed on its way": json.dumps({**envelope, "ciphertext": flipped}).encode(),
        "for somebody else": await sealed_by(old, whole, third),
        "signed by another": await sealed_by(third, whole, new),
        "of another centre": await sealed_by(third, whole | {"centre": str(third.did)}, new),
        "passed on": await sealed_by(old, whole | {"successor": str(third.did)}, new),
        "another document": await sealed_by(old, whole, new, typ="wanderbuch-application+jws"),
        "not signed": pack({"jws": "e30.e30.e30"}, to=(await keys_of(new)), own=nobody),
        "no jws": pack({"rows": claims}, to=(await keys_of(new)), own=nobody),
        "a row twice": await sealed_by(old, whole | {"rows": [*claims, claims[0]]}, new),
        "no rows": await sealed_by(old, whole | {"rows": []}, new),
        "too many rows": await sealed_by(old, whole | {"rows": many}, new),
        "another type": await sealed_by(old, whole | {"credential_type": "language/1.0"}, new),
        "another form": await sealed_by(old, whole | {"format": "wanderbuch-open-rows/2.0"}, new),
        "a member more": await sealed_by(old, whole | {"secret": "x"}, new),
        "a batch of another form": await sealed_by(old, whole | {"batch": "../x"}, new),
        "enormous": b" " * (MAX_FILE_BYTES + 1),
    }
    wrong = []
    for name, file in files.items():
        for ask in (pair.taking.read, pair.take):
            told = await answer_of(ask, file)
            if told is None or any(claimed["claim"]["credential_id"] in told for claimed in claims):
                wrong.append((name, told))
    assert wrong == []

    await pair.publish()
    with pytest.raises(NotSuccessorError):
        await pair.take(sealed)
    await pair.publish(named=str(third.did))
    with pytest.raises(NotSuccessorError):
        await pair.take(sealed)
    with pytest.raises(BatchStateError):  # what was handed over to one is not handed over to another one too
        await pair.hand_over(batch)

    await pair.named()
    broken = [dict(claims[0], claim=claims[0]["claim"] | {"awarded_on": "soon"}), *claims[1:]]
    made, rows_read = await pair.take(await sealed_by(old, whole | {"rows": broken}, new))
    assert made is not None
    assert [(row.number, row.why) for row in rows_read.left] == [(2, "claim")]
    altered = [dict(one, claim=one["claim"] | {"family_name": "Thief"}) for one in claims]
    _, rows_read = await pair.take(await sealed_by(old, whole | {"rows": altered[1:]}, new))
    assert [(row.number, row.why) for row in rows_read.left] == [(3, "altered"), (4, "altered")]
    contact = {"contact_email": "a@b.example\r\nBcc: all@b.example", "contact_phone": "0771234567"}
    hidden = [dict(claims[0], contact=contact)]
    made, rows_read = await pair.take(await sealed_by(old, whole | {"rows": hidden}, new), access=Access.PIN)
    assert made is not None
    assert await pair.new.desk.contacts(made, [2]) == {2: {"contact_phone": "0771234567"}}


async def answer_of(ask: Callable[[bytes], Awaitable[object]], file: bytes) -> str | None:
    """Return why a file is refused, None if it is not."""
    try:
        await ask(file)
    except WanderbuchError as err:
        return err.message
    return None


async def keys_of(workshop: Workshop) -> str:
    own = await own_did(workshop.profile, workshop.did)
    assert own is not None
    return own.didcomm_key
