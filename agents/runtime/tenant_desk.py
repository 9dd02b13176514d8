"""Where an operator makes, suspends, resumes and removes tenants.

Removing, in steps each of which may be done again after a crash:

1. the record is marked REMOVING, and every process is told: nobody is let in any more;
2. the tenant's work ends: its offices are closed, its tasks cancelled;
3. its profile goes out of the store: keys, credentials, exchanges, records, sessions, kept envelopes, blobs;
4. its short links, and its lines in the plain tables (rows, words, keys, events, leases, numbers) go; sweeps do it
   again for some minutes, since what was in hand finds its profile gone only after it has written such a line;
5. the record is marked REMOVED; of what it said only the name and the place stay.

What is published stays: workers hold credentials that rest on the DID log, the definitions and the status lists. For
the same reason neither the id nor the place of a removed tenant is given to another.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from aries_askar import AskarError, AskarErrorCode
from pydantic import SecretStr, ValidationError

from wanderbuch.agents.runtime.closed_hosts import read_closed
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import GovernanceConfig
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.agents.runtime.public_files import PublicFiles
from wanderbuch.agents.runtime.role_settings import goes_by_mediator
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.agents.runtime.tenant_config import TENANT_ID
from wanderbuch.agents.runtime.tenant_limits import TenantLimits
from wanderbuch.agents.runtime.tenant_records import (
    TenantRecord,
    TenantState,
    first_mistake,
    named_files,
    new_token,
    tenant_events,
)
from wanderbuch.agents.runtime.tenants import Tenants
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.webvh_place import PlaceError, published_place
from wanderbuch.store.records import DuplicateError, NotFoundError, RecordStore
from wanderbuch.store.tables import DEFAULT_TENANT, tables_of
from wanderbuch.store.telling import Teller

_LOG = logging.getLogger(__name__)
_HEARD_S: Final = 2.5
_IN_HAND_S: Final = 300.0  # so long a handler that was at work when its tenant went may still write plain lines
_MAKING: Final = ".tenants/make"
"""The lease under which one process at a time looks which places are taken, and takes one."""
_RESERVED: Final = frozenset({"hosts", "didcomm", "i", "site", "v1", "t", "governance", "tails"})
"""First segments of public paths that are not a tenant's to take, on the process's host or on one of its own."""


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What an operator says of a tenant to be made.

    Args:
        id: in addresses.
        name: what people call it.
        roles: by name, each with the settings that differ from the process's.
        host: a host name of its own; None: the process's.
        path: of its DID; None: on the process's host its id, on a host of its own that of the default tenant.
        governance: whose word counts for it; None: as for the default tenant.
        has_signed_up: whether it makes itself.
        network: from which, hashed; "": not known.
    """

    id: str
    name: str
    roles: Mapping[str, Mapping[str, Any]]
    host: str | None = None
    path: str | None = None
    governance: GovernanceConfig | None = None
    has_signed_up: bool = False
    network: str = ""


class TenantDesk:
    """Makes and ends the tenants of a store.

    Args:
        config: of the process.
        tenants: who there is.
        files: where public files lie.
    """

    def __init__(self, config: AgentConfig, tenants: Tenants, files: PublicFiles) -> None:
        self._config = config
        self._tenants = tenants
        self._files = files
        self._root: WalletProfile = tenants.memory
        self._records = RecordStore(self._root, TenantRecord)
        self._teller = Teller(self._root, TenantRecord, tenant_events, records=self._records)
        self._turn = asyncio.Lock()
        self._removing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gone: dict[str, float] = {}  # when this process has removed whom, by the loop's clock

    @property
    def limits(self) -> TenantLimits:
        """Return what each tenant may take now of what all share."""
        return self._tenants.default.limits

    async def every(self) -> Sequence[TenantRecord]:
        """Return the tenants that there are or were, oldest first; the default one is not among them."""
        return sorted(await self._records.find(), key=lambda tenant_record: tenant_record.created_at)

    async def get(self, tenant_id: str) -> TenantRecord:
        """Return a tenant.

        Raises:
            NotFoundError: there is none of this id.
            RefusedError: it is the default one.
        """
        if tenant_id == DEFAULT_TENANT:
            raise RefusedError(
                "the tenant 'default' is the one of the configuration file", hint="stop the agent to have it rest"
            )
        tenant_record = await self._records.get_or_none(tenant_id)
        if tenant_record is None:
            raise NotFoundError(f"there is no tenant {tenant_id[:64]!r}")
        return tenant_record

    async def make(self, told: NewTenant) -> tuple[TenantRecord, SecretStr]:
        """Make a tenant and return it with its token, which is shown this once; it opens with its first request.

        Raises:
            MalformedError: the id, the place or a setting does not fit; a role or a host is not this process's.
            RefusedError: the id or the place is taken, or was.
        """
        async with self._turn, tables_of(self._root).leases.hold(_MAKING):
            await self._tenants.look_again()  # ids and places that other processes gave
            record = self._checked(told)
            await self._check_files(record.host, record.path)
            token, record_hash = new_token()
            record = record.model_copy(update={"token_hash": record_hash})
            try:
                await self._root.store.create_profile(record.id)
            except AskarError as err:
                if err.code != AskarErrorCode.DUPLICATE:  # of an attempt that a crash cut before the record was there
                    raise
            try:
                await self._teller.insert(record)
            except DuplicateError as err:  # by another process, just now
                raise RefusedError(f"there is a tenant {record.id!r} already", hint="use another id") from err
            self._tenants.note(record)
        await self._tenants.tell(record.id)
        log_event(_LOG, logging.INFO, "tenant.made", tenant=record.id, roles=" ".join(sorted(record.roles)))
        return record, token

    async def suspend(self, tenant_id: str) -> TenantRecord:
        """Serve a tenant no more: as if it were not there. Its published files stay.

        Raises:
            NotFoundError: there is none of this id.
            RefusedError: it is removed.
        """
        return await self._become(tenant_id, TenantState.SUSPENDED)

    async def resume(self, tenant_id: str) -> TenantRecord:
        """Serve a tenant again, as before; errors as with `suspend`."""
        return await self._become(tenant_id, TenantState.ACTIVE)

    async def renew_token(self, tenant_id: str) -> tuple[TenantRecord, SecretStr]:
        """Give a tenant another token; the one before opens nothing any more. Errors as with `suspend`."""
        await self.get(tenant_id)
        token, token_hash = new_token()

        def step(tenant: TenantRecord) -> TenantRecord:
            return _alive(tenant).model_copy(update={"token_hash": token_hash})

        record = await self._records.change(tenant_id, step)
        await self._tenants.tell(tenant_id)
        return record, token

    async def remove(self, tenant_id: str, *, unless: Callable[[TenantRecord], bool] = lambda _: False) -> TenantRecord:
        """Remove a tenant for good, by the steps above; calling it again goes on where it was cut.

        Args:
            tenant_id: whose.
            unless: looks at the record as it is marked, and says whether the tenant stays after all.

        Raises:
            NotFoundError: there is none of this id.
            RefusedError: it stays.
        """
        await self.get(tenant_id)

        def mark(tenant: TenantRecord) -> TenantRecord | None:
            if tenant.state in (TenantState.REMOVING, TenantState.REMOVED):
                return None
            if unless(tenant):
                raise RefusedError(f"the tenant {tenant_id!r} is used again")
            return tenant.model_copy(update={"state": TenantState.REMOVING, "token_hash": None})

        # Not `_turn`: it waits for other processes, and nobody should wait for that to make a tenant.
        async with self._removing[tenant_id]:
            record = await self._records.change(tenant_id, mark)  # 1
            self._tenants.note(record)
            if record.state is TenantState.REMOVED:
                return record
            await self._tenants.tell(tenant_id)
            await self._tenants.shut(tenant_id)  # 2
            if tables_of(self._root).engine.is_shared:  # other processes hear of it, and end their work too
                await asyncio.sleep(_HEARD_S)
            await self._root.opened.kept.forget(tenant_id)
            await self._root.store.remove_profile(tenant_id)  # 3
            await self._forget(tenant_id)  # 4

            def end(tenant: TenantRecord) -> TenantRecord:
                nothing: dict[str, Any] = {"name": tenant.id, "roles": {}, "governance": None}
                return tenant.model_copy(update={"state": TenantState.REMOVED, **nothing})

            record = await self._teller.change(record, end)  # 5
            self._tenants.note(record)
            self._gone[tenant_id] = asyncio.get_running_loop().time()
        log_event(_LOG, logging.INFO, "tenant.removed", tenant=tenant_id)
        return record

    async def end_on(self, tenant_id: str, day: date, *, unless: Callable[[TenantRecord], bool]) -> TenantRecord:
        """Write down on which day an idle tenant goes; `unless` looks at the record as it stands."""

        def step(tenant: TenantRecord) -> TenantRecord | None:
            is_settled = tenant.state is not TenantState.ACTIVE or tenant.ends_on is not None
            return None if is_settled or unless(tenant) else tenant.model_copy(update={"ends_on": day})

        return await self._records.change(tenant_id, step)

    async def note_work(
        self, tenant_id: str, *, has_dealt: bool = False, worked_on: date | None = None
    ) -> TenantRecord:
        """Write down what a look at a tenant that signed up has shown; the day stays the one that was written first."""

        def step(tenant: TenantRecord) -> TenantRecord | None:
            if tenant.state in (TenantState.REMOVING, TenantState.REMOVED):
                return None
            told = {"has_dealt": tenant.has_dealt or has_dealt, "worked_on": tenant.worked_on or worked_on}
            return tenant.model_copy(update=told)

        return await self._records.change(tenant_id, step)

    async def go_on(self) -> None:
        """Go on with what a crash cut: removals that were begun. Clear up behind those that have ended."""
        for record in await self._records.find():
            if record.state is TenantState.REMOVING:
                await self.remove(record.id)
        now = asyncio.get_running_loop().time()
        for tenant_id, at in list(self._gone.items()):
            await self._forget(tenant_id)
            if now - at > _IN_HAND_S:
                self._gone.pop(tenant_id, None)

    async def _forget(self, tenant_id: str) -> None:
        """Remove what is kept of a tenant outside its profile."""
        await ShortLinks.forget_tenant(self._root, tenant_id)
        await tables_of(self._root).forget_tenant(tenant_id)

    async def _become(self, tenant_id: str, state: TenantState) -> TenantRecord:
        def step(tenant: TenantRecord) -> TenantRecord | None:
            if tenant.state is state:
                return None
            return _alive(tenant).model_copy(update={"state": state, "turns": tenant.turns + 1})

        record = await self._teller.change(await self.get(tenant_id), step)
        self._tenants.note(record)
        if state is TenantState.SUSPENDED:
            await self._tenants.shut(tenant_id)
        await self._tenants.tell(tenant_id)
        log_event(_LOG, logging.INFO, "tenant.changed", tenant=tenant_id, state=state.value)
        return record

    def _checked(self, told: NewTenant) -> TenantRecord:
        if not TENANT_ID.fullmatch(told.id):
            raise MalformedError(
                f"expected an id of 1 to 32 lower-case letters, digits and inner hyphens, found {told.id[:64]!r}"
            )
        if told.id == DEFAULT_TENANT:
            raise RefusedError(
                "the tenant 'default' is the one of the configuration file, and cannot be made", hint="use another id"
            )
        unknown = sorted(told.roles.keys() - self._tenants.roles.keys())
        if unknown or not told.roles:
            allowed = ", ".join(sorted(self._tenants.roles))
            raise MalformedError(f"expected roles among {allowed}, found {', '.join(unknown)[:200] or 'none'}")
        public = self._config.public
        if public.listen is None:
            raise RefusedError("this wallet has no address, so there is no place for further tenants")
        host = told.host or public.host
        path = told.path or (told.id if host == public.host else public.path)
        self._check_place(told.id, host, path)
        record = TenantRecord(
            id=told.id,
            name=told.name,
            host=host,
            path=path,
            roles={name: dict(settings) for name, settings in told.roles.items()},
            governance=told.governance,
            has_signed_up=told.has_signed_up,
            network=told.network,
        )
        try:
            config = record.config(self._config, self._tenants.roles)
        except ValidationError as err:
            raise MalformedError(f"a setting of its roles does not fit: {first_mistake(err)}") from err
        except WanderbuchError as err:  # of a setting that is parsed further
            raise MalformedError(f"a setting of its roles does not fit: {err.message}") from err
        for name, settings in config.roles.items():
            if goes_by_mediator(settings):
                raise MalformedError(
                    f"{name}.mediator is for an agent that listens nowhere; a tenant is reached at {host}"
                )
            if files := named_files(settings, record.roles[name]):
                raise MalformedError(
                    f"a setting of its roles names a file of this machine: {name}.{files[0]}; "
                    "only the role's table in the configuration file may"
                )
        return record

    async def _check_files(self, host: str, path: str) -> None:
        """Refuse a place where another's public files lie: certificates rest on them."""
        publisher = self._files.publisher(None if host == self._config.public.host else host)
        if (closed := await read_closed(publisher)) is not None:
            raise RefusedError(
                f"the host {host} has the public files of {closed.name!r}, which has closed", hint="use another host"
            )
        if await publisher.get(f"{path}/did.jsonl") is not None:
            raise RefusedError(f"the log of a DID lies at https://{host}/{path} already", hint="use another place")

    def _check_place(self, tenant_id: str, host: str, path: str) -> None:
        public = self._config.public
        own = {host_config.host for host_config in public.hosts}
        if host != public.host and host not in own:
            raise MalformedError(
                f"this process has no certificate for {host[:200]!r}: expected {public.host!r}"
                f"{''.join(f' or {host!r}' for host in sorted(own))}, or a table [[public.hosts]] for it"
            )
        try:
            published_place(host, path)
        except PlaceError as err:
            raise MalformedError(f"host and path cannot stand in a did:webvh: {err}") from err
        of_roles = {route.path.split("/")[1] for role in self._tenants.roles.values() for route in role.public_routes()}
        if path.split("/")[0] in _RESERVED | of_roles:
            raise RefusedError(
                f"the path {path!r} begins with a word of the public site's own", hint="use another path"
            )
        for other, (other_host, other_path) in self._tenants.taken().items():
            if other == tenant_id:
                raise RefusedError(
                    f"there is or was a tenant {tenant_id!r}: its published files are at https://{other_host}/"
                    f"{other_path}, and workers' credentials may rest on them",
                    hint="use another id",
                )
            if host == other_host and (host != public.host or _overlap(path, other_path)):
                raise RefusedError(
                    f"https://{host}/{path} is or was the place of the tenant {other!r}"
                    if host == public.host
                    else f"the host {host} is or was that of the tenant {other!r}",
                    hint="use another path" if host == public.host else "use another host",
                )


def _alive(record: TenantRecord) -> TenantRecord:
    if record.state in (TenantState.REMOVING, TenantState.REMOVED):
        raise RefusedError(f"the tenant {record.id!r} is removed", hint="a removed tenant does not come back")
    return record


def _overlap(path: str, other: str) -> bool:
    """Return whether one path lies at or below the other."""
    one, two = path.split("/"), other.split("/")
    return one[: len(two)] == two or two[: len(one)] == one
