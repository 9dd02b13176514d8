"""How near a sender stands, and what is looked up to find out."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.gate.handlers import HandlerTable, RoleHandler
from wanderbuch.agents.runtime.gate.served import Nearness
from wanderbuch.agents.runtime.role import Role
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.handling import Handler, Invited
from wanderbuch.plugins.exchange.incoming import Incoming, NoReplyRoute

THEIRS, OURS = "their key", "our key"


class Ours:
    """A role whose look-ups are counted."""

    def __init__(
        self,
        *,
        has: str = "",
        adopted: str = "",
        knows: bool = False,
        invites: bool = False,
        is_untouched: bool = False,
    ) -> None:
        self.looked: list[str] = []
        self._has, self._adopted, self._knows, self._invites = has, adopted, knows, invites
        self._is_untouched = is_untouched

    async def find_connection(self, profile: Profile, own_key: str, *, adopts: bool = True) -> Connection | None:
        self.looked.append("adopt" if adopts else "find")
        key = self._has or (self._adopted if adopts else "")
        if not key:
            return None
        return Connection(
            id=own_key,
            connection_id="c",
            own_did="o",
            their_did="t",
            their_key=key,
            endpoint="",
            invitation_id="i",
            request_id="r",
            protocol="didexchange/1.1",
        )

    async def asked(
        self, *, needs: Nearness = Nearness.EXCHANGE, begins: bool = False, **how: Any
    ) -> tuple[str, str, bool]:
        async def knows(_: Incoming) -> bool:
            self.looked.append("knows")
            return self._knows

        async def find_invitation(_: Profile, __: str) -> Invited | None:
            self.looked.append("invitation")
            return Invited(reusable=False, is_untouched=self._is_untouched) if self._invites else None

        async def take(_: Any, __: Incoming) -> bool:
            raise NotImplementedError

        role = cast(Role, SimpleNamespace(handlers={}, find_invitation=find_invitation))
        handler = RoleHandler("ours", Handler(take, knows=knows, begins_connection=begins))
        profile = cast(Profile, SimpleNamespace(profile_id=None))
        incoming = Incoming(profile, "kind", "1", "thread", "invitation", {}, THEIRS, OURS, NoReplyRoute())
        table = HandlerTable({"ours": role}, self.find_connection)
        party, connection = await table.party(incoming, [handler], ["ours"], "network", needs=needs, **how)
        return party.standing.name, party.key, connection is not None


async def test_a_live_connection_is_found_first_and_handed_on() -> None:
    ours = Ours(has=THEIRS, knows=True)
    assert await ours.asked() == ("CONNECTION", "c", True)
    assert ours.looked == ["find"]


async def test_an_exchange_over_a_connection_that_was_there_lately_needs_no_look_at_it() -> None:
    ours = Ours(knows=True)
    assert await ours.asked(lately="c") == ("CONNECTION", "c", False)
    assert ours.looked == ["knows"]


async def test_a_connection_that_was_there_lately_lets_nothing_else_in() -> None:
    ours = Ours()
    assert await ours.asked(lately="c") == ("NOBODY", "network", False)
    assert ours.looked == ["knows", "find", "invitation", "adopt"]


async def test_another_senders_key_is_no_connection() -> None:
    ours = Ours(has="another key", knows=True)
    assert await ours.asked() == ("EXCHANGE", "default/thread", False)
    assert ours.looked == ["find", "knows"]


@pytest.mark.parametrize("needs", [Nearness.INVITATION, Nearness.EXCHANGE, Nearness.CONNECTION])
async def test_the_wallet_is_looked_through_only_where_an_invitation_is_not_enough(needs: Nearness) -> None:
    ours = Ours(adopted=THEIRS, invites=True)
    is_enough = needs is Nearness.INVITATION
    expected = ("INVITATION", "invitation", False) if is_enough else ("CONNECTION", "c", True)
    assert await ours.asked(needs=needs) == expected
    assert ours.looked == ["find", "knows", "invitation", *([] if is_enough else ["adopt"])]


async def test_who_names_no_open_invitation_is_looked_for_everywhere() -> None:
    ours = Ours(adopted=THEIRS)
    assert await ours.asked(needs=Nearness.INVITATION) == ("CONNECTION", "c", True)
    assert await Ours(adopted="another key").asked() == ("NOBODY", "network", False)


async def test_the_first_answer_to_an_invitation_costs_one_look() -> None:
    ours = Ours(invites=True, is_untouched=True)
    assert await ours.asked(needs=Nearness.INVITATION, begins=True) == ("INVITATION", "invitation", False)
    assert ours.looked == ["invitation"]


@pytest.mark.parametrize("invites", [True, False])
async def test_a_further_answer_to_an_invitation_is_that_of_an_exchange_if_it_is_known(invites: bool) -> None:
    ours = Ours(invites=invites, knows=True)
    assert await ours.asked(needs=Nearness.INVITATION, begins=True) == ("EXCHANGE", "default/thread", False)
    assert ours.looked == ["invitation", "find", "knows"]


async def test_a_further_answer_of_somebody_else_is_that_of_a_stranger() -> None:
    ours = Ours(invites=True)
    assert await ours.asked(needs=Nearness.INVITATION, begins=True) == ("INVITATION", "invitation", False)
    assert ours.looked == ["invitation", "find", "knows"]


async def test_an_answer_over_a_connection_that_was_there_lately_is_looked_at_as_any_message() -> None:
    ours = Ours(has=THEIRS, invites=True, is_untouched=True, knows=True)
    assert await ours.asked(needs=Nearness.INVITATION, begins=True, lately="c") == ("CONNECTION", "c", False)
    assert ours.looked == ["knows"]


async def test_what_begins_no_connection_is_looked_up_by_its_key_first() -> None:
    ours = Ours(has=THEIRS, invites=True, is_untouched=True)
    assert await ours.asked(needs=Nearness.INVITATION) == ("CONNECTION", "c", True)
    assert ours.looked == ["find"]
