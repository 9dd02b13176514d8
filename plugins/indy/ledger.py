"""One Indy ledger: questions that n - f nodes answer alike, and transactions.

Rules of reading, for a ledger of n nodes of which f = (n - 1) / 3 may lie:

1. All nodes are asked, and an answer counts that n - f of them give. A transaction is written when n - f nodes have
   it, so every such answer has an honest node in it that has the newest one: neither "there is none" nor a revocation
   state can be old. (A state proof of one node, or f + 1 equal answers, may be; no ledger needs state proofs here.)
2. Fewer answers in time, or different ones, are no answer: `LedgerSilentError`, which everybody above takes as
   "could not be checked", never as "no".
3. Time, size of an answer and questions at once are bounded; strangers' questions have places of their own, and a
   ledger that was silent a moment ago is not asked again for them.

The nodes are those of the genesis file and what it led to; who changes it changes whose word counts.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import indy_vdr
from indy_vdr import bindings
from indy_vdr.request import Request

from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.governance.facts.indy import OldNames
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.lanes import SILENT_S, WAIT_S, is_for_strangers, own_work
from wanderbuch.plugins.indy.config import IndyLedgerConfig
from wanderbuch.plugins.indy.errors import (
    GenesisError,
    LedgerAnswerError,
    LedgerBusyError,
    LedgerSilentError,
    LedgerUnknownError,
)
from wanderbuch.plugins.indy.genesis import genesis_of, read_genesis
from wanderbuch.plugins.indy.refusals import refusal

LOGGER = logging.getLogger(__name__)

_READ_S: Final = 10.0
_OPEN_S: Final = 15.0
_WRITE_S: Final = 30.0
_AGAIN_S: Final = 0.2  # nodes that disagree are a moment apart
_NODES_FOR_S: Final = 3600.0  # so often the ledger is asked which nodes it has now
_NODES_AGAIN_S: Final = 60.0  # and so soon again if it did not say
_MAX_ANSWER_CHARS: Final = 4 * 1024 * 1024  # the state of a registry of 100,000 places has 700 kB
_PLACES: Final = 16
_PLACES_STRANGERS: Final = 4
_OF_THE_NODE_ALONE: Final = frozenset({"auditPath", "rootHash", "ledgerSize", "stateProofFrom", "state_proof"})
# indy-vdr's own deadlines, in seconds: what we gave up is soon given up there too.
_LIBRARY: Final = {"ack_timeout": 5, "reply_timeout": 12, "conn_active_timeout": 5}


class IndyLedger:
    """A ledger as configured; its nodes are asked at the first question.

    Args:
        config: of the ledger.
        edge: fetches a genesis file that is configured by its address.

    Raises:
        GenesisError: the genesis file cannot be used.
    """

    def __init__(self, config: IndyLedgerConfig, edge: HttpEdge) -> None:
        self.config = config
        self._edge = edge
        read_genesis(config)  # a wrong one is found at the start
        self._pool: indy_vdr.Pool | None = None
        self._nodes: tuple[str, ...] = ()
        self._opened_at = 0.0
        self._opening = asyncio.Lock()
        self._own = asyncio.Semaphore(_PLACES)
        self._strangers = asyncio.Semaphore(_PLACES_STRANGERS)
        self._silent_until = 0.0
        self._failed_at = 0.0

    @property
    def name(self) -> str:
        """Return its namespace."""
        return self.config.namespace

    def close(self) -> None:
        """Close the connections to the nodes."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    async def read(self, build: Callable[[], Request]) -> dict[str, Any]:
        """Return what the nodes answer, without what is each node's own: `data`, `seqNo` and `txnTime`.

        Args:
            build: makes the question; called once a node, since indy-vdr uses a request up.

        Raises:
            LedgerSilentError: too few nodes answered, or not alike.
            LedgerBusyError: there is no place for a stranger's question.
            LedgerAnswerError: the nodes refuse the question.
            GenesisError, HttpError: the genesis file cannot be used, or not be fetched.
        """
        async with self._place():
            pool = await self._opened()
            seen: Counter[str] = Counter()
            try:
                async with asyncio.timeout(_READ_S):
                    agreed = await self._agreed(pool, build, seen)
            except TimeoutError:
                self._silent_until = time.monotonic() + SILENT_S
                raise LedgerSilentError(
                    f"the Indy ledger {self.name} did not answer in {_READ_S:.0f} s: {max(seen.values(), default=0)} "
                    f"of its {len(self._nodes)} nodes said the same, and {self._quorum} have to",
                    hint="its nodes may be away; try again later",
                ) from None
        self._silent_until = 0.0
        answer = json.loads(agreed)
        if "refused" in answer:
            raise LedgerAnswerError(f"the Indy ledger {self.name} refuses the question: {answer['refused']}")
        return dict(answer)

    async def submit(self, request: Request) -> dict[str, Any]:
        """Write a signed transaction; return it as it was written.

        Raises:
            WriteRefusedError: the ledger refused it.
            LedgerSilentError: the ledger did not say that it is written; it may be.
        """
        async with self._place():
            pool = await self._opened()
            try:
                async with asyncio.timeout(_WRITE_S):
                    return dict(await pool.submit_request(request))
            except TimeoutError:
                raise self._unconfirmed() from None
            except indy_vdr.VdrError as err:
                if err.code is indy_vdr.VdrErrorCode.POOL_REQUEST_FAILED:
                    raise refusal(str(err), self.name) from err
                raise self._unconfirmed() from err

    @property
    def _quorum(self) -> int:
        return len(self._nodes) - (len(self._nodes) - 1) // 3

    def _nobody(self) -> LedgerSilentError:
        return LedgerSilentError(
            f"no node of the Indy ledger {self.name} answered as its genesis file says",
            hint="its nodes may be away, or the genesis file is that of another ledger",
        )

    def _unconfirmed(self) -> LedgerSilentError:
        return LedgerSilentError(
            f"the Indy ledger {self.name} did not confirm a transaction; it may have been written all the same",
            hint="its nodes may be away; try again later: what is there already is not written twice",
        )

    async def _agreed(self, pool: indy_vdr.Pool, build: Callable[[], Request], seen: Counter[str]) -> str:
        """Ask until enough nodes say the same; whoever waits sets the end."""
        while True:
            agreed = await self._round(pool, build, seen)
            if agreed is not None:
                return agreed
            await asyncio.sleep(_AGAIN_S)

    async def _round(self, pool: indy_vdr.Pool, build: Callable[[], Request], seen: Counter[str]) -> str | None:
        """Ask every node once; return what enough of them said alike, None if they did not. `seen` counts."""
        seen.clear()
        asking = {asyncio.ensure_future(_ask(pool, build, node)) for node in self._nodes}
        try:
            left = set(asking)
            while left and max(seen.values(), default=0) + len(left) >= self._quorum:
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                seen.update(answer for task in done if (answer := task.result()) is not None)
                if seen and (best := seen.most_common(1)[0])[1] >= self._quorum:
                    return best[0]
            return None
        finally:
            for task in asking:
                task.cancel()

    async def _opened(self) -> indy_vdr.Pool:
        asked_at = time.monotonic()
        async with self._opening:
            if self._pool is not None and time.monotonic() - self._opened_at < _NODES_FOR_S:
                return self._pool
            if self._failed_at > asked_at:  # while we waited: nobody waits for more than one attempt
                raise self._nobody()
            try:
                with own_work():  # whoever asks first: the ledger is one that we chose
                    genesis = await genesis_of(self.config, self._edge)
            except WanderbuchError as err:
                if self._pool is not None:  # those that we know answer for a while longer
                    return self._goes_on(self._pool, err)
                self._failed_at = time.monotonic()
                raise
            bindings.set_config(_LIBRARY)
            try:
                async with asyncio.timeout(_OPEN_S):
                    pool = await indy_vdr.open_pool(transactions=genesis)
                    nodes = tuple(sorted(json.loads(await pool.get_status())["nodes"]))
            except (TimeoutError, indy_vdr.VdrError) as err:
                if isinstance(err, indy_vdr.VdrError) and err.code in _MALFORMED:
                    raise GenesisError(
                        f"the genesis file of the Indy ledger {self.name} cannot be used: {err}"
                    ) from err
                if self._pool is not None:
                    return self._goes_on(self._pool, err)
                self._failed_at = time.monotonic()
                raise self._nobody() from err
            # The former one is closed when the last question to it is answered.
            self._pool, self._nodes, self._opened_at = pool, nodes, time.monotonic()
            return pool

    def _goes_on(self, pool: indy_vdr.Pool, err: BaseException) -> indy_vdr.Pool:
        """Return the nodes that we know, which are good for a while longer: nobody said which there are now."""
        LOGGER.warning("the Indy ledger %s did not say which nodes it has now: %s", self.name, describe(err))
        self._opened_at = time.monotonic() - _NODES_FOR_S + _NODES_AGAIN_S
        return pool

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Hold a place among the questions at once (rule 3)."""
        if is_for_strangers() and time.monotonic() < self._silent_until:
            raise LedgerBusyError(f"the Indy ledger {self.name} is silent; it is not asked again for strangers now")
        places, wait_s = (self._strangers, WAIT_S) if is_for_strangers() else (self._own, _READ_S)
        try:
            async with asyncio.timeout(wait_s):
                await places.acquire()
        except TimeoutError as err:
            raise LedgerBusyError(f"too much is being asked of the Indy ledger {self.name} already") from err
        try:
            yield
        finally:
            places.release()


_MALFORMED: Final = frozenset({indy_vdr.VdrErrorCode.INPUT, indy_vdr.VdrErrorCode.CONFIG})


async def _ask(pool: indy_vdr.Pool, build: Callable[[], Request], node: str) -> str | None:
    """Return what counts of one node's answer, in one form; None if it gave none in time."""
    try:
        answers = await pool.submit_action(build(), [node], int(_READ_S))
    except indy_vdr.VdrError:
        return None
    text = answers.get(node)
    if not isinstance(text, str) or len(text) > _MAX_ANSWER_CHARS:
        return None
    with contextlib.suppress(ValueError, RecursionError, TypeError, AttributeError, KeyError):
        received = json.loads(text)  # not strictly: requests have numbers beyond 2^53
        if received["op"] == "REPLY":
            result = received["result"]
            counts = {name: result.get(name) for name in ("data", "seqNo", "txnTime")}
            if isinstance(counts["data"], dict):
                counts["data"] = {k: v for k, v in counts["data"].items() if k not in _OF_THE_NODE_ALONE}
            return json.dumps(counts, sort_keys=True)
        if received["op"] in {"REQNACK", "REJECT"}:
            return json.dumps({"refused": str(received.get("reason"))[:300]})
    return None  # "timeout", or nothing that a node says


class IndyLedgers:
    """The ledgers of an agent, by namespace.

    Args:
        ledgers: all of them.
        of_old_ids: which of them ids without a namespace belong to; None: none.
    """

    def __init__(self, ledgers: tuple[IndyLedger, ...], of_old_ids: str | None) -> None:
        self._by_name = {ledger.name: ledger for ledger in ledgers}
        self._of_old_ids = of_old_ids

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def __iter__(self) -> Iterator[IndyLedger]:
        return iter(self._by_name.values())

    @property
    def old_names(self) -> OldNames:
        """Which of them old ids are on."""
        return OldNames(self._of_old_ids)

    def of(self, namespace: str | None) -> IndyLedger:
        """Return the ledger of a namespace; None: the one of old ids.

        Raises:
            LedgerUnknownError: there is none.
        """
        name = self._of_old_ids if namespace is None else namespace
        ledger = None if name is None else self._by_name.get(name)
        if ledger is None:
            raise _unknown(namespace)
        return ledger

    def close(self) -> None:
        """Close the connections to all nodes."""
        for ledger in self._by_name.values():
            ledger.close()


def _unknown(namespace: str | None) -> LedgerUnknownError:
    if namespace is None:
        return LedgerUnknownError(
            "no Indy ledger is configured for ids that do not say theirs (did:sov and older ones)",
            hint="set old_ids = true at one of [[indy.ledgers]]",
        )
    return LedgerUnknownError(
        f"the Indy ledger {namespace} is not configured", hint="add it to [[indy.ledgers]] if its word is to count"
    )
