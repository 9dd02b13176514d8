"""The wallet store: Askar on SQLite or PostgreSQL, opened so that load neither loses messages nor poisons the pool.

Why not ACA-Py's own way: it opens SQLite with a pool of 4 and a busy timeout of 5 s. Managers that open a session
inside a session then wait for each other under load, and after one "database is locked" later writes answer OK and are
not there. So:

1. the URI asks for a long busy timeout and a large pool, all of it opened at once (20 ms): opening one more connection
   waits for whoever writes, so a session inside a transaction that finds none idle would wait for its own transaction;
2. an error that says the store can no longer be relied on (locked, full, damaged, read-only) is told to a `StoreGuard`,
   which ends the process: what was not finished is still kept and is taken up at the next start;
3. another key, another program on the same data, or a file that is no wallet is one clear line at start;
4. transactions of this process take turns, in the order in which they were asked for. SQLite lets one in at a time and
   those that wait sleep and try again, each on a connection of the pool: with 30 exchanges in flight some never got in.

Plain sessions that ended well stay open for who comes next (`store_kept`).

On PostgreSQL (`store_postgresql`) 1 is a small pool that sessions share by rules (`store_room`), and 4 holds for each
profile, whose row a transaction locks. A connection that was lost, as when the server is restarted, is found out when
it is next used: a session that is being opened takes another; one that was open fails as the store's failure, so that
the message that it served is handled again.
"""

import asyncio
import fcntl
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from weakref import WeakValueDictionary, ref

from acapy_agent.askar.profile_anon import AskarAnonCredsProfile, AskarAnonCredsProfileSession
from acapy_agent.askar.store import AskarOpenStore, AskarStoreConfig
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.config.provider import ClassProvider
from acapy_agent.core.error import ProfileError
from acapy_agent.core.profile import Profile, ProfileManager, ProfileSession
from acapy_agent.storage.askar import AskarStorage
from acapy_agent.storage.base import BaseStorage
from acapy_agent.wallet.askar import AskarWallet
from acapy_agent.wallet.base import BaseWallet
from aries_askar import AskarError, AskarErrorCode, Session, Store

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.privacy import make_data_folder
from wanderbuch.agents.runtime.store_handle import WatchedHandle
from wanderbuch.agents.runtime.store_kept import KeptSessions
from wanderbuch.agents.runtime.store_postgresql import (
    HALF_COPIED,
    StartingLock,
    fatal_on_postgresql,
    half_copied,
    open_wallet_store,
)
from wanderbuch.agents.runtime.store_room import NoRoomError, Place, Room
from wanderbuch.errors import ConfigurationError
from wanderbuch.faults import causes
from wanderbuch.store.fence import PASSING

RESTORING: Final = ".restoring.db"
"""Beside the wallet, from the beginning of a restore until the wallet is there with its mark."""
_LOG = logging.getLogger(__name__)
_TURN_S: Final = 60.0
_OPENED_S: Final = 10.0  # as ACA-Py has it
_KEPT_SHARE: Final = 8  # of the pool's connections, for sessions that nobody uses
_UNDER_WAY_S: Final = (*(0.002 * 2**n for n in range(10)), *(1.0 for _ in range(10)))
_SQLITE_CODE: Final = re.compile(r"\(code: (\d+)\)")
# https://sqlite.org/rescode.html, primary codes: the low byte of an extended one.
_FATAL: Final[Mapping[int, str]] = {
    5: "the wallet store is locked by another writer (database is locked)",
    6: "the wallet store is locked by another writer (table is locked)",
    8: "the wallet store cannot be written to (read-only)",
    10: "the disk under the wallet store fails or is full (I/O error)",
    11: "the wallet store is damaged",
    13: "the disk under the wallet store is full",
}

# Askar waited for a connection and got none: asking again would wait as long again.
_WAITED: Final = re.compile(r"acquiring pool connection|pool timed out")


class StoreBusyError(ProfileError):  # type: ignore[misc]  # acapy_agent has no types
    """No session or transaction was opened in time: nothing was done, and what was asked must be asked again."""


class StoreGuard:
    """Learns of every error of the store and says once when it can no longer be relied on.

    Args:
        on_fatal: called once, with one plain sentence.
    """

    def __init__(self, on_fatal: Callable[[str], None]) -> None:
        self._on_fatal = on_fatal
        self.fatal: str | None = None

    def is_fatal(self, err: AskarError) -> bool:
        """Return whether the store cannot be relied on after an error."""
        return fatal_reason(err) is not None

    def look(self, err: BaseException) -> None:
        """Look at an error and its causes."""
        for link in causes(err):  # bounded: errors that are raised again while others are handled can form a ring
            if self.fatal is None and isinstance(link, AskarError) and (reason := fatal_reason(link)):
                self.fatal = reason
                self._on_fatal(reason)


def fatal_reason(err: AskarError) -> str | None:
    """Return why the store cannot be relied on after this error, or None if it can."""
    match = _SQLITE_CODE.search(str(err))
    return _FATAL.get(int(match[1]) & 0xFF) if match else fatal_on_postgresql(str(err))


def is_store_failure(err: BaseException) -> bool:
    """Tell whether an error goes back to a store that did not answer, not to what was asked of it: ask again."""
    return any(
        isinstance(cause, (StoreBusyError, *PASSING))
        or (isinstance(cause, AskarError) and cause.code in (AskarErrorCode.BACKEND, AskarErrorCode.BUSY))
        for cause in causes(err)
    )


class DataLock:
    """Holds an agent's data folder for this process alone."""

    def __init__(self, folder: Path) -> None:
        """Take the folder.

        Raises:
            ConfigurationError: another process has it, or it cannot be written to.
        """
        try:
            make_data_folder(folder)
            self._file = (folder / "lock").open("w")
        except OSError as err:
            raise ConfigurationError(f"the data folder {folder} cannot be written to: {err.strerror}") from err
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            self._file.close()
            raise ConfigurationError(
                f"another process uses the data folder {folder}", hint="stop it, or give this agent another folder"
            ) from err

    def release(self) -> None:
        """Give the folder back."""
        self._file.close()


class OpenWallet(AskarOpenStore):  # type: ignore[misc]  # acapy_agent has no types
    """An open store, and what its profiles share.

    Args:
        config: ACA-Py's.
        created: whether it was made just now.
        store: Askar's.
        connections: the size of its pool if it is on PostgreSQL; None on SQLite.
        kept: how many sessions stay open for who comes next (`store_kept`).
    """

    def __init__(
        self, config: AskarStoreConfig, created: bool, store: Store, connections: int | None = None, kept: int = 0
    ) -> None:
        super().__init__(config, created, store)
        self.is_shared = connections is not None
        self.kept = KeptSessions(kept)
        self.room = None if connections is None else Room(connections)
        self.connections = connections or 0
        self._closing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn_of(self, profile_id: str | None) -> asyncio.Lock:
        """Return what the one open transaction holds: of the store on SQLite, of the profile on PostgreSQL."""
        if not self.is_shared or profile_id is None:
            return self._turn
        return self._turns.setdefault(profile_id, asyncio.Lock())

    async def close(self) -> None:
        """Close the store, once: whoever else asks waits for that, and who is cancelled meanwhile cuts it in no two.

        Askar has no store for a second one, and one that was cut leaves it neither open nor closed.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self.kept.close()
        await super().close()


class WalletProfile(AskarAnonCredsProfile):  # type: ignore[misc]
    """ACA-Py's profile whose sessions tell the guard of their errors.

    Args:
        opened: the store.
        context: of this profile.
        guard: learns of the store's errors.
        profile_id: Askar's name of the profile; None for the default one.
        turn: held by the one open transaction; by default the store knows.
    """

    def __init__(
        self,
        opened: OpenWallet,
        context: InjectionContext,
        guard: StoreGuard,
        profile_id: str | None = None,
        turn: asyncio.Lock | None = None,
    ) -> None:
        self.guard = guard
        self.turn = turn or opened.turn_of(profile_id)
        super().__init__(opened, context, profile_id=profile_id)

    def session(self, context: InjectionContext | None = None) -> "WalletSession":
        """Start a session without a transaction."""
        return WalletSession(self, False, context=context)

    def transaction(self, context: InjectionContext | None = None) -> "WalletSession":
        """Start a transaction; milliseconds only, it holds up every other writer."""
        return WalletSession(self, True, context=context)


class WalletSession(AskarAnonCredsProfileSession):  # type: ignore[misc]
    """ACA-Py's session that tells the guard of its errors; its scope of bindings is made when it is first asked for.

    What only reads and writes entries asks for none, and to copy all bindings and settings costs more than a look-up.
    """

    _scope: InjectionContext | None = None
    _has_turn = False
    _place: Place | None = None
    _handle: Any = None  # ACA-Py's `__del__` looks at it also where the store was closed before the session was made

    def __init__(self, profile: "WalletProfile", is_txn: bool, *, context: InjectionContext | None = None) -> None:
        self._around = context or profile.context
        self._profile = profile
        self._active = self._awaited = False
        self._entered = 0
        self._events: list[Any] = []
        open_one = profile.store.transaction if is_txn else profile.store.session
        self._opener = open_one(profile.profile_id)

    @property
    def _context(self) -> InjectionContext:
        """The session's own scope, with what ACA-Py binds in it."""
        if self._scope is None:
            self._scope = self._around.start_scope()
            bind = self._scope.injector
            bind.bind_instance(ProfileSession, ref(self))
            bind.bind_provider(BaseWallet, ClassProvider(AskarWallet, ref(self)))
            bind.bind_provider(BaseStorage, ClassProvider(AskarStorage, ref(self)))
        return self._scope

    async def _setup(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self.is_transaction:
            await self._take_turn()
        try:
            await self._open()
        except BaseException as err:
            self._give_back()
            if isinstance(err, AskarError | ProfileError):
                self._profile.guard.look(err)
            raise
        opened: Session = self._handle
        self._handle = WatchedHandle(opened, self._profile, self._profile.guard)

    async def _open(self) -> None:
        """Open the session; on PostgreSQL on another connection for each that turns out to be lost."""
        opened: OpenWallet = self._profile.opened
        if opened.room is None:
            if self.is_transaction or (kept := opened.kept.take(self._profile)) is None:
                try:
                    await self._open_one()
                except ProfileError as err:
                    raise _own_failure(err, err.__cause__) from err.__cause__
            else:
                self._handle, self._opener = kept, None
            return
        try:
            self._place = await opened.room.enter(is_transaction=self.is_transaction)
        except NoRoomError as err:
            raise StoreBusyError("all connections to the wallet store have been used for a minute") from err
        is_transaction, lost = self.is_transaction, 0
        while True:
            try:
                await self._open_one()
            except ProfileError as err:
                cause = err.__cause__
                lost += 1
                if not isinstance(cause, AskarError) or lost > opened.connections or not _is_lost_connection(cause):
                    raise _own_failure(err, cause) from cause
                open_one = opened.store.transaction if is_transaction else opened.store.session
                self._opener = open_one(self._profile.profile_id)
            else:
                return

    async def _open_one(self) -> None:
        """Wait for Askar's session, as ACA-Py does; one that does not come in time is a failure of the store.

        Whoever asked has no deadline that this could be: told as one, it would be taken for theirs, or for a mistake.
        """
        try:
            self._handle = await asyncio.wait_for(self._opener, _OPENED_S)
        except AskarError as err:
            raise ProfileError("Error opening store session") from err
        except TimeoutError as err:
            raise StoreBusyError(f"the wallet store opened no session for {_OPENED_S:g} s") from err
        self._opener = None

    async def _teardown(self, commit: bool | None = None) -> None:
        try:
            if (session := self._to_keep(commit)) is not None:
                self._handle = None
                await self._profile.opened.kept.put(self._profile, session)
            else:
                await self._close(commit)
        except (AskarError, ProfileError) as err:
            self._profile.guard.look(err)
            raise
        finally:
            self._give_back()

    def _to_keep(self, commit: bool | None) -> Session | None:
        """Return the session of Askar's if it can be kept for the next of ours; None: it is to be closed."""
        opened: OpenWallet | None = self._profile.opened
        handle = self._handle
        if opened is None or opened.kept.most < 1 or commit or not isinstance(handle, WatchedHandle):
            return None
        return handle.session if handle.is_clean and not handle.session.is_transaction else None

    async def _close(self, commit: bool | None) -> None:
        """Close the session, after the call that a cancellation left under way.

        Askar goes on with that call and closes nothing meanwhile. Its error would take the cancellation's place: a
        deadline would be told as a failure of the store, and a task that was told to end would go on.
        """
        for pause_s in _UNDER_WAY_S:
            try:
                await super()._teardown(commit)
            except AskarError as err:
                if err.code is not AskarErrorCode.BUSY:
                    raise
            else:
                return
            await asyncio.sleep(pause_s)
        _LOG.warning("a call to the wallet store does not end; its session is closed when it does")
        self._handle = None  # Askar closes what nobody holds any more

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(_TURN_S):
                await self._profile.turn.acquire()
        except TimeoutError as err:
            raise StoreBusyError(f"a transaction of this agent has been open for {_TURN_S:g} s") from err
        self._has_turn = True

    def __del__(self) -> None:
        """Give back what a session holds that nobody closed: ACA-Py's transports leave theirs to the collector."""
        if self._has_turn or self._place is not None:
            loop, turn, place = self._loop, self._profile.turn if self._has_turn else None, self._place
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_leave, turn, place)

    def _give_back(self) -> None:
        """Give the turn and the place in the pool back."""
        if self._has_turn:
            self._has_turn = False
            self._profile.turn.release()
        if self._place is not None:
            self._place.leave()
            self._place = None


def _leave(turn: asyncio.Lock | None, place: Place | None) -> None:
    if turn is not None:
        turn.release()
    if place is not None:
        place.leave()


def _is_lost_connection(err: AskarError) -> bool:
    """Tell whether a session was not opened because its connection is gone, so that another may do."""
    if err.code == AskarErrorCode.NOT_FOUND:  # no such profile; or another call's error, and then again another
        return False
    return not _WAITED.search(str(err)) and fatal_reason(err) is None


def _own_failure(err: ProfileError, cause: BaseException | None) -> ProfileError:
    """Return the error of a session that was not opened, which may have been told another call's."""
    if isinstance(cause, AskarError) and cause.code in (AskarErrorCode.SUCCESS, AskarErrorCode.DUPLICATE):
        return StoreBusyError("no session could be opened; Askar does not say why")
    return err


class WalletManager(ProfileManager):  # type: ignore[misc]
    """Opens the wallet store of one agent; bound in place of ACA-Py's own manager."""

    def __init__(self, config: AgentConfig, guard: StoreGuard) -> None:
        self._config = config
        self._guard = guard
        self.starting = StartingLock(config) if config.store.is_shared else None
        """Held from when the store is opened until ACA-Py has started (`acapy.start`)."""

    async def started(self) -> None:
        """Let the next process start on this store."""
        if self.starting is not None:
            await self.starting.release()

    @property
    def uri(self) -> str:
        """Return the Askar address of the store."""
        wallet = self._config.wallet
        path = quote(self._config.wallet_file.as_posix())
        pool = f"max_connections={wallet.max_connections}&min_connections={wallet.max_connections}"
        return f"sqlite://{path}?busy_timeout={wallet.busy_timeout_ms}&{pool}"

    async def provision(self, context: InjectionContext, config: Mapping[str, Any] | None = None) -> Profile:
        """Make the store if it is not there, and open it."""
        return await self._open(context, config)

    async def open(self, context: InjectionContext, config: Mapping[str, Any] | None = None) -> Profile:
        """Open the store; it is made if it is not there, since an agent's data folder is its own."""
        return await self._open(context, config)

    async def _open(self, context: InjectionContext, config: Mapping[str, Any] | None) -> WalletProfile:
        open_it = self._open_sqlite if self.starting is None else self._open_postgresql
        return WalletProfile(await open_it(AskarStoreConfig(dict(config or {}))), context, self._guard)

    async def _open_postgresql(self, config: AskarStoreConfig) -> OpenWallet:
        lock = self.starting or StartingLock(self._config)
        connection = await lock.take()
        try:
            store, created = await open_wallet_store(self._config, connection)
        except BaseException:
            await lock.release()
            raise
        return OpenWallet(config, created, store, self._config.store.connections)

    async def _open_sqlite(self, config: AskarStoreConfig) -> OpenWallet:
        file = self._config.wallet_file
        key = self._config.wallet_key.get_secret_value()
        created = not file.exists()
        if created and file.with_name(RESTORING).exists():  # an empty store would be another agent's
            raise half_copied(str(file))
        try:
            if created:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                store = await Store.provision(self.uri, "raw", key)
            else:
                store = await Store.open(self.uri, "raw", key)
        except OSError as err:
            raise ConfigurationError(f"the wallet folder {file.parent} cannot be made: {err.strerror}") from err
        except AskarError as err:
            raise _why_not_opened(err, file) from err
        if HALF_COPIED in await store.list_profiles():
            await store.close()
            raise half_copied(str(file))
        return OpenWallet(config, created, store, kept=max(1, self._config.wallet.max_connections // _KEPT_SHARE))


def _why_not_opened(err: AskarError, file: Path) -> ConfigurationError:
    """Return the error of opening the store in plain words."""
    match = _SQLITE_CODE.search(str(err))
    code = int(match[1]) & 0xFF if match else -1
    if err.code == AskarErrorCode.ENCRYPTION:
        return ConfigurationError(
            f"the wallet {file} was made with another key",
            hint="set [wallet] key_file (or WANDERBUCH_WALLET_KEY) to the key it was made with; nothing was changed",
        )
    if code == 26:
        return ConfigurationError(f"the file {file} is not a wallet", hint="restore it from a backup, or move it away")
    if code in _FATAL:
        return ConfigurationError(f"the wallet {file} cannot be opened: {_FATAL[code]}")
    return ConfigurationError(f"the wallet {file} cannot be opened", hint="check the folder, its rights and the disk")
