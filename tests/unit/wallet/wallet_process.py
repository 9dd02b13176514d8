"""The wallet of `wallet/` in a process of Node.js, driven by calls: `driver.mjs` has them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.wallet_tools import build

DRIVER: Final = Path(__file__).with_name("driver.mjs")


class WalletRefusedError(Exception):
    """The wallet did not do it, and says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class WalletProcess:
    """One wallet that answers calls."""

    process: subprocess.Popen[str]

    def call(self, name: str, **told: Any) -> Any:
        """Let the wallet do one thing.

        Raises:
            WalletRefusedError: It refused.
            AssertionError: It broke, as it never must.
        """
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"call": name, "with": told}) + "\n")
        stdin.flush()
        reply = json.loads(stdout.readline())
        if "refused" in reply:
            raise WalletRefusedError(**reply["refused"])
        assert "broke" not in reply, reply["broke"]
        return reply["answer"]


@contextmanager
def wallet_process() -> Iterator[WalletProcess]:
    """Build the wallet and start it; it ends with the block."""
    node = shutil.which("node")
    assert node is not None
    command = [node, str(DRIVER), str(build())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield WalletProcess(process)
        assert process.stdin is not None
        process.stdin.close()
