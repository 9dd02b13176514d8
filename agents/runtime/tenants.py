"""The tenants of a process: who there is, found by id and by place, opened when they are first needed.

How one is opened: `tenant_opening`. Whether an office is open is known here and nowhere else.

Who there is follows from the records in the default tenant's profile. A tenant that is suspended or removed is not
there for anybody but the operator. What another process decides is heard on the topic `tenants`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Protocol

from acapy_agent.core.profile import Profile
from aries_askar import AskarError

from wanderbuch.agents.runtime.app import OPERATOR, Caller
from wanderbuch.agents.runtime.front import Asked, Who
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.office import Office
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.short_links import record_in
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.runtime.tenant_opening import bring_up, open_tenant
from wanderbuch.agents.runtime.tenant_records import TenantRecord, TenantState
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.records import NotFoundError, RecordStore
from wanderbuch.store.tables import DEFAULT_TENANT, tables_of

_LOG = logging.getLogger(__name__)
_OPENING_S: Final = 10.0  # so long a request or a message waits for its tenant to open
_IDLE_S: Final = 900.0
_FORGETTING: Final = "(forgetting)"
_READING_S: Final = 5.0
_LOOK_AGAIN_S: Final = 0.5
TOPIC: Final = "tenants"


class MakeTenant(Protocol):
    """Gives the tenant of a record: its profile, not yet its offices."""

    def __call__(self, record: TenantRecord) -> Tenant:
        """Return it; errors as with `TenantRecord.config`."""


@dataclass(slots=True)
class _Known:
    """What is at hand of a tenant, open or not.

    Args:
        host, path: of its DID.
        prefix: where its public routes and files begin, on its host.
        state: whether it is served.
        age: of the record that says so.
        tenant: made; None: not yet.
        opening: opens it; None: nobody does.
        failure: why it did not open.
        touched_at: when it was last asked or written to, by the loop's clock.
        used_at: when somebody of its own, or connected with it, used it last, in this process; None: nobody has.
        swept_at: when each of its offices was last swept, by the loop's clock.
    """

    host: str
    path: str
    prefix: str
    state: TenantState
    age: tuple[bool, bool, int] = (False, False, 0)
    tenant: Tenant | None = None
    opening: asyncio.Task[None] | None = None
    failure: WanderbuchError | None = None
    touched_at: float = 0.0
    used_at: datetime | None = None
    swept_at: dict[str, float] = field(default_factory=dict)


class Tenants:
    """The tenants of one process.

    Args:
        roles: that a tenant may have, by name.
        default: the default tenant.
        make: makes further ones.
    """

    def __init__(self, roles: Mapping[str, Role], default: Tenant, *, make: MakeTenant) -> None:
        self.roles = roles
        self.default = default
        self._make = make
        place = default.place
        self._known: dict[str, _Known] = {
            default.id: _Known(place.host, place.path, place.prefix, TenantState.ACTIVE, tenant=default)
        }
        self._by_place: dict[tuple[str, str], str] = {(place.host, place.prefix): default.id}
        self._records = RecordStore(default.profile, TenantRecord)
        self._heard: set[asyncio.Task[None]] = set()
        self.on_change: Callable[[], None] = lambda: None
        """Called when it is known here that a tenant's record changed, in whichever process."""

    @property
    def memory(self) -> Profile:
        """Return the profile that remembers what belongs to the process."""
        return self.default.profile

    async def load(self) -> None:
        """Learn who there is, and hear from now on what other processes decide."""
        for record in await self._records.find():
            self.note(record)
        tables_of(self.memory).engine.hear(TOPIC, self._hear)

    def ids(self) -> Sequence[str]:
        """Return the ids of the tenants that are served, the default one first."""
        return [tenant_id for tenant_id, known in self._known.items() if known.state is TenantState.ACTIVE]

    def opened(self) -> Sequence[Tenant]:
        """Return the tenants that are open."""
        return [known.tenant for known in self._known.values() if known.tenant is not None and known.tenant.offices]

    def taken(self) -> Mapping[str, tuple[str, str]]:
        """Return host and path of every tenant that there is or was, by id."""
        return {tenant_id: (known.host, known.path) for tenant_id, known in self._known.items()}

    def at(self, host: str, prefix: str) -> str | None:
        """Return the id of the tenant whose public routes are on this host below `prefix`; None: nobody's."""
        tenant_id = self._by_place.get((host, prefix))
        return tenant_id if tenant_id and self._known[tenant_id].state is TenantState.ACTIVE else None

    async def behind(self, link_id: str) -> str | None:
        """Return the long address behind a short link of a tenant that is served; None if there is none."""
        if (record_id := record_in(link_id)) is not None:
            return await self._behind_record(record_id)
        link = await self.default.short_links.find(link_id)
        known = self._known.get(link.tenant) if link is not None else None
        return link.url if link and known and known.state is TenantState.ACTIVE else None

    async def asked(self, link_id: str, invitation_id: str, language: str) -> Asked | None:
        """Return what the invitation behind a short link asks, in a language; opens its tenant if need be.

        Raises:
            NotFoundError: there is no such tenant (any more).
            NotReadyError: it does not open (yet).
        """
        tenant_id = self.default.id
        if record_in(link_id) is None:
            link = await self.default.short_links.find(link_id)
            if link is None:
                return None
            tenant_id = link.tenant
        tenant = await self.enter(tenant_id)
        for name in tenant.config.roles:
            say = self.roles[name].say_asked
            asked = await say(tenant.offices[name], invitation_id, language) if say is not None else None
            if asked is not None:
                return asked
        return None

    async def who(self, tenant_id: str) -> Who:
        """Return whose place a tenant's is; opens it if need be.

        Raises:
            NotFoundError: there is none of this id.
            NotReadyError: it does not open (yet).
        """
        tenant = await self.enter(tenant_id)
        config = tenant.config
        return Who(
            name=config.name,
            did=tenant.did if tenant.has_did else None,
            roles=tuple(config.roles),
            entries=tuple(entry for name in config.roles for entry in self.roles[name].entries(config)),
            prefix=f"/{config.place.prefix}" if config.place.prefix else "",
        )

    async def _behind_record(self, record_id: str) -> str | None:
        for name in self.default.config.roles:
            find = self.roles[name].long_address
            url = await find(self.default.profile, record_id) if find is not None else None
            if url is not None:
                return url
        return None

    def note(self, record: TenantRecord) -> None:
        """Take over what a record says, at once for everybody who asks; nothing of one that was read too early."""
        prefix = record.place(self.default.parts.config.public).prefix
        known = self._known.get(record.id)
        if known is None:
            known = self._known[record.id] = _Known(record.host, record.path, prefix, record.state)
            self._by_place.setdefault((record.host, prefix), record.id)
        if record.age >= known.age:
            known.state, known.age, known.failure = record.state, record.age, None
        self.default.parts.shares.is_divided = len(self.ids()) > 1

    async def learn(self, record: TenantRecord) -> None:
        """Take over what a record says that was read from the store: another process may have decided it."""
        self.note(record)
        if self._known[record.id].state is not TenantState.ACTIVE:
            await self.shut(record.id)

    def find(self, tenant_id: str) -> Tenant:
        """Return a tenant that is served and open.

        Raises:
            NotFoundError: there is none of this id.
            NotReadyError: it is not open yet.
        """
        known = self._served(tenant_id)
        if known.tenant is None:
            raise _not_open()
        return known.tenant

    async def profile(self, tenant_id: str) -> Tenant:
        """Return a tenant that is served, whether its offices are open or not: for its profile.

        Raises:
            NotFoundError: there is none of this id.
        """
        known = self._served(tenant_id)
        if known.tenant is None:
            record = await self._records.get(tenant_id)
            if known.tenant is None:
                known.tenant = self._make(record)
                known.tenant.on_use = lambda: self._note_used(known)
        return known.tenant

    async def enter(self, tenant_id: str, *, is_use: bool = False) -> Tenant:
        """Return a tenant whose offices are open; opens them if need be.

        Args:
            tenant_id: which.
            is_use: whether somebody who has a part in it does; a stranger's visit is none, so that nobody keeps an idle
                tenant alive by looking at its pages.

        Raises:
            NotFoundError: there is none of this id.
            NotReadyError: it does not open (yet).
        """
        known = self._served(tenant_id)
        known.touched_at = asyncio.get_running_loop().time()
        if is_use:
            self._note_used(known)
        if known.tenant is not None and known.tenant.offices and known.opening is None:
            return known.tenant
        tenant = await self.profile(tenant_id)
        if tenant_id == DEFAULT_TENANT:  # which opens when the process starts
            if known.opening is not None or not tenant.offices:
                raise _not_open()
            return tenant
        if known.opening is None:
            known.opening = asyncio.create_task(self._opened(known, tenant), name=f"tenant.{tenant_id}")
        await asyncio.wait({known.opening}, timeout=_OPENING_S)
        if known.state is not TenantState.ACTIVE:
            raise _nobody(tenant_id)
        if known.tenant is not tenant or known.opening is not None or not tenant.offices:
            raise known.failure or _not_open()
        return tenant

    async def office(self, tenant_id: str, role: str) -> Office:
        """Return the office of a role for a tenant; opens it if need be.

        Raises:
            NotFoundError: there is no such tenant, or it does not have this role.
            NotReadyError: it is not open (yet).
        """
        tenant = await self.profile(tenant_id)
        if role not in tenant.config.roles:
            raise NotFoundError(f"the tenant {tenant_id} has no {role}")
        await self.enter(tenant_id)
        return tenant.offices[role]

    async def identify(self, tenant_id: str, token: str) -> Caller | None:
        """Return who has this token for a tenant, beside the operator; None if nobody, or if there is no tenant."""
        known = self._known.get(tenant_id)
        if known is None or known.state is not TenantState.ACTIVE:
            return None
        if tenant_id != DEFAULT_TENANT:
            record = await self._records.get_or_none(tenant_id)
            if record is None or record.state is not TenantState.ACTIVE:  # another process has decided so just now
                return None
            if record.has_token(token):
                await self.note_use(record, self.default.clock().date())
                return Caller("tenant", OPERATOR.roles)
        try:
            tenant = await self.profile(tenant_id)
            if not any(type(self.roles[name]).identify is not Role.identify for name in tenant.config.roles):
                return None
            await self.enter(tenant_id)
        except WanderbuchError:  # it does not open: whoever has no token of ours must not learn that it is there
            return None
        for name, office in tenant.offices.items():
            if (caller := await self.roles[name].identify(office, token)) is not None:
                self._note_used(known)
                return caller
        return None

    def used_on(self, tenant_id: str) -> date | None:
        """Return the last day on which somebody who has a part in a tenant used it, as this process knows, or None."""
        used_at = self.used_at(tenant_id)
        return None if used_at is None else used_at.date()

    def used_at(self, tenant_id: str) -> datetime | None:
        """Return the same to the instant."""
        known = self._known.get(tenant_id)
        return None if known is None else known.used_at

    def _note_used(self, known: _Known) -> None:
        known.used_at = self.default.clock()

    async def note_use(self, record: TenantRecord, day: date) -> TenantRecord:
        """Write down that a tenant that signed up was used on a day: at most once a day, so that it does not go."""
        if not record.has_signed_up or (record.used_on is not None and record.used_on >= day and not record.ends_on):
            return record

        def step(tenant: TenantRecord) -> TenantRecord:
            used_on = max(day, tenant.used_on or day)
            return tenant.model_copy(update={"used_on": used_on, "ends_on": None})

        return await self._records.change(record.id, step)

    async def open(self, tenant: Tenant) -> None:
        """Open a tenant; returns when it is open, however long somebody whom it needs cannot be reached."""
        await open_tenant(tenant, self._roles_of(tenant), memory=self.memory)

    def _roles_of(self, tenant: Tenant) -> list[Role]:
        return [self.roles[name] for name in tenant.config.roles]

    async def shut(self, tenant_id: str) -> None:
        """Close a tenant that is not served any more: its offices and tasks; its profile holds nothing open."""
        known = self._known.get(tenant_id)
        if known is None or tenant_id == DEFAULT_TENANT:
            return
        opening, tenant = known.opening, known.tenant
        known.tenant = None
        if opening is not None:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        if tenant is not None:
            await tenant.close()

    async def tell(self, tenant_id: str) -> None:
        """Tell every process that a tenant's record changed."""
        await tables_of(self.memory).engine.announce(TOPIC, tenant_id)

    async def sweep(self, role: str, now: datetime) -> None:
        """Sweep the open offices of a role for which there may be something to do.

        The default tenant's always; another's if anything of the tenant is due, if it was asked or written to lately,
        or if its last sweep was long ago (ACA-Py's own records have no due time).
        """
        due, at = await tables_of(self.memory).due.tenants(), asyncio.get_running_loop().time()
        for tenant in self.opened():
            known, office = self._known[tenant.id], tenant.offices.get(role)
            is_idle = at - known.touched_at >= _IDLE_S and at - known.swept_at.get(role, -_IDLE_S) < _IDLE_S
            if office is None or (is_idle and tenant.id not in due and tenant.id != DEFAULT_TENANT):
                continue
            known.swept_at[role] = at
            try:
                await office.sweep(now)
            except Exception as err:  # noqa: BLE001 (one tenant must not keep the others from their sweep)
                _LOG.error("sweep.failed: %s of %s", role, tenant.id, exc_info=err)

    async def sweep_blobs(self, now: datetime) -> None:
        """Remove what was left half written, or half removed, of the blobs of open tenants."""
        due = await tables_of(self.memory).due.tenants()
        for tenant in self.opened():
            if tenant.id in due:
                try:
                    await tenant.blobs.sweep(now)
                except Exception as err:  # noqa: BLE001 (one tenant must not keep the others from their sweep)
                    _LOG.error("sweep.failed: blobs of %s", tenant.id, exc_info=err)

    async def forget(self, now: datetime) -> None:
        """Remove what must be gone by now of suspended tenants: what was promised holds for them, too."""
        at = asyncio.get_running_loop().time()
        waiting = [
            (tenant_id, known)
            for tenant_id, known in self._known.items()
            if known.state is TenantState.SUSPENDED and at - known.swept_at.get(_FORGETTING, -_IDLE_S) >= _IDLE_S
        ]
        due = await tables_of(self.memory).due.tenants() if waiting else set()
        for tenant_id, known in waiting:
            if tenant_id not in due:
                continue
            known.swept_at[_FORGETTING] = at
            try:
                await self._forget(await self._records.get(tenant_id), now)
            except Exception as err:  # noqa: BLE001 (one tenant must not keep the others from it)
                _LOG.error("sweep.failed: what is to be forgotten of %s", tenant_id, exc_info=err)

    async def _forget(self, record: TenantRecord, now: datetime) -> None:
        tenant = self._make(record)
        try:
            roles = self._roles_of(tenant)
            await bring_up(tenant, roles)
            for role in roles:
                await role.forget(tenant.profile, now)
        finally:
            await tenant.close()

    async def visit(self) -> None:
        """Open every tenant that is not open, one after another: so a sweep reaches what a crash left of it."""
        closed = [
            tenant_id
            for tenant_id in self.ids()
            if not (known := self._known[tenant_id]).tenant or not known.tenant.offices
        ]
        for tenant_id in closed:
            try:
                await self.enter(tenant_id)
            except WanderbuchError as err:
                log_event(_LOG, logging.WARNING, "tenant.not_open", tenant=tenant_id, code=err.code, reason=err.message)

    async def close(self) -> None:
        """Close all of them."""
        if self._heard:  # not cancelled: a session that is cut in a call of Askar's cannot be closed
            await asyncio.wait(self._heard, timeout=_READING_S)
        for task in self._heard:
            task.cancel()
        for tenant_id in list(self._known):
            await self.shut(tenant_id)
        await self.default.close()

    def _served(self, tenant_id: str) -> _Known:
        known = self._known.get(tenant_id)
        if known is None or known.state is not TenantState.ACTIVE:
            raise _nobody(tenant_id)
        return known

    async def _opened(self, known: _Known, tenant: Tenant) -> None:
        try:
            await self.open(tenant)
        except asyncio.CancelledError:
            raise
        except WanderbuchError as err:
            known.failure = err
            log_event(_LOG, logging.ERROR, "tenant.not_open", tenant=tenant.id, code=err.code, reason=err.message)
        except Exception as err:  # noqa: BLE001 (the next request tries again; the log says what failed)
            _LOG.error("tenant.open_failed: %s", tenant.id, exc_info=err)
        finally:
            known.opening = None

    def _hear(self, text: str) -> None:
        """Look again at one tenant, or at all where something may have been missed."""
        task = asyncio.get_running_loop().create_task(self._heard_of(text), name="tenants.heard")
        self._heard.add(task)
        task.add_done_callback(self._heard.discard)

    async def _heard_of(self, tenant_id: str) -> None:
        while True:
            try:
                return await self.look_again(tenant_id)
            except (WanderbuchError, AskarError) as err:  # a tenant that was suspended must not be served on
                _LOG.warning("the records of tenants cannot be read, tried again: %s", type(err).__name__)
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def look_again(self, tenant_id: str = "") -> None:
        """Take over what the record of a tenant says by now; without an id, the records of all.

        Where no other process writes them, all of it is known.
        """
        if not tables_of(self.memory).engine.is_shared:
            return
        records = [await self._records.get_or_none(tenant_id)] if tenant_id else await self._records.find()
        for record in records:
            if record is not None:
                await self.learn(record)
        self.on_change()


def _nobody(tenant_id: str) -> NotFoundError:
    return NotFoundError(f"there is no tenant {tenant_id[:64]!r}")


def _not_open() -> NotReadyError:
    return NotReadyError("this tenant's office is being opened", hint="try again in a moment")
