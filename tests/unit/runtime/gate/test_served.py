import pytest
from acapy_agent.protocols.didcomm_prefix import DIDCommPrefix

from wanderbuch.agents.authority.role import ROLE as AUTHORITY_ROLE
from wanderbuch.agents.holder.role import ROLE as HOLDER_ROLE
from wanderbuch.agents.issuer.role import ROLE as ISSUER_ROLE
from wanderbuch.agents.runtime.gate.served import TABLE, MessageType, Nearness, Row, Served, Speaks
from wanderbuch.agents.verifier.role import ROLE as VERIFIER_ROLE

ISSUER = Served([Speaks.ISSUER, Speaks.INVITER])
HOLDER = Served([Speaks.HOLDER, Speaks.INVITEE])
VERIFIER = Served([Speaks.VERIFIER])

NOBODY_SERVES = [
    "did-rotate/1.0/rotate",
    "did-rotate/1.0/hangup",
    "did-rotate/1.0/ack",
    "did-rotate/1.0/problem-report",
    "coordinate-mediation/1.0/mediate-grant",
    "coordinate-mediation/1.0/keylist",
    "messagepickup/1.0/batch-pickup",
    "messagepickup/2.0/delivery",
    "messagepickup/2.0/status",
    "basicmessage/1.0/message",
    "action-menu/1.0/menu",
    "introduction-service/0.1/invitation",
    "transactions/1.0/request",
    "issue-credential/1.0/offer-credential",
    "issue-credential/2.0/credential-preview",
    "present-proof/2.0/propose-presentation",
    "present-proof/1.0/request-presentation",
    "discover-features/1.0/disclose",
    "discover-features/2.0/disclosures",
    "revocation_notification/1.0/ack",
    "notification/1.0/ack",
    "out-of-band/1.1/invitation",
    "connections/1.0/request",
]


@pytest.mark.parametrize("prefix", [prefix.value for prefix in DIDCommPrefix])
def test_each_row_is_served_with_both_prefixes_and_only_by_those_whom_it_names(prefix: str) -> None:
    for name, row in TABLE.items():
        for part in Speaks:
            assert (Served([part]).row(f"{prefix}/{name}") is not None) == (part in row.by)


@pytest.mark.parametrize("name", NOBODY_SERVES)
def test_nobody_serves_what_is_not_in_the_table(name: str) -> None:
    for prefix in DIDCommPrefix:
        assert Served(Speaks).row(prefix.qualify(name)) is None


@pytest.mark.parametrize(
    "name", ["routing/1.0/forward", "coordinate-mediation/1.0/mediate-request", "messagepickup/2.0/status-request"]
)
def test_nobody_but_a_mediator_takes_what_is_for_others(name: str) -> None:
    others = Served(part for part in Speaks if part is not Speaks.MEDIATOR)
    for prefix in DIDCommPrefix:
        assert others.row(prefix.qualify(name)) is None
        assert Served([Speaks.MEDIATOR]).row(prefix.qualify(name)) is not None


@pytest.mark.parametrize(
    ("served", "name"),
    [
        (ISSUER, "present-proof/2.0/request-presentation"),
        (ISSUER, "present-proof/2.0/presentation"),
        (ISSUER, "issue-credential/2.0/offer-credential"),
        (ISSUER, "issue-credential/2.0/issue-credential"),
        (ISSUER, "didexchange/1.1/response"),
        (HOLDER, "didexchange/1.1/request"),
        (HOLDER, "issue-credential/2.0/request-credential"),
        (HOLDER, "present-proof/2.0/presentation"),
        (VERIFIER, "issue-credential/2.0/offer-credential"),
        (VERIFIER, "didexchange/1.1/request"),
        (VERIFIER, "present-proof/2.0/request-presentation"),
        (VERIFIER, "revocation_notification/2.0/revoke"),
    ],
)
def test_no_role_serves_what_only_another_one_does(served: Served, name: str) -> None:
    assert served.row(f"https://didcomm.org/{name}") is None
    assert Served(Speaks).row(f"https://didcomm.org/{name}") is not None


def test_an_agent_of_several_roles_serves_what_each_of_them_does() -> None:
    both = Served([Speaks.ISSUER, Speaks.VERIFIER])
    assert set(both.rows) == set(Served([Speaks.ISSUER]).rows) | set(VERIFIER.rows)


def test_an_agent_of_no_role_serves_nothing() -> None:
    assert not Served([]).rows
    assert Served([]).families == ()


@pytest.mark.parametrize(
    ("text", "is_served"),
    [
        ("https://didcomm.org/present-proof/2.0/presentation", True),
        ("https://didcomm.org/present-proof/2.2/presentation", True),  # a newer minor version, Aries RFC 0003
        ("https://didcomm.org/present-proof/3.0/presentation", False),
        ("https://didcomm.org/present-proof/1.9/presentation", False),
        ("https://didcomm.org/present-proof/2.00/presentation", False),
        ("https://didcomm.org/present-proof/2.0/presentation/", False),
        ("https://didcomm.org/present-proof/2.0/Presentation", False),
        ("https://didcomm.org//present-proof/2.0/presentation", False),
        ("https://elsewhere.example/present-proof/2.0/presentation", False),
        ("https://didcomm.org/present-proof/2.0/presentation\n", False),
        ("https://didcomm.org/present-proof/2.99999999999999999999/presentation", False),
        ("", False),
    ],
)
def test_tells_types_by_their_letters(text: str, is_served: bool) -> None:
    assert (VERIFIER.row(text) is not None) is is_served


def test_a_newer_minor_version_counts_as_the_newest_that_we_know() -> None:
    old, new = (Row(frozenset(Speaks), Nearness.CONNECTION, size) for size in (1, 2))
    served = Served(Speaks, {"x/1.0/y": old, "x/1.1/y": new})
    assert served.row("https://didcomm.org/x/1.0/y") is old
    assert served.row("https://didcomm.org/x/1.7/y") is new


def test_every_row_of_the_table_is_a_message_type() -> None:
    assert all(str(MessageType.parse(name)) == name for name in TABLE)


def test_nothing_is_served_for_nobody() -> None:
    """Whoever has neither a connection, nor an exchange, nor an open invitation, can begin nothing."""
    assert all(row.needs > Nearness.NOBODY for row in TABLE.values())
    assert TABLE["trust_ping/1.0/ping"].needs is Nearness.CONNECTION


def test_each_role_plays_its_part_and_no_other() -> None:
    assert set(AUTHORITY_ROLE.speaks) == set()
    assert set(HOLDER_ROLE.speaks) == {Speaks.HOLDER, Speaks.INVITEE}
    assert set(ISSUER_ROLE.speaks) == {Speaks.ISSUER, Speaks.INVITER, Speaks.INVITEE}
    assert set(VERIFIER_ROLE.speaks) == {Speaks.VERIFIER, Speaks.INVITER}
