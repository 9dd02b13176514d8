import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.agents.runtime.gate.rate_limit import RateLimit


def test_a_client_may_ask_at_once_and_then_as_often_as_allowed() -> None:
    limit = RateLimit(per_second=2, burst=3)
    assert [limit.wait_s("192.0.2.1", 100.0) for _ in range(4)] == [0, 0, 0, 1]
    assert limit.wait_s("192.0.2.1", 100.4) == 1
    assert [limit.wait_s("192.0.2.1", 100.5), limit.wait_s("192.0.2.1", 100.5)] == [0, 1]
    assert [limit.wait_s("192.0.2.1", 1000.0) for _ in range(4)] == [0, 0, 0, 1]


def test_one_client_does_not_use_up_what_another_may() -> None:
    limit = RateLimit(per_second=1, burst=1)
    assert limit.wait_s("192.0.2.1", 0.0) == 0
    assert limit.wait_s("192.0.2.1", 0.0) == 1
    assert limit.wait_s("192.0.2.2", 0.0) == 0


def test_asking_in_vain_costs_nothing_more() -> None:
    limit = RateLimit(per_second=0.1, burst=1)
    limit.wait_s("192.0.2.1", 0.0)
    assert [limit.wait_s("192.0.2.1", float(second)) for second in range(1, 10)] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert limit.wait_s("192.0.2.1", 10.0) == 0


def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    limit = RateLimit(per_second=1, burst=1)
    assert limit.wait_s("2001:db8::1", 0.0) == 0
    assert limit.wait_s("2001:db8::ffff:2", 0.0) == 1
    assert limit.wait_s("2001:db8:0:1::1", 0.0) == 0
    assert limit.wait_s("::ffff:192.0.2.1", 0.0) == 0
    assert limit.wait_s("192.0.2.1", 0.0) == 1


@pytest.mark.parametrize("client", [None, "", "fe80::1%eth0", "not:an:address", "x:" * 500])
def test_any_address_is_a_client(client: str | None) -> None:
    limit = RateLimit(per_second=1, burst=1)
    assert [limit.wait_s(client, 0.0), limit.wait_s(client, 0.0)] == [0, 1]


def test_no_limit_remembers_nobody() -> None:
    limit = RateLimit(per_second=0, burst=1)
    assert [limit.wait_s("192.0.2.1", 0.0) for _ in range(10)] == [0] * 10
    assert len(limit) == 0


def test_the_table_does_not_grow_beyond_its_bound() -> None:
    limit = RateLimit(per_second=1, burst=1, max_clients=100)
    for number in range(1000):
        assert limit.wait_s(f"client-{number}", 0.0) == 0
    assert len(limit) == 100
    assert limit.wait_s("client-999", 0.0) == 1
    assert limit.wait_s("client-0", 0.0) == 0


@given(st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=200))
def test_never_more_than_burst_and_rate_allow(pauses: list[float]) -> None:
    limit, now, allowed = RateLimit(per_second=2, burst=5), 0.0, 0
    for pause in pauses:
        now += pause
        allowed += limit.wait_s("192.0.2.1", now) == 0
        assert allowed <= 5 + 2 * now + 1e-6
