"""The process that agents are forked from: `python -m wanderbuch.agents.machine.prepared.server FD IMPORTED PROGRAMS`.

It imports what agents import, opens nothing and runs nothing, so that a fork of it is what `python -m MODULE` is after
its imports. It forks whenever it is asked to (`requests`) and says how each child ended. It ends when whoever asks is
gone; the agents see that by themselves, on their standard input.
"""

import asyncio
import gc
import importlib
import os
import runpy
import selectors
import socket
import sys
import threading
from collections.abc import Sequence

from wanderbuch.agents.machine.prepared.requests import StartRequest, receive, tell


def main() -> None:
    """Serve until whoever asks is gone; in a child, become the agent."""
    asking = socket.socket(fileno=int(sys.argv[1]))
    _import_all(_names(sys.argv[2]), programs=_names(sys.argv[3]))
    asked = _serve(asking)
    if asked is None:
        return
    os.environ.clear()
    os.environ.update(asked.environment)
    os.chdir(asked.folder)
    module, *sys.argv[1:] = asked.arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


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


def _serve(asking: socket.socket) -> StartRequest | None:
    """Fork for each request; return it in the child, and None in the parent at the end."""
    with selectors.DefaultSelector() as watched:
        watched.register(asking, selectors.EVENT_READ)
        while True:
            for key, _ in watched.select():
                if key.fileobj is not asking:
                    process, told = key.data
                    watched.unregister(key.fd)
                    os.close(key.fd)
                    _, status = os.waitpid(process, 0)
                    tell(told, os.waitstatus_to_exitcode(status))
                    told.close()
                    continue
                if (request := receive(asking)) is None:
                    return None
                if (process := os.fork()) == 0:
                    _take_over(request, watched, asking)
                    return request
                request.close_files()
                watched.register(os.pidfd_open(process), selectors.EVENT_READ, (process, request.told))


def _take_over(request: StartRequest, watched: selectors.BaseSelector, asking: socket.socket) -> None:
    """In the child: have nothing open but what was sent, and a session of our own."""
    os.setsid()
    for key in list(watched.get_map().values()):
        if key.fileobj is not asking:
            os.close(key.fd)
            key.data[1].close()
    asking.close()
    for number, file in enumerate(request.files):
        os.dup2(file, number)
    request.close_files()
    with request.told:
        tell(request.told, os.getpid())


if __name__ == "__main__":
    main()
