"""What wallets send reaches the desk whatever it holds; what they are told goes where they can be reached."""

import base64
import json
from copy import replace
from datetime import timedelta
from typing import Any

import base58
import pytest
from aries_askar import Key, KeyAlg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.trust.ecosystem import WELDER, Held, Worker, message
from tests.unit.trust.employer import (
    ACKED,
    BASE_URL,
    REPORTED,
    SHIPYARD,
    AnsweringWallet,
    Employer,
    codes,
    opened_by,
    verdict,
)

from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.exchange.proof_messages import PRESENTATION, PROBLEM
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential
from wanderbuch.plugins.trust.verifying.asking import Asker, LinkPlace
from wanderbuch.plugins.trust.verifying.exchange import VerificationState, open_verifications
from wanderbuch.plugins.trust.verifying.receiving import HANDLERS, knows_thread
from wanderbuch.plugins.trust.verifying.telling import service_channel
from wanderbuch.plugins.trust.verifying.verifier import VerificationDesk

ENDPOINT = "https://wallet.wanderbuch.test/didcomm"


async def sent_beside(employer: Employer) -> list[tuple[str, bytes]]:
    """Return what was delivered, once all that is sent beside has gone."""
    await employer.profile.inject(Sending).stop(wait_s=5.0)
    return employer.post.delivered


async def test_only_who_names_a_thread_of_ours_may_answer(employer: Employer) -> None:
    asked = await employer.ask()
    assert await knows_thread(employer.incoming(PRESENTATION, asked.id, {}))
    assert not await knows_thread(employer.incoming(PRESENTATION, asked.invitation_id, {}))
    employer.desk = VerificationDesk(employer.source, clock=employer.clock)  # another process: nothing is at hand
    employer.profile.context.injector.bind_instance(VerificationDesk, employer.desk)
    assert await knows_thread(employer.incoming(PROBLEM, asked.id, {}))
    employer.profile.context.injector.clear_binding(VerificationDesk)  # one that has not opened the tenant
    assert await knows_thread(employer.incoming(PROBLEM, asked.id, {}))
    assert not await knows_thread(employer.incoming(PROBLEM, "no such thread", {}))


async def test_a_question_that_was_put_over_a_connection_is_answered_over_it_alone(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    """Whoever relays it must come with the answer themselves, and ask the other one under their own name."""
    asker = Asker(SHIPYARD, "Shipyard", BASE_URL)
    asked = await employer.desk.put_over_connection(
        employer.profile,
        await employer.desk.compile(AskedCredential(ONLY_GROUP, WELDER), asker=asker),
        asker=asker,
        place=LinkPlace("link", 0, "question", f"{BASE_URL}/i/link", employer.own_key),
        ref="K7-42",
        answer_by=employer.now + timedelta(minutes=10),
    )
    proof = message(worker.present(asked.proof_request, welder))
    stranger = base58.b58encode(Key.generate(KeyAlg.ED25519).get_public_bytes()).decode()
    decline = problem_report(PROBLEM, thread_id=asked.id, code="abandoned", text="No.")
    employer.wallet.waits = False
    assert await employer.take(employer.incoming(PRESENTATION, asked.id, proof))  # before there is a connection
    employer.connect()
    for sender in (stranger, None):
        assert await employer.take(employer.incoming(PRESENTATION, asked.id, proof, sender=sender))
        assert await employer.take(employer.incoming(PROBLEM, asked.id, decline, sender=sender))
    other_key = Key.generate(KeyAlg.ED25519)
    async with employer.profile.session() as session:
        recipient = base58.b58encode(other_key.get_public_bytes()).decode()
        await session.handle.insert_key(recipient, other_key)
    incoming = replace(employer.incoming(PRESENTATION, asked.id, proof), recipient=recipient)
    assert await employer.take(incoming)
    assert (await employer.desk.status(employer.profile, asked.id)).state is VerificationState.OPEN
    assert await employer.take(employer.incoming(PRESENTATION, asked.id, proof))
    assert verdict(await employer.desk.status(employer.profile, asked.id)) is Verdict.TRUSTED


@pytest.mark.parametrize("bound", ["the reply", "~service"])
async def test_a_wallet_is_told_on_the_connection_it_holds_open_or_at_its_service(
    employer: Employer, worker: Worker, welder: Held, bound: str
) -> None:
    asked = await employer.ask()
    employer.wallet.waits = bound == "the reply"
    service = {"recipientKeys": [employer.wallet.verkey], "serviceEndpoint": ENDPOINT, "routingKeys": []}
    await employer.receive(asked.id, worker.present(asked.proof_request, welder), **{"~service": service})
    delivered = await sent_beside(employer)
    if bound == "the reply":
        assert (employer.heard(), delivered) == ([ACKED], [])
        return
    ((address, packed),) = delivered
    told, sender = opened_by(employer.wallet.key, packed)
    assert (address, sender) == (ENDPOINT, employer.own_key)
    assert told["@type"].endswith("/ack")


async def test_a_wallet_behind_a_mediator_is_told_through_it(employer: Employer, worker: Worker, welder: Held) -> None:
    asked, mediator = await employer.ask(), AnsweringWallet()
    employer.wallet.waits = False
    service = {
        "recipientKeys": [employer.wallet.verkey],
        "routingKeys": [mediator.verkey],
        "serviceEndpoint": ENDPOINT,
    }
    await employer.receive(asked.id, worker.present(asked.proof_request, welder), **{"~service": service})
    ((_, packed),) = await sent_beside(employer)
    forward, sender = opened_by(mediator.key, packed)
    assert (forward["to"], sender) == (employer.wallet.verkey, None)
    inner, _ = opened_by(employer.wallet.key, json.dumps(forward["msg"]).encode())
    assert inner["@type"].endswith("/ack")


async def test_an_anonymous_answer_is_judged_although_nobody_can_be_told(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    asked = await employer.ask()
    proof = message(worker.present(asked.proof_request, welder))
    assert await employer.take(employer.incoming(PRESENTATION, asked.id, proof, sender=None))
    assert verdict(await employer.desk.status(employer.profile, asked.id)) is Verdict.TRUSTED
    assert (employer.heard(), await sent_beside(employer)) == ([], [])


KEY = "8HH5gYEeNc3z7PYXmd54d4x6qAfCNrqQqEB3nS7Zfu7K"


@pytest.mark.parametrize(
    "changed",
    [
        {"serviceEndpoint": "http://wallet.wanderbuch.test"},
        {"serviceEndpoint": "ftp://wallet.wanderbuch.test"},
        {"serviceEndpoint": "didcomm:transport/queue"},
        {"serviceEndpoint": 7},
        {"serviceEndpoint": "https://" + "x" * 2048},
        {"recipientKeys": []},
        {"recipientKeys": "8HH5gYEeNc3z7PYXmd54d4x6qAfCNrqQqEB3nS7Zfu7K"},
        {"recipientKeys": ["no key of any kind, but long enough"]},
        {"recipientKeys": [KEY] * 5},
        {"recipientKeys": [KEY, "l" * 44]},
        {"routingKeys": ["short"]},
        {"routingKeys": 7},
    ],
)
def test_refuses_a_service_that_is_not_one_we_write_to(changed: dict[str, Any]) -> None:
    service = {"recipientKeys": [KEY], "serviceEndpoint": ENDPOINT, "routingKeys": []}
    good = service_channel(service, own_key="ours")
    assert good is not None
    assert (good.own_key, good.their_key, good.endpoint) == ("ours", KEY, ENDPOINT)
    assert service_channel(service | changed, own_key="ours") is None


def test_takes_keys_of_a_service_as_did_key_too() -> None:
    key = Key.generate(KeyAlg.ED25519)
    bare = base58.b58encode(key.get_public_bytes()).decode()
    did = "did:key:z" + base58.b58encode(b"\xed\x01" + key.get_public_bytes()).decode()
    for named in (did, f"{did}#{did.removeprefix('did:key:')}", bare):
        channel = service_channel({"recipientKeys": [named], "serviceEndpoint": ENDPOINT}, own_key="ours")
        assert channel is not None
        assert channel.their_key == bare
    assert service_channel(None, own_key="ours") is None


@pytest.mark.parametrize(
    "members", [{}, {"formats": 7}, {"formats": [], "presentations~attach": None}, {"presentations~attach": [[]]}]
)
async def test_a_malformed_presentation_ends_its_verification(employer: Employer, members: dict[str, Any]) -> None:
    asked = await employer.ask()
    assert await employer.take(employer.incoming(PRESENTATION, asked.id, members))
    ended = await employer.desk.status(employer.profile, asked.id)
    assert (verdict(ended), codes(ended)) == (Verdict.NOT_TRUSTED, ["presentation.malformed"])
    assert employer.heard() == [REPORTED]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["anoncreds/proof@v1.0", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@id", "attach_id", "format", "data", "base64", "json", "proof", "identifiers", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
NAMES = ["formats", "presentations~attach", "~service", "description", "~thread", "comment"]


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(HANDLERS)), members=st.dictionaries(st.sampled_from(NAMES), JSON))
async def test_whatever_is_sent_to_no_question_of_ours_leaves_nothing(
    employer: Employer, kind: str, members: dict[str, Any]
) -> None:
    incoming = employer.incoming(kind, "no such thread", members)
    assert await employer.take(incoming) is (kind == PRESENTATION)
    assert [open_verification async for open_verification in open_verifications(employer.profile).every()] == []


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.dictionaries(st.sampled_from(NAMES), JSON), proof=JSON)
async def test_whatever_is_sent_to_a_question_ends_it_untrusted(
    employer: Employer, members: dict[str, Any], proof: Any
) -> None:
    asked = await employer.ask()
    encoded = base64.b64encode(json.dumps(proof).encode()).decode()
    wrapped = message({}) | {"presentations~attach": [{"@id": "anoncreds", "data": {"base64": encoded}}]}
    assert await employer.take(employer.incoming(PRESENTATION, asked.id, wrapped | members))
    assert verdict(await employer.desk.status(employer.profile, asked.id)) is Verdict.NOT_TRUSTED


@pytest.mark.parametrize(
    ("code", "kept"),
    [("abandoned", "abandoned"), ("x" * 65, "other"), ("Nimal Perera declines", "other")],
)
async def test_a_decline_ends_its_verification_without_its_words(employer: Employer, code: str, kept: str) -> None:
    asked = await employer.ask()
    assert await employer.decline(asked.id, code, "Nimal Perera does not want to.")
    ended = await employer.desk.status(employer.profile, asked.id)
    assert (ended.state, ended.decline_code) == (VerificationState.DECLINED, kept)
    assert "Nimal" not in ended.model_dump_json()


async def test_a_report_about_another_exchange_is_for_another_role(employer: Employer) -> None:
    assert not await employer.decline("no such thread")
