"""An author asks an endorser elsewhere: what is asked is kept, and only the endorser's signature under it counts."""

import json
from dataclasses import dataclass, field, replace
from typing import Any, cast

import base58
import pytest
from aries_askar import Key, KeyAlg
from indy_vdr import ledger as requests
from indy_vdr.request import Request
from tests.unit.exchange.connecting.ends import End, carry

from wanderbuch.plugins.exchange.connecting.invitations import Invitation
from wanderbuch.plugins.exchange.endorsing.elsewhere import EndorserElsewhere, forget_refusals, take_answer
from wanderbuch.plugins.exchange.endorsing.kept import Endorsement
from wanderbuch.plugins.exchange.endorsing.messages import ENDORSE, REFUSE, EndorsementMessageError
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.indy.errors import EndorsementPendingError, EndorsementRefusedError
from wanderbuch.plugins.indy.ledger import IndyLedger
from wanderbuch.store.records import RecordStore

AUTHOR, ENDORSER, STRANGER = (Key.from_secret_bytes(KeyAlg.ED25519, bytes([number]) * 32) for number in (1, 2, 3))


def nym_of(key: Key) -> str:
    return base58.b58encode(key.get_public_bytes()[:16]).decode()


class Ledger:
    """A ledger that knows the endorser's key."""

    name = "sovrin"

    async def read(self, _: object) -> dict[str, Any]:
        verkey = base58.b58encode(ENDORSER.get_public_bytes()).decode()
        return {"data": json.dumps({"dest": nym_of(ENDORSER), "verkey": verkey, "role": "101"})}


LEDGER = cast(IndyLedger, Ledger())


def transaction(version: str = "1.0", attributes: tuple[str, ...] = ("a", "b", "c")) -> Request:
    """Return what an author gives to its endorser; each has a number of its own."""
    nym = nym_of(AUTHOR)
    schema = {
        "ver": "1.0",
        "id": f"{nym}:2:x:{version}",
        "name": "x",
        "version": version,
        "attrNames": list(attributes),
    }
    request = requests.build_schema_request(nym, schema)
    request.set_endorser(nym_of(ENDORSER))
    request.set_multi_signature(nym, AUTHOR.sign_message(request.signature_input))
    return request


@dataclass
class Scene:
    """An author and an endorser that answers when it is told to."""

    author: End
    endorser: End
    invitation: Invitation
    asked: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Incoming] = field(default_factory=list)

    def hear(self) -> None:
        """Have the author take what an endorser answers."""

        async def answered(_: Any, incoming: Incoming) -> bool:
            self.answers.append(incoming)
            return await take_answer(incoming)

        self.author.by_side["author"] = {ENDORSE: Handler(answered), REFUSE: Handler(answered)}

    async def ask(self, request: Request, asker: EndorserElsewhere | None = None) -> Request:
        """Have something endorsed, without waiting; then carry what was sent."""
        asker = asker or EndorserElsewhere({"sovrin": self.invitation}, wait_s=0)
        try:
            return await asker.endorse(self.author.profile, LEDGER, nym_of(ENDORSER), request)
        finally:
            await carry(self.author, self.endorser)

    async def answer(self, kind: str, asked: dict[str, Any], *, key: Key = ENDORSER, body: str | None = None) -> None:
        """Let the endorser answer; `body`: sign this instead of what it was asked to."""
        given = requests.build_custom_request(body or asked["messages_attach"]["data"]["json"])
        given.set_multi_signature(nym_of(ENDORSER), key.sign_message(given.signature_input))
        message = {
            "@type": f"https://didcomm.org/{kind}",
            "@id": "answer",
            "transaction_id": asked["transaction_id"],
            "signature_response": {"signature": {nym_of(ENDORSER): given.body}},
        }
        channel = self.endorser.book.told[-1][1].channel
        await self.endorser.sending.send_soon(self.endorser.profile, channel, message)
        await carry(self.author, self.endorser)


@pytest.fixture
async def scene(ends: tuple[End, End]) -> Scene:
    endorser, author = ends
    made = Scene(author, endorser, await endorser.invite("endorser", reusable=True))

    async def note(_: Any, incoming: Incoming) -> bool:
        made.asked.append(dict(incoming.members))
        return True

    endorser.by_side["endorser"] = {"transactions/1.0/request": Handler(note)}
    made.hear()
    with pytest.raises(EndorsementPendingError, match="has not answered its invitation yet"):
        await made.ask(transaction())
    return made


async def pending(scene: Scene, request: Request) -> dict[str, Any]:
    with pytest.raises(EndorsementPendingError, match="has not signed yet"):
        await scene.ask(request)
    return scene.asked[-1]


async def test_what_was_asked_once_is_written_as_it_was_asked_also_after_a_restart(scene: Scene) -> None:
    first = transaction()
    body = (await pending(scene, first))["messages_attach"]["data"]["json"]
    await pending(
        scene, transaction(attributes=("c", "a", "b"))
    )  # the same again, by another process: it goes out as it was
    assert [request["messages_attach"]["data"]["json"] for request in scene.asked] == [body, body]
    assert len({request["transaction_id"] for request in scene.asked}) == 1
    await scene.author.restart()
    scene.hear()
    await scene.answer(ENDORSE, scene.asked[0])
    endorsed = await scene.ask(transaction())
    signatures = json.loads(endorsed.body).pop("signatures")
    assert set(signatures) == {nym_of(AUTHOR), nym_of(ENDORSER)}
    assert json.loads(endorsed.body)["reqId"] == json.loads(body)["reqId"]
    asker = EndorserElsewhere({"sovrin": scene.invitation}, wait_s=0)
    await asker.settled(scene.author.profile, LEDGER, endorsed.body, is_written=True)
    assert await RecordStore(scene.author.profile, Endorsement).find() == []


async def test_one_process_asks_once_as_long_as_nobody_answers(scene: Scene) -> None:
    asker = EndorserElsewhere({"sovrin": scene.invitation}, wait_s=0)
    for _ in range(3):
        with pytest.raises(EndorsementPendingError, match="has not signed yet"):
            await scene.ask(transaction(), asker)
    assert len(scene.asked) == 1
    for another in (transaction("2.0"), transaction(attributes=("a", "b"))):
        with pytest.raises(EndorsementPendingError):
            await scene.ask(another, asker)
    assert len(scene.asked) == 3


async def test_one_state_of_a_registry_waits_at_a_time(scene: Scene) -> None:
    nym, asker = nym_of(AUTHOR), EndorserElsewhere({"sovrin": scene.invitation}, wait_s=0)

    def state(*revoked: int, of: str = "one") -> Request:
        registry = f"{nym}:4:{nym}:3:CL:20:tag:CL_ACCUM:{of}"
        entry = {"ver": "1.0", "value": {"prevAccum": "21", "accum": f"21 {len(revoked)}", "revoked": list(revoked)}}
        request = requests.build_revoc_reg_entry_request(nym, registry, "CL_ACCUM", entry)
        request.set_endorser(nym_of(ENDORSER))
        request.set_multi_signature(nym, AUTHOR.sign_message(request.signature_input))
        return request

    for request in (state(1), state(1, 2), state(1, of="other")):
        with pytest.raises(EndorsementPendingError):
            await scene.ask(request, asker)
    assert len(scene.asked) == 2  # of one and of the other
    await scene.answer(ENDORSE, scene.asked[0])
    endorsed = json.loads((await scene.ask(state(1, 2, 3), asker)).body)
    assert endorsed["operation"]["value"]["revoked"] == [1]  # what it was asked; the rest is the next state


async def test_a_no_stands_until_somebody_has_spoken_with_the_endorser(scene: Scene) -> None:
    asked = await pending(scene, transaction())
    await scene.answer(REFUSE, asked)
    for _ in range(2):
        with pytest.raises(EndorsementRefusedError, match="refuses to sign this transaction"):
            await scene.ask(transaction())
    assert len(scene.asked) == 1
    await forget_refusals(scene.author.profile)
    again = await pending(scene, transaction())
    assert again["transaction_id"] != asked["transaction_id"]
    await scene.answer(REFUSE, asked)  # late, about what is not asked any more
    await scene.answer(ENDORSE, again)
    assert await scene.ask(transaction())


@pytest.mark.parametrize("wrong", ["another transaction", "another key"])
async def test_a_signature_under_something_else_is_none(scene: Scene, wrong: str) -> None:
    asked = await pending(scene, transaction())
    if wrong == "another key":
        await scene.answer(ENDORSE, asked, key=STRANGER)
    else:
        await scene.answer(ENDORSE, asked, body=transaction("6.6.6").body)
    with pytest.raises(EndorsementRefusedError, match="has signed something else than it was asked to"):
        await scene.ask(transaction())
    await forget_refusals(scene.author.profile)
    await scene.answer(ENDORSE, await pending(scene, transaction()))
    assert await scene.ask(transaction())


async def test_an_answer_of_somebody_else_is_refused(scene: Scene) -> None:
    asked = await pending(scene, transaction())
    await scene.answer(REFUSE, asked)
    (heard,) = scene.answers
    await forget_refusals(scene.author.profile)
    again = await pending(scene, transaction())
    theirs = replace(heard, members={**heard.members, "transaction_id": again["transaction_id"]})
    with pytest.raises(EndorsementMessageError, match="found another sender"):
        await take_answer(replace(theirs, sender=base58.b58encode(STRANGER.get_public_bytes()).decode()))
    assert not await take_answer(heard)  # about what is not asked any more
    with pytest.raises(EndorsementMessageError, match="expected the id of a transaction"):
        await take_answer(replace(heard, members={}))
    with pytest.raises(EndorsementMessageError, match=r"expected a transaction that .* has signed"):
        await take_answer(replace(theirs, kind=ENDORSE, members={**theirs.members, "signature_response": {}}))
    assert (await pending(scene, transaction()))["transaction_id"] == again["transaction_id"]
