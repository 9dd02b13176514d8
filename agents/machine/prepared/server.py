"""The process that agents are forked from: `python -m wanderbuch.agents.machine.prepared.server FD IMPORTED PROGRAMS`.

It imports what agents import, opens nothing and runs nothing, so that a fork of it is what `python -m MODULE` is after
its imports. It forks whenever it is asked to (`requests`) and says how each child ended. It ends when whoever started
it is gone; the agents see that by themselves, on their standard input.

With the number of a listening socket as a fourth argument it serves further processes, who connect there, too; then it
imports when the first one asks.
"""

import asyncio
import atexit
import gc
import importlib
import os
import runpy
import select
import selectors
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Final, cast

from wanderbuch.agents.machine.prepared.requests import StartRequest, receive, tell

_OUTPUT_LOST: Final = 120
"""With which Python itself ends where its last output cannot be written."""


def main() -> None:
    """Serve until whoever started us is gone; in a child, become the agent."""
    asking = socket.socket(fileno=int(sys.argv[1]))
    listening = socket.socket(fileno=int(sys.argv[4])) if sys.argv[4:] else None
    if listening is not None and not _is_wanted(asking, listening):
        return
    _import_all(_names(sys.argv[2]), programs=_names(sys.argv[3]))
    asked = _serve(asking, listening)
    if asked is None:
        return
    os.environ.clear()
    os.environ.update(asked.environment)
    os.chdir(asked.folder)
    module, *sys.argv[1:] = asked.arguments
    _run(module)


def _run(module: str) -> None:
    """Run a module as `python -m` does, and end as Python does, but for taking all modules apart.

    That would write to every object, so that the kernel copies what the parent and all children share: most of what a
    short life costs. `multiprocessing` ends what it forks in the same way.
    """
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as err:
        if not isinstance(err.code, int | None):
            raise
        code = err.code or 0
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 (waits for threads, as Python does)
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:  # it was closed
            continue
        except OSError:  # what was said is lost: a full disk, or nobody reads it
            code = code or _OUTPUT_LOST
    os._exit(code & 0xFF)


def _is_wanted(asking: socket.socket, listening: socket.socket) -> bool:
    """Wait until somebody asks; return whether somebody does, or all are gone."""
    ready, _, _ = select.select([asking, listening], [], [])
    return listening in ready or bool(asking.recv(1, socket.MSG_PEEK))


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _import_all(imported: Sequence[str], *, programs: Sequence[str]) -> None:
    for name in imported:
        module, _, function = name.partition(":")
        made = importlib.import_module(module)
        if function:
            getattr(made, function)()
    for name in programs:
        importlib.import_module(name)
    for name in programs:  # so that each runs as its own program
        del sys.modules[name]
    asyncio.get_event_loop_policy().get_event_loop().close()  # ACA-Py makes one on import: no child may share its files
    asyncio.set_event_loop(None)
    if (running := threading.active_count()) != 1:
        raise RuntimeError(f"{running} threads run after the imports, and none but this one is in a fork")
    gc.collect()
    gc.freeze()  # what all children share is not written to by their collector


def _serve(asking: socket.socket, listening: socket.socket | None) -> StartRequest | None:
    """Fork for each request; return it in the child, and None in the parent at the end."""
    with selectors.DefaultSelector() as watched:
        for always in filter(None, (asking, listening)):
            watched.register(always, selectors.EVENT_READ)
        while True:
            for key, _ in watched.select():
                if key.data is not None:
                    _tell_end(key, watched)
                elif key.fileobj is listening:
                    watched.register(listening.accept()[0], selectors.EVENT_READ)
                elif (request := receive(asker := _socket(key))) is None:
                    if asker is asking:
                        return None
                    watched.unregister(asker)
                    asker.close()
                elif (process := os.fork()) == 0:
                    _take_over(request, watched)
                    return request
                else:
                    request.close_files()
                    watched.register(os.pidfd_open(process), selectors.EVENT_READ, (process, request.told))


def _socket(key: selectors.SelectorKey) -> socket.socket:
    return cast(socket.socket, key.fileobj)


def _tell_end(key: selectors.SelectorKey, watched: selectors.BaseSelector) -> None:
    """Tell how a child ended."""
    process, told = key.data
    watched.unregister(key.fd)
    os.close(key.fd)
    _, status = os.waitpid(process, 0)
    tell(told, os.waitstatus_to_exitcode(status))
    told.close()


def _take_over(request: StartRequest, watched: selectors.BaseSelector) -> None:
    """In the child: have nothing open but what was sent, and a session of our own."""
    os.setsid()
    for key in list(watched.get_map().values()):
        if key.data is None:
            _socket(key).close()
        else:
            os.close(key.fd)
            key.data[1].close()
    for number, file in enumerate(request.files):
        os.dup2(file, number)
    request.close_files()
    with request.told:
        tell(request.told, os.getpid())


if __name__ == "__main__":
    main()
