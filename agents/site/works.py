"""Long work that people wait for: a form begins it, it goes on beside the request, and its page tells how far it is.

1. What must not be lost is decided and kept before the work begins, and whatever takes over after a crash (a sweep)
   goes on from there too. So nothing of this is kept: it is what this process knows of what it is doing.
2. Work of a name that goes on already is not begun twice.
3. A form waits a moment. What is over by then needs no page of its own, and its failure is the form's.
4. How work ended is remembered for a while, for whoever looks at its page.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final

from cachetools import TTLCache

from wanderbuch.errors import WanderbuchError

_LOG = logging.getLogger(__name__)
PATIENCE_S: Final = 2.0
_REMEMBERED: Final = 256
_REMEMBERED_S: Final = 900.0

type Tell = Callable[[str, int, int], None]
"""Takes the name of a step, how many of its parts are done, and of how many (0: nobody can tell)."""
type Action = Callable[[Tell], Awaitable[object]]


class WorkFailedError(WanderbuchError):
    """Long work ended by a fault of ours; the log says which."""

    code = "internal"


@dataclass(frozen=True, slots=True)
class WorkState:
    """How far work is.

    Args:
        number: grows with each change.
        step: what is being done, by the work's own name for it.
        done, of: how many parts of the step are done; `of` is 0 where nobody can tell.
        failure: why it ended without being done.
    """

    number: int
    step: str
    done: int = 0
    of: int = 0
    is_over: bool = False
    failure: WanderbuchError | None = None


class Work:
    """One piece of long work."""

    def __init__(self, step: str) -> None:
        self.state = WorkState(1, step)
        self._changed = asyncio.Event()

    def tell(self, step: str, done: int = 0, of: int = 0) -> None:
        """Say how far it is."""
        self._become(replace(self.state, step=step, done=done, of=of))

    def end(self, failure: WanderbuchError | None = None) -> None:
        """Say that it is over."""
        self._become(replace(self.state, is_over=True, failure=failure))

    def _become(self, state: WorkState) -> None:
        self.state = replace(state, number=self.state.number + 1)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def after(self, number: int) -> WorkState:
        """Wait until the state has a greater number; one that it never had counts as none."""
        seen = number if number <= self.state.number else 0
        while self.state.number <= seen and not self.state.is_over:
            await self._changed.wait()
        return self.state

    async def over(self) -> WorkState:
        """Wait until it is over."""
        while not self.state.is_over:
            await self._changed.wait()
        return self.state


class Works:
    """The long work of one office in this process.

    Args:
        spawn: runs something beside; by default a task of its own.
        patience_s: how long a form waits.
    """

    def __init__(
        self,
        spawn: Callable[[str, Coroutine[Any, Any, None]], object] | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._spawn = spawn or self._own_task
        self._patience_s = patience_s
        self._going_on: dict[str, Work] = {}
        self._over: TTLCache[str, Work] = TTLCache(_REMEMBERED, _REMEMBERED_S)
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, name: str) -> Work | None:
        """Return work that goes on, or ended a while ago; None: this process knows of none."""
        return self._going_on.get(name) or self._over.get(name)

    async def do(self, name: str, step: str, action: Action) -> Work:
        """Begin work, unless it goes on already, and wait a moment.

        Args:
            name: of the work.
            step: what is done first.
            action: does it; takes how to tell how far it is.

        Raises:
            WanderbuchError: it failed within the moment.
        """
        work = self._going_on.get(name)
        if work is None:
            work = self._going_on[name] = Work(step)
            self._spawn(f"work.{name}", self._run(name, work, action))
        try:
            async with asyncio.timeout(self._patience_s):
                state = await work.over()
        except TimeoutError:
            return work
        if state.failure is not None:
            raise state.failure
        return work

    async def _run(self, name: str, work: Work, action: Action) -> None:
        failure: WanderbuchError | None = WorkFailedError("the work was cut off", hint="it is taken up again by itself")
        try:
            await action(work.tell)
            failure = None
        except WanderbuchError as err:
            _LOG.warning("work.failed: %s: %s", name, err.message)
            failure = err
        except Exception:  # noqa: BLE001 (the boundary of the work: whoever waits is told that it ended)
            _LOG.exception("work.failed: %s", name)
            failure = WorkFailedError("the agent failed; its log says where", hint="it is tried again by itself")
        finally:
            self._over[name] = self._going_on.pop(name)
            work.end(failure)

    def _own_task(self, name: str, running: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(running, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
