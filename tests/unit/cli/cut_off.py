"""A backup or a restore that is killed at one point, as a program of its own; its configuration comes by its input.

python -m tests.unit.cli.cut_off backup|restore FILE CUT
"""

import asyncio
import os
import pickle
import signal
import sys
from pathlib import Path

from wanderbuch.agents.cli.backup import archive, catching_up, restoring, taking

CUTS = {
    "a backup, before its end": ("backup", "archive.Writer.finish = lambda _: kill()"),
    "a backup, between store and public files": ("backup", "taking._finish = lambda *_: kill()"),
    "a restore, before the store": ("restore", "restoring._expect = restoring.copy_in = kill"),
    "a restore, while the wallet is written": ("restore", "restoring._settle = restoring.copy_in = kill"),
    "a restore, before the public files": ("restore", "restoring._put_public = lambda *_: kill()"),
    "a restore, before what is newer": ("restore", "restoring.catch_up = kill"),
    "a restore, in the middle of what is newer": ("restore", "catching_up._catch_up = kill"),
    "a restore, before its mark goes": ("restore", "restoring.remove_mark = kill"),
}


def kill(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(what: str, file: str, cut: str) -> None:
    known = {"archive": archive, "catching_up": catching_up, "restoring": restoring, "taking": taking, "kill": kill}
    exec(cut, known)  # noqa: S102 (one of ours)
    config = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 (our test wrote it)
    path = Path(file)
    if what == "backup":
        asyncio.run(taking.back_up(config, path))
    else:
        asyncio.run(restoring.restore(config, path, print))


if __name__ == "__main__":
    main(*sys.argv[1:])
