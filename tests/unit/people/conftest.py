"""A workshop with people of its own on each engine, as one process after the other opens it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import pytest
from tests.postgresql import ENGINES
from tests.unit.people.authenticator import Authenticator
from tests.unit.store.opening import Processes

from wanderbuch.agents.people.kinds import USUAL_KINDS, SignInKinds
from wanderbuch.agents.people.log import PrivateLog, TenantPeopleLog
from wanderbuch.agents.people.opening import open_sign_in
from wanderbuch.agents.people.passkeys import Passkeys
from wanderbuch.agents.people.people import People
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.people.sign_in import Entered, SignIn
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.records import RecordStore

ORIGIN = "https://desk.example.test"
RP_ID = "desk.example.test"


class Role(StrEnum):
    MASTER = "master"
    CLERK = "clerk"


class Worker(Person):
    category: ClassVar[str] = "wanderbuch.test-worker"


class OtherWorker(Worker):
    """Somebody of another role of the same tenant."""

    category: ClassVar[str] = "wanderbuch.test-other-worker"


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)

    def seconds(self) -> float:
        return self.now.timestamp()


@dataclass
class Workshop:
    """What one process has open for one tenant; `clock` is everybody's."""

    profile: WalletProfile
    processes: Processes
    clock: Clock = field(default_factory=Clock)
    kind: type[Worker] = Worker
    log_kind: Callable[..., TenantPeopleLog[Any]] = PrivateLog
    kinds: SignInKinds = USUAL_KINDS

    def __post_init__(self) -> None:
        self.log = self.log_kind(self.profile, clock=self.clock)
        self.people: People[Worker, Role] = People(
            self.kind, Role, Role.MASTER, RecordStore(self.profile, self.kind), self.log, clock=self.clock
        )
        self.sign_in: SignIn[Worker] = open_sign_in(
            self.profile,
            self.people,
            url=ORIGIN,
            site_name="Workshop",
            clock=self.clock,
            timer=self.clock.seconds,
            kinds=self.kinds,
        )

    @property
    def passkeys(self) -> Passkeys[Worker]:
        return self.sign_in.needed_passkeys()

    async def elsewhere(self) -> "Workshop":
        """Return the workshop as another process has it; where nobody shares the store, as this one has."""
        shared = self.processes.database is not None
        return Workshop(await self.processes.another() if shared else self.profile, self.processes, self.clock)

    async def hire(self, person_id: str, *roles: Role) -> Worker:
        return await self.people.add_without_token(
            person_id, name=f"Name of {person_id}", roles=roles or (Role.CLERK,), by="operator"
        )

    async def invited(self, person_id: str) -> str:
        return (await self.sign_in.invitations.make(person_id))[1]

    async def accept(self, secret: str, device: Authenticator) -> Entered[Worker]:
        """Make a passkey on a device, as the page of an invitation does."""
        _, ceremony = await self.sign_in.begin_accepting(secret)
        return await self.sign_in.accept(
            secret, ticket=ceremony.ticket, answer=device.make(ceremony.options), label="My phone"
        )

    async def enter(self, device: Authenticator, *, browser: str = "browser") -> Entered[Worker]:
        """Sign in with a device."""
        ceremony = await self.passkeys.begin_sign_in(browser)
        return await self.sign_in.by_passkey(browser, ticket=ceremony.ticket, answer=device.sign(ceremony.options))

    async def equip(self, person_id: str, *roles: Role) -> tuple[Authenticator, Entered[Worker]]:
        """Hire somebody who makes a passkey."""
        await self.hire(person_id, *roles)
        device = phone()
        return device, await self.accept(await self.invited(person_id), device)


def phone() -> Authenticator:
    return Authenticator(ORIGIN, RP_ID)


@pytest.fixture(params=ENGINES)
async def workshop(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[Workshop]:
    database = None if request.param == "sqlite" else request.getfixturevalue("database_with_store")
    processes = Processes(agent_config, database)
    yield Workshop(await processes.another(), processes)
    await processes.end()
