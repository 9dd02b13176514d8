"""Workers of xdist compile the files of tests once, not once each: each worker begins with a share of them.

pytest rewrites the assertions of a file and keeps what it made, as Python does. Workers that read all files in the same
order would each do that for every file, at the same moment; in a fresh checkout that is most of what collecting takes.
"""

import importlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

_FEW: Final = 30


def import_own_share(config: pytest.Config) -> None:
    """Import the share of this worker, where there are workers and many files; the others find what it kept."""
    worker: dict[str, object] | None = getattr(config, "workerinput", None)
    if worker is None:
        return
    named = (Path(arg.partition("::")[0]).resolve() for arg in config.args)
    files = sorted({file for path in named for file in (path.rglob("test_*.py") if path.is_dir() else (path,))})
    if len(files) < _FEW:
        return
    number, workers = int(str(worker["workerid"]).removeprefix("gw")), int(str(worker["workercount"]))
    for file in files[number::workers]:
        with suppress(Exception):  # whatever it is, pytest says it when it comes to the file
            importlib.import_module(".".join(file.relative_to(config.rootpath).with_suffix("").parts))
