"""A backup or a restore on a disk that takes no more, as a program of its own; its configuration comes by its input.

python -m tests.unit.cli.limited backup|restore FILE BYTES

A limit on the size of files stands for such a disk: the kernel refuses the very same calls. What the command says is
one JSON array on standard output: the message, and what to do.
"""

import asyncio
import json
import pickle
import resource
import sys
from pathlib import Path

from wanderbuch.agents.cli.backup import restoring, taking
from wanderbuch.errors import WanderbuchError


def main(what: str, file: str, limit: str) -> None:
    config = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 (our test wrote it)
    path = Path(file)
    sys.dont_write_bytecode = True  # Python 3.13.0 leaves what it could not write whole, and nobody can import that
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), before[1]))
    try:
        asyncio.run(
            taking.back_up(config, path) if what == "backup" else restoring.restore(config, path, lambda _: None)
        )
    except WanderbuchError as err:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)  # what it says may go to a file
        print(json.dumps([err.message, err.hint]))


if __name__ == "__main__":
    main(*sys.argv[1:])
