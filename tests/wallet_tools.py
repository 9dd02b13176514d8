"""Build the wallet of `wallet/`: npm brings what its lock file names, tsc checks types, esbuild and terser bundle.

    python -m tests.wallet_tools     # makes the page's files, which travel in the package

`tests/unit/wallet/test_page_files.py` holds that they are what the sources build, byte for byte.
"""

import base64
import fcntl
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

WALLET: Final = Path(__file__).parents[1] / "wallet"
BUILT: Final = WALLET / "build"
_MANIFESTS: Final = ("package.json", "package-lock.json")
_TIMEOUT_S: Final = 300


PAGE: Final = Path(__file__).parents[1] / "agents" / "wallet_host" / "page"
"""The page's files as they are committed."""

BROTLI: Final = PAGE.parent / "brotli"
"""The same by brotli, each under a digest of what it is of: one that is of another build is never found."""

_COMPRESS: Final = """
const { brotliCompressSync, constants } = require("zlib"), { readFileSync, writeFileSync } = require("fs")
const [from, to, ...names] = process.argv.slice(1)
for (const name of names) {
  const body = readFileSync(`${from}/${name}`), params = { [constants.BROTLI_PARAM_SIZE_HINT]: body.length }
  const digest = require("crypto").createHash("sha256").update(body).digest("hex").slice(0, 32)
  writeFileSync(`${to}/${digest}.br`, brotliCompressSync(body, { params }))
}
"""

_ENTRIES: Final = {"page": "src/page/main.ts", "worker": "src/page/worker.ts", "offline": "src/page/offline.ts"}
"""The worker is split where it imports `session.ts`: the first screen needs `worker.js` and `chunk.js` alone. What
the page imports as `offline.js` is built by itself, so that it shares no file with the rest."""
_STYLE: Final = b'<link rel="stylesheet" href="/page.css">'
_DESK: Final = "src/desk/desk.ts"
DESK: Final = Path(__file__).parents[1] / "agents" / "verifier" / "pages" / "assets" / "codes.js"
"""The script of the verifier's desk that shows and reads codes, as it is committed."""

_KEEPER: Final = "src/page/keeper.ts"
"""The service worker: it has the digests of the other files, so it is built last."""
_PINNED: Final = (
    "--bundle",
    "--format=esm",
    "--target=es2022",
    "--charset=utf8",
    "--legal-comments=none",
    "--minify",
    "--splitting",
    "--chunk-names=[name]",
    "--external:*/offline.js",
)
_IN_ONE: Final = [flag for flag in _PINNED if "chunk" not in flag and flag != "--splitting"]
"""Of what is one file."""
_SMALLER: Final = ("--module", "--ecma=2022", "--compress=passes=3,hoist_funs=true", "--mangle", "--comments=false")
"""Told to terser, which takes a twentieth off what esbuild leaves (ADR 109)."""


class WalletToolError(Exception):
    """npm or tsc failed; the message has what it said."""


def build() -> Path:
    """Compile the sources, if they changed since; give the folder of the JavaScript. Safe from several processes."""
    with _locked():
        _install()
        stamp = BUILT / ".built"
        sources = [*sorted((WALLET / "src").rglob("*.ts")), WALLET / "tsconfig.json", WALLET / "package-lock.json"]
        wanted = _digest(sources)
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(BUILT, ignore_errors=True)
            _run("node_modules/.bin/tsc")
            stamp.write_text(wanted)
    return BUILT


def build_page() -> dict[str, bytes]:
    """Return the page's files by their path: bundles of JavaScript, what stands in `wallet/page`, words."""
    build()  # types first
    with _locked():
        out = BUILT / "page-files"
        shutil.rmtree(out, ignore_errors=True)
        for name, source in _ENTRIES.items():  # one at a time: page and worker share no file
            _run("node_modules/.bin/esbuild", f"{name}={source}", *_PINNED, f"--outdir={out}", "--log-level=warning")
        bundles = {path.name: _smaller(path) for path in sorted(out.iterdir())}
    static = WALLET / "page"
    files = {str(path.relative_to(static)): path.read_bytes() for path in sorted(static.rglob("*")) if path.is_file()}
    # The style stands in the page: a file of its own would be a connection more, and the first screen later.
    style = b"<style>\n" + files.pop("page.css") + b"</style>"
    assert files["index.html"].count(_STYLE) == 1, "the page names its style once, as it is written here"
    files["index.html"] = files["index.html"].replace(_STYLE, style)
    others = {**bundles, **files, **_words()}
    return {**others, "keeper.js": _keeper(others), "licences.txt": _licences()}


def build_desk() -> bytes:
    """Return the script of the verifier's desk: one file, with all that it needs."""
    build()  # types first
    with _locked():
        out = BUILT / "desk-files" / "codes.js"
        _run("node_modules/.bin/esbuild", _DESK, *_IN_ONE, f"--outfile={out}", "--log-level=warning")
        return _smaller(out)


def _keeper(others: Mapping[str, bytes]) -> bytes:
    """Return the service worker, which keeps the other files by their digests (SHA-256, base64)."""
    paths = {"/" if name == "index.html" else f"/{name}": body for name, body in sorted(others.items())}
    digests = {path: base64.b64encode(hashlib.sha256(body).digest()).decode() for path, body in paths.items()}
    with _locked():
        out = BUILT / "page-files" / "keeper.js"
        define = f"--define:FILES={json.dumps(digests)}"
        _run("node_modules/.bin/esbuild", _KEEPER, *_IN_ONE, define, f"--outfile={out}", "--log-level=warning")
        return _smaller(out)


def _smaller(bundle: Path) -> bytes:
    _run("node_modules/.bin/terser", str(bundle), *_SMALLER, f"--output={bundle}")
    return bundle.read_bytes()


def _words() -> dict[str, bytes]:
    """Return what `words.ts` reads: a catalogue a language, what credentials are made of, titles of occupations."""
    from tests.wallet_words import catalogues, facts, titles

    told = {**catalogues(), "facts": facts(), **{f"titles.{tag}": own for tag, own in titles().items()}}
    return {f"words/{name}.json": _json(value) for name, value in told.items()}


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n").encode()


def _licences() -> bytes:
    """Return the licences of what is in the bundles beside our own code."""
    names = json.loads((WALLET / "package.json").read_text())["dependencies"]
    parts = [
        f"{name} {version}\n\n{(WALLET / 'node_modules' / name / 'LICENSE').read_text().strip()}\n"
        for name, version in sorted(names.items())
    ]
    return "\n----\n\n".join(parts).encode()


def write_page() -> None:
    """Make the page's files anew."""
    shutil.rmtree(PAGE, ignore_errors=True)
    for name, body in build_page().items():
        place = PAGE / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    DESK.write_bytes(build_desk())
    shutil.rmtree(BROTLI, ignore_errors=True)
    BROTLI.mkdir()
    names = sorted(str(path.relative_to(PAGE)) for path in PAGE.rglob("*") if path.is_file())
    _run("node", "-e", _COMPRESS, str(PAGE), str(BROTLI), *names)


def _install() -> None:
    stamp = WALLET / "node_modules" / ".installed"
    wanted = _digest([WALLET / name for name in _MANIFESTS])
    if not stamp.exists() or stamp.read_text() != wanted:
        stamp.unlink(missing_ok=True)
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        stamp.write_text(wanted)


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(WALLET)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=WALLET, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise WalletToolError(f"{' '.join(command)} in wallet/:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


@contextmanager
def _locked() -> Iterator[None]:
    """One process at a time."""
    with (WALLET / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    write_page()
