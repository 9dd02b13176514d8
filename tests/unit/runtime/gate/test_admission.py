import asyncio

import pytest

from wanderbuch.agents.runtime.gate.admission import Admission, BusyError, Party, RoomLimits, Share, Ticket
from wanderbuch.agents.runtime.gate.served import Nearness

KNOWN = RoomLimits(at_once=2, bytes=1000, party_at_once=1, party_waiting=4, party_bytes=400, handler_s=1)
UNKNOWN = RoomLimits(at_once=2, bytes=500, party_at_once=1, party_waiting=4, party_bytes=400, handler_s=1)


def connection(key: str, network: str = "a") -> Party:
    return Party(Nearness.CONNECTION, key, network)


def invitation(key: str, network: str = "a", *, reusable: bool = False) -> Party:
    return Party(Nearness.INVITATION, key, network, reusable)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def admission(clock: Clock) -> Admission:
    return Admission(KNOWN, UNKNOWN, clock=clock)


def running(*tickets: Ticket) -> list[bool]:
    return [ticket.is_running for ticket in tickets]


async def test_a_known_sender_never_waits_behind_unknown_ones(admission: Admission) -> None:
    unknown = [admission.enter(invitation(f"i{number}"), 10) for number in range(50)]
    assert sum(running(*unknown)) == UNKNOWN.at_once
    known = admission.enter(connection("c"), 10)
    assert running(known) == [True]
    assert known.turn.done()


async def test_unknown_ones_cannot_use_up_the_bytes_of_known_ones(admission: Admission) -> None:
    for number in range(5):
        admission.enter(invitation(f"i{number}"), 100)
    with pytest.raises(BusyError):
        admission.enter(invitation("one more"), 1)
    assert running(admission.enter(connection("c"), 400)) == [True]


async def test_a_did_exchange_that_a_stranger_began_does_not_make_it_known(admission: Admission) -> None:
    stranger = Party(Nearness.EXCHANGE, "thread", is_stranger=True)
    first = [admission.enter(invitation(f"i{number}"), 10) for number in range(2)]
    assert running(*first, admission.enter(stranger, 10)) == [True, True, False]
    assert running(admission.enter(Party(Nearness.EXCHANGE, "ours"), 10)) == [True]


async def test_a_connection_has_its_share_of_places_and_the_next_one_its_own(admission: Admission) -> None:
    greedy = [admission.enter(connection("greedy"), 10) for _ in range(4)]
    assert running(*greedy) == [True, False, False, False]
    assert running(admission.enter(connection("modest"), 10)) == [True]


async def test_those_who_wait_take_turns(admission: Admission) -> None:
    holders = [admission.enter(connection(f"h{number}"), 10) for number in range(2)]
    greedy = [admission.enter(connection("greedy"), 10) for _ in range(4)]
    modest = admission.enter(connection("modest"), 10)
    admission.leave(holders[0])
    assert running(greedy[0], modest) == [True, False]
    admission.leave(greedy[0])
    assert running(greedy[1], modest) == [False, True]


async def test_a_share_of_messages_and_bytes_is_bounded(admission: Admission) -> None:
    for _ in range(KNOWN.party_waiting):
        admission.enter(connection("many"), 10)
    with pytest.raises(BusyError):
        admission.enter(connection("many"), 10)
    admission.enter(connection("large"), 400)
    with pytest.raises(BusyError):
        admission.enter(connection("large"), 1)
    admission.enter(connection("other"), 10)


async def test_what_has_left_makes_room_again_also_before_its_turn(admission: Admission) -> None:
    tickets = [admission.enter(connection("many"), 100) for _ in range(4)]
    admission.leave(tickets[3])
    admission.leave(tickets[3])
    again = admission.enter(connection("many"), 100)
    for ticket in (tickets[0], tickets[1], tickets[2], again):
        admission.leave(ticket)
    assert admission.is_idle(connection("many"))
    assert tickets[3].turn.cancelled()
    assert running(admission.enter(connection("many"), 400)) == [True]


async def test_a_network_leaves_room_for_others_of_the_same_invitation(admission: Admission) -> None:
    for _ in range(2):
        admission.enter(invitation("hall", "flood"), 10)
    with pytest.raises(BusyError):
        admission.enter(invitation("hall", "flood"), 10)
    admission.enter(invitation("hall", "honest"), 10)
    with pytest.raises(BusyError):
        admission.enter(invitation("hall", "honest"), 10)


async def test_networks_take_turns_within_an_invitation(admission: Admission) -> None:
    flood = [admission.enter(invitation("hall", "flood", reusable=True), 1) for _ in range(12)]
    assert running(*flood) == [True, True] + 10 * [False]
    honest = admission.enter(invitation("hall", "honest", reusable=True), 1)
    admission.leave(flood[0])
    admission.leave(flood[1])
    assert honest.is_running


async def test_what_begins_something_is_counted_over_time(admission: Admission, clock: Clock) -> None:
    party = invitation("once")
    for _ in range(5):
        admission.leave(admission.enter(party, 10, opens=True))
    with pytest.raises(BusyError):
        admission.enter(party, 10, opens=True)
    admission.leave(admission.enter(party, 10))
    admission.leave(admission.enter(invitation("other"), 10, opens=True))
    clock.now += 61
    admission.leave(admission.enter(party, 10, opens=True))
    with pytest.raises(BusyError):
        admission.enter(party, 10, opens=True)


async def test_messages_are_counted_over_time(admission: Admission, clock: Clock) -> None:
    party = connection("chatty")
    for _ in range(200):
        admission.leave(admission.enter(party, 1))
    with pytest.raises(BusyError):
        admission.enter(party, 1)
    admission.leave(admission.enter(connection("other"), 1))
    clock.now += 1
    for _ in range(20):
        admission.leave(admission.enter(party, 1))
    with pytest.raises(BusyError):
        admission.enter(party, 1)


async def test_an_invitation_for_many_may_begin_more(admission: Admission) -> None:
    for _ in range(50):
        admission.leave(admission.enter(invitation("hall", reusable=True), 10, opens=True))


async def test_whoever_waits_is_told_when_it_is_their_turn(admission: Admission) -> None:
    first, second = (admission.enter(connection("c"), 10) for _ in range(2))
    waiting = asyncio.ensure_future(second.turn)
    await asyncio.sleep(0)
    assert not waiting.done()
    admission.leave(first)
    await asyncio.wait_for(waiting, 60)


async def test_tenants_take_turns_before_connections_do(clock: Clock) -> None:
    admission = Admission(KNOWN, UNKNOWN, share=lambda: Share(1.0), clock=clock)
    flood = [admission.enter(connection(f"f{number}"), 10, tenant="noisy") for number in range(20)]
    quiet = admission.enter(connection("q"), 10, tenant="quiet")
    assert running(*flood[:2], quiet) == [True, True, False]
    admission.leave(flood[0])
    assert running(flood[2], quiet) == [False, True]
    admission.leave(quiet)
    assert running(flood[2]) == [True]


async def test_a_tenant_has_its_share_of_places_and_leaves_the_others_theirs(clock: Clock) -> None:
    admission = Admission(KNOWN, UNKNOWN, share=lambda: Share(0.5), clock=clock)
    flood = [admission.enter(connection(f"f{number}"), 10, tenant="noisy") for number in range(20)]
    assert sum(running(*flood)) == 1
    assert running(admission.enter(connection("q"), 10, tenant="quiet")) == [True]


async def test_a_tenant_has_its_share_of_bytes_and_may_always_have_one_message(clock: Clock) -> None:
    admission = Admission(KNOWN, UNKNOWN, share=lambda: Share(0.25), clock=clock)
    large = admission.enter(connection("large"), 400, tenant="noisy")
    with pytest.raises(BusyError, match="tenant"):
        admission.enter(connection("small"), 1, tenant="noisy")
    admission.enter(connection("small"), 1, tenant="quiet")
    admission.leave(large)
    admission.enter(connection("small"), 1, tenant="noisy")


async def test_a_tenant_is_sent_its_share_of_messages_over_time(clock: Clock) -> None:
    admission = Admission(KNOWN, UNKNOWN, share=lambda: Share(1.0, messages_per_s=2.0), clock=clock)

    def send(sender: int, tenant: str) -> None:
        admission.leave(admission.enter(connection(f"c{sender}"), 1, tenant=tenant))

    for number in range(20):
        send(number, "noisy")
    with pytest.raises(BusyError, match="tenant"):
        send(20, "noisy")
    with pytest.raises(BusyError, match="tenant"):
        admission.check_tenant("noisy")
    admission.check_tenant("quiet")
    send(0, "quiet")
    clock.now += 0.5
    for _ in range(3):
        admission.check_tenant("noisy")  # which takes nothing
    send(21, "noisy")
    with pytest.raises(BusyError, match="tenant"):
        send(22, "noisy")


async def test_a_thread_of_one_name_at_two_tenants_is_two_parties(admission: Admission) -> None:
    """Names of threads are chosen by others."""
    for _ in range(4):
        admission.enter(connection("same"), 10, tenant="noisy")
    with pytest.raises(BusyError):
        admission.enter(connection("same"), 10, tenant="noisy")
    admission.enter(connection("same"), 10, tenant="quiet")


async def test_a_single_tenant_has_everything(clock: Clock) -> None:
    admission = Admission(KNOWN, UNKNOWN, share=Share, clock=clock)
    tickets = [admission.enter(connection(f"c{number}"), 100, tenant="default") for number in range(10)]
    assert sum(running(*tickets)) == KNOWN.at_once
    with pytest.raises(BusyError, match="too much waits"):
        admission.enter(connection("one more"), 1, tenant="default")


async def test_one_network_keeps_no_newcomer_out_of_an_invitation_for_all(clock: Clock) -> None:
    admission = Admission(clock=clock)

    def begin(network: str) -> bool:
        party = Party(Nearness.INVITATION, "i", network, reusable=True, network_a_day=100)
        try:
            admission.leave(admission.enter(party, 1, opens=True))
        except BusyError:
            return False
        return True

    def tries() -> int:
        return sum(begin("greedy") for _ in range(500))

    at_once = tries()
    assert 0 < at_once < 100
    assert begin("another")
    gained = 0
    for _ in range(24):
        clock.now += 3_600
        gained += tries()
    assert at_once + gained <= 2 * 100  # what a day's bucket had, and what it gained in a day
    assert begin("another")
