"""How much the wallet in the page fetches of its host: the files of the package, each by brotli as browsers take it.

The first screen needs the files that `index.html` names, the worker without what it imports later, and English. What a
host itself sends is gzip; a proxy in front of it may send brotli. Others' files (a DID, a governance file) are no part.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.wallet_tools import PAGE

_FIRST: Final = (
    *("index.html", "icon.svg", "page.js", "worker.js", "chunk.js"),
    *("words/en.json", "words/facts.json"),
)
_LATER: Final = ("session.js", "keeper.js", "app.webmanifest")
_SCANNING: Final = ("decoder.js", "offline.js")
"""Fetched by who scans with a browser that has no detector of its own, and by who shows something without a network;
told in the details alone."""
_BROTLI: Final = """
const { brotliCompressSync } = require("zlib"), { readFileSync } = require("fs")
console.log(JSON.stringify(process.argv.slice(1).map((path) => brotliCompressSync(readFileSync(path)).length)))
"""


@dataclass(frozen=True, slots=True)
class WalletPageFigures:
    """Kilobytes (1,000 bytes) by brotli: of the first screen, of everything in English; and bytes by file."""

    first_kb: float
    whole_kb: float
    details: Mapping[str, int]


def measure_wallet_page() -> WalletPageFigures:
    """Return how large the page's files are; Node.js compresses them."""
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("node")
    names = (*_FIRST, *_LATER, *_SCANNING)
    command = [node, "-e", _BROTLI, *(str(PAGE / name) for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    sizes = dict(zip(names, json.loads(done.stdout), strict=True))
    first = sum(sizes[name] for name in _FIRST)
    whole = first + sum(sizes[name] for name in _LATER)
    return WalletPageFigures(round(first / 1000, 1), round(whole / 1000, 1), sizes)
