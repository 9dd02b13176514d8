"""Organisations that make themselves a tenant, where the operator has switched that on (`[tenants.sign_up]`).

1. Before anything is read or written, one network and all of them together have a budget; so many there may be at once.
   Where all places are taken, the network that has most of them gives one (`gate.crowding`): so a few networks that
   fill all places by patience keep nobody out. With whom somebody outside has dealt stays. What its own people have
   done keeps a tenant for a week, once, and then goes last: whoever begins has the time to be answered, and a stranger
   who asks themselves something in a whole hoard of tenants shuts the door for no longer. What a look has shown is
   written down, so the next one goes on behind it.
2. It is a tenant like any other of the process's own role, at once, with a token that is shown once. What it is called
   is its own word: no authority has said anything of it.
3. One that is idle is to go: for `idle_days` its token was not used, nobody was signed in at its desk, nobody who is
   connected wrote to it, and nothing of it is open; a stranger's visit is no use. That it will go is written down
   first, and a week later it goes, unless it was used meanwhile: every process has had the time to write down what it
   saw. The last look is in the same transaction as the mark.
"""

import asyncio
import logging
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from pydantic import SecretStr

from wanderbuch.agents.runtime.config_tables import SignUpConfig
from wanderbuch.agents.runtime.gate.budget import Budget
from wanderbuch.agents.runtime.gate.crowding import TakenPlace, gives_way
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.office import KeepsOpen
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.agents.runtime.tenant_desk import NewTenant, TenantDesk
from wanderbuch.agents.runtime.tenant_records import TenantRecord, TenantState
from wanderbuch.agents.runtime.tenants import Tenants
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.tables import tables_of, tenant_of
from wanderbuch.visible_text import is_visible

_LOG = logging.getLogger(__name__)
GRACE: Final = timedelta(days=7)
_EVERY: Final = timedelta(minutes=10)
_MAX_NAME: Final = 120
_TRIES_A_MINUTE: Final = 6.0
_NETWORKS: Final = 20
_MAX_SLUG: Final = 20
_LOOKED_AT: Final = 25  # tenants that may have to be opened for one newcomer
_LOOKING_S: Final = 10.0  # so long another one is opened for them
_WORK_KEEPS: Final = timedelta(days=7)
_GONE: Final = (TenantState.REMOVING, TenantState.REMOVED)


class FullError(WanderbuchError):
    """There are as many of them as there may be."""

    code = "too-many"


class SignUp:
    """Makes and ends the tenants that organisations make for themselves.

    Args:
        config: how many, and how long.
        desk: makes tenants.
        tenants: who there is.
        role: that each of them gets.
    """

    def __init__(self, config: SignUpConfig, desk: TenantDesk, tenants: Tenants, role: str) -> None:
        self.config = config
        self._desk = desk
        self._tenants = tenants
        self._role = role
        self._budget = Budget(
            network_a_minute=config.network_a_minute,
            all_a_minute=config.all_a_minute,
            network_a_day=config.network_a_day,
        )
        self._tries = Budget(network_a_minute=_TRIES_A_MINUTE, all_a_minute=_TRIES_A_MINUTE * _NETWORKS)
        self._swept_at: datetime | None = None
        self._not_told: set[str] = set()  # who could not be looked at since the last sweep

    async def make(self, name: str, *, network: str) -> tuple[TenantRecord, SecretStr]:
        """Make a tenant, and return it with its token.

        Args:
            name: what its organisation is called.
            network: from which it is made.

        Raises:
            TooOftenError: the budget is used up.
            FullError: there are too many.
            MalformedError: the name is none.
        """
        self._budget.take(network)  # 1
        called = " ".join(name.split())
        if not 0 < len(called) <= _MAX_NAME or not is_visible(called):
            raise MalformedError(f"expected a name of 1 to {_MAX_NAME} characters")
        taken_by = self._hashed(network)
        if len(own := await self._own()) >= self.config.most:
            await self._make_room(own, taken_by)
        told = NewTenant(_id_of(called), called, {self._role: {}}, has_signed_up=True, network=taken_by)
        return await self._desk.make(told)  # 2

    async def _make_room(self, own: Sequence[TenantRecord], network: str) -> None:
        """Remove a tenant of the network with most, for one of this network (1).

        Raises:
            FullError: none gives way.
        """
        today, loop = self._tenants.default.clock().date(), asyncio.get_running_loop()
        records = {record.id: record for record in own}
        places = {record.id: _place(record, today, may_go=record.id not in self._not_told) for record in own}
        seen: dict[str, datetime | None] = {}  # when each was used last, as it was looked at
        until = loop.time() + _LOOKING_S
        while (gone := gives_way(list(places.values()), network)) is not None:
            if gone not in seen:
                if len(seen) >= _LOOKED_AT or loop.time() > until:
                    break
                seen[gone] = self._tenants.used_at(gone)
                was_young = not places[gone].is_old
                places[gone] = await self._look_at(records[gone], today)
                if not places[gone].may_go or (was_young and places[gone].is_old):
                    continue
            try:
                await self._desk.remove(gone, unless=partial(self._was_used_since, records[gone].used_on, seen[gone]))
            except RefusedError:  # it is used just now
                places[gone] = replace(places[gone], may_go=False)
                continue
            log_event(_LOG, logging.WARNING, "sign_up.gave_way", tenant=gone, taken=len(own))
            return
        raise FullError("no more can sign up here now", hint="ask the operator of this service")

    async def _look_at(self, record: TenantRecord, today: date) -> TakenPlace:
        """Return whether a tenant may go, and write down why not; where that cannot be told, it stays for now."""
        try:
            tenant = await self._tenants.enter(record.id)
        except WanderbuchError:
            self._not_told.add(record.id)
            return _place(record, today, may_go=False)
        worked = []
        for office in tenant.offices.values():
            if not isinstance(office, KeepsOpen):
                self._not_told.add(record.id)
                return _place(record, today, may_go=False)
            if await office.has_dealt():
                return _place(await self._desk.note_work(record.id, has_dealt=True), today)
            worked.append(await office.worked_at())
        if record.worked_on is None and (at := max((at for at in worked if at is not None), default=None)) is not None:
            record = await self._desk.note_work(record.id, worked_on=at.date())
        return _place(record, today)

    def _was_used_since(self, used_on: date | None, used_at: datetime | None, kept: TenantRecord) -> bool:
        return kept.used_on != used_on or self._tenants.used_at(kept.id) != used_at

    def _hashed(self, network: str) -> str:
        """Return what a network is kept as: who has the store's key alone can tell which one it was; "": not known."""
        if not network:
            return ""
        root = self._tenants.memory
        return tables_of(root).hashes.of("sign-up network", tenant_of(root), network).hex()

    def count_try(self, network: str) -> None:
        """Count that a page was given a token, before it is looked at.

        Raises:
            TooOftenError: there were too many.
        """
        self._tries.take(network)

    async def sweep(self, now: datetime) -> None:
        """Write down who was used, and remove who is idle (3); looks every few minutes."""
        if self._swept_at is not None and now - self._swept_at < _EVERY:
            return
        self._swept_at = now
        self._not_told.clear()
        for record in await self._own():
            try:
                await self._look(record, now)
            except WanderbuchError as err:
                log_event(_LOG, logging.WARNING, "sign_up.not_looked_at", tenant=record.id, reason=err.message)

    async def _own(self) -> Sequence[TenantRecord]:
        return [record for record in await self._desk.every() if record.has_signed_up and record.state not in _GONE]

    async def _look(self, record: TenantRecord, now: datetime) -> None:
        today, seen = now.date(), self._tenants.used_on(record.id)
        if seen is not None and seen > _used_on(record):
            record = await self._tenants.note_use(record, seen)
        if record.state is not TenantState.ACTIVE or not self._is_idle(record, today):
            return
        if await self._has_open(record, now):
            return
        if record.ends_on is None:
            await self._desk.end_on(record.id, today + GRACE, unless=lambda kept: not self._is_idle(kept, today))
        elif record.ends_on <= today:
            try:
                await self._desk.remove(record.id, unless=lambda kept: not self._is_over(kept, today))
            except RefusedError:  # it is used again
                return
            log_event(_LOG, logging.INFO, "sign_up.removed", tenant=record.id)

    def _is_idle(self, record: TenantRecord, today: date) -> bool:
        return today - _used_on(record) > timedelta(days=self.config.idle_days)

    def _is_over(self, record: TenantRecord, today: date) -> bool:
        return self._is_idle(record, today) and record.ends_on is not None and record.ends_on <= today

    async def _has_open(self, record: TenantRecord, now: datetime) -> bool:
        tenant = await self._tenants.enter(record.id)
        for office in tenant.offices.values():
            if isinstance(office, KeepsOpen) and await office.has_open(now):
                return True
        return False


def _place(record: TenantRecord, today: date, *, may_go: bool = True) -> TakenPlace:
    has_week = record.worked_on is not None and today < record.worked_on + _WORK_KEEPS
    may_go = may_go and not record.has_dealt and not has_week
    return TakenPlace(record.id, record.network, may_go=may_go, is_old=record.worked_on is not None)


def _used_on(record: TenantRecord) -> date:
    return record.used_on or record.created_at.date()


def _id_of(name: str) -> str:
    """Return an id that tells the name, and is nobody else's."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_MAX_SLUG].strip("-")
    return f"{slug or 'employer'}-{secrets.token_hex(3)}"
