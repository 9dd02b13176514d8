"""What the operator said of each tenant, kept in the default tenant's profile.

A tenant's name is in its files' addresses and in credentials that workers hold. So the record of a removed tenant
stays, without anything but its name and its place: neither is given to anybody else.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import BaseModel, SecretStr, ValidationError

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import GovernanceConfig, PublicConfig
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant_config import Place, TenantConfig
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.records import Record

_TOKEN_BYTES: Final = 32


class TenantState(Enum):
    """Whether a tenant is served."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"  # its published files stay; else it is as if it were not there
    REMOVING = "REMOVING"  # marked; what is left of it goes step by step
    REMOVED = "REMOVED"  # nothing is left but its published files, and this


class TenantRecord(Record):
    """A tenant; the id is its name in addresses.

    Args:
        name: what people call it.
        host: of its DID.
        path: of its DID.
        roles: by name, each with the settings that differ from the process's table.
        governance: whose word counts for it; None: as for the default tenant.
        token_hash: SHA-256 of its own token, hexadecimal; None: it has none.
        turns: how often it was suspended or resumed.
        has_signed_up: whether it was made by who has it, without the operator; such a one goes when it is idle.
        network: from which it was made, hashed with a key of the store; "": not known, or made by the operator.
        used_on: the last day on which it was used, as far as it is written down; None: the day on which it was made.
        ends_on: the day on which it goes if it is not used; None: it is used.
        has_dealt: whether somebody outside has dealt with it, as far as it was looked at: it only grows.
        worked_on: the day of its people's last work, as it was first looked at; None: it was not, or there was none.
    """

    category: ClassVar[str] = "wanderbuch.tenant"

    name: str
    state: TenantState = TenantState.ACTIVE
    host: str
    path: str
    roles: dict[str, dict[str, Any]]
    governance: GovernanceConfig | None = None
    token_hash: str | None = None
    turns: int = 0
    has_signed_up: bool = False
    network: str = ""
    used_on: date | None = None
    ends_on: date | None = None
    has_dealt: bool = False
    worked_on: date | None = None

    @property
    def age(self) -> tuple[bool, bool, int]:
        """Return what only grows: of two readings of a record the one with the greater age is the later."""
        gone = self.state is TenantState.REMOVED
        return gone, gone or self.state is TenantState.REMOVING, self.turns

    def has_token(self, given: str) -> bool:
        """Return whether this is its own token."""
        return self.token_hash is not None and hmac.compare_digest(_hash(given), self.token_hash)

    def place(self, public: PublicConfig) -> Place:
        """Return where it is in public, on a process with this table `[public]`."""
        prefix = self.path if self.host == public.host else ""
        return Place(self.host, self.path, prefix, public.didcomm_endpoint)

    def config(self, process: AgentConfig, roles: Mapping[str, Role]) -> TenantConfig:
        """Return what the tenant was told, on top of what the process was.

        Raises:
            ValidationError: the settings do not fit the role.
            ConfigurationError: the process has no such role.
        """
        if missing := sorted(self.roles.keys() - roles.keys()):
            raise ConfigurationError(
                f"the tenant {self.id} has the role {missing[0]!r}, which this process has not",
                hint="name the role in [tenants] roles",
            )
        return TenantConfig(
            id=self.id,
            name=self.name,
            place=self.place(process.public),
            roles={name: role_settings(process, roles[name], told) for name, told in self.roles.items()},
            governance=self.governance or process.governance,
            takes_v2=process.public.didcomm_v2,
        )


def tenant_events(record: TenantRecord) -> Sequence[Event]:
    """Return what a tenant's state tells the event log of the operator."""
    events = [Event(EventKind.TENANT_MADE, record.id)]
    match record.state:
        case TenantState.SUSPENDED:
            events.append(Event(EventKind.TENANT_SUSPENDED, record.id, occasion=str(record.turns)))
        case TenantState.ACTIVE if record.turns:
            events.append(Event(EventKind.TENANT_RESUMED, record.id, occasion=str(record.turns)))
        case TenantState.REMOVED:
            events.append(Event(EventKind.TENANT_REMOVED, record.id))
    return events


def role_settings(process: AgentConfig, role: Role, told: Mapping[str, Any]) -> BaseModel:
    """Return a role's settings: the process's table, with what was told in its place."""
    table = {**process.role_tables.get(role.name, {}), **told}
    return role.settings.model_validate(table, context={"folder": process.folder})


def first_mistake(err: ValidationError) -> str:
    """Return where the first of some mistakes is and what was expected there, without what stood there."""
    first = err.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def named_files(settings: BaseModel, told: Mapping[str, Any], where: str = "") -> Sequence[str]:
    """Return which settings among those that were told name a file of this machine."""
    files: list[str] = []
    for name in told.keys() & type(settings).model_fields.keys():
        value, place = getattr(settings, name), f"{where}{name}"
        if isinstance(value, Path):
            files.append(place)
        elif isinstance(value, BaseModel) and isinstance(told[name], Mapping):
            files.extend(named_files(value, told[name], f"{place}."))
    return sorted(files)


def new_token() -> tuple[SecretStr, str]:
    """Return a fresh token of a tenant, and what is kept of it."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    return SecretStr(token), _hash(token)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
