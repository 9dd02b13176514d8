"""The page's files that travel in the package are what the sources build, byte for byte."""

import hashlib
import re
import subprocess
from collections.abc import Mapping

import pytest
from tests.bench.wallet_page import measure_wallet_page
from tests.wallet_tools import BROTLI, DESK, PAGE, WALLET, build_desk, build_page
from tests.wallet_words import catalogues

from wanderbuch.agents.wallet_host.page_files import load_page

pytestmark = pytest.mark.needs("node")

CATALOGUE = catalogues()["en"]["sentences"]
SOURCES = "\n".join(path.read_text() for path in sorted((WALLET / "src" / "page").glob("*.ts")))


@pytest.fixture(scope="module")
def built() -> Mapping[str, bytes]:
    """The page's files as the sources build them."""
    return build_page()


def test_they_are_what_the_sources_build(built: Mapping[str, bytes]) -> None:
    committed = {str(path.relative_to(PAGE)): path.read_bytes() for path in PAGE.rglob("*") if path.is_file()}
    assert set(committed) == set(built), "run: python -m tests.wallet_tools"
    other = sorted(name for name, body in built.items() if committed[name] != body)
    assert other == [], "run: python -m tests.wallet_tools"
    assert DESK.read_bytes() == build_desk(), "run: python -m tests.wallet_tools"
    assert set(load_page({})) == {*built, "settings.json"}


def test_what_travels_by_brotli_is_the_same_files() -> None:
    committed = {path.name: path for path in BROTLI.iterdir()}
    files = sorted(path for path in PAGE.rglob("*") if path.is_file())
    assert set(committed) == {f"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}.br" for path in files}
    script = """
      const { brotliDecompressSync } = require("zlib"), { readFileSync } = require("fs")
      for (const path of process.argv.slice(1))
        console.log(require("crypto").createHash("sha256").update(brotliDecompressSync(readFileSync(path))).digest("hex"))
    """
    names = sorted(committed)
    command = ["node", "-e", script, *(str(committed[name]) for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert [f"{digest[:32]}.br" for digest in done.stdout.split()] == names


def test_the_first_screen_needs_little_and_no_cryptography() -> None:
    sizes = measure_wallet_page()
    assert sizes.first_kb <= 60
    assert sizes.whole_kb <= 120
    static = {name: (PAGE / name).read_text() for name in ("page.js", "worker.js", "chunk.js")}
    imported = {name: re.findall(r"(?:from|import)\s*\(?\s*[\"']\./(\w+)\.js", text) for name, text in static.items()}
    assert {name: sorted(set(files)) for name, files in imported.items()} == {
        "page.js": ["decoder", "offline"],
        "worker.js": ["chunk", "session"],
        "chunk.js": [],
    }
    assert "secp" not in "".join(static.values())


def test_nothing_in_them_comes_from_elsewhere_or_makes_code_of_text(built: Mapping[str, bytes]) -> None:
    text = "\n".join(body.decode() for body in built.values())
    assert not re.search(r"\beval\(|new Function\(|innerHTML|insertAdjacentHTML|document\.write|importScripts", text)
    lock = (WALLET / "package-lock.json").read_text()
    assert "resolved" not in lock


def test_every_sentence_that_a_screen_asks_for_is_in_the_catalogue() -> None:
    asked = set(re.findall(r"""(?:say|both|button|choice|form|screen|party)\('([a-z][a-z.]*)'""", SOURCES))
    assert len(asked) > 50
    assert sorted(asked - set(CATALOGUE)) == []
    states = {
        "offer": ("accepting", "requested", "unsigned", "kept", "declined", "withdrawn", "failed"),
        "question": ("answering", "answered", "accepted", "refused", "declined", "withdrawn", "failed"),
    }
    wanted = {
        f"{kind}.{what}.{state}" for kind, of_kind in states.items() for state in of_kind for what in ("title", "state")
    }
    misfits = re.search(r"const ORDER: readonly Code\[\] = \[(.*)\]", SOURCES)
    assert misfits is not None
    wanted |= {f"misfit.{code}" for code in [*re.findall(r"'(\w+)'", misfits[1]), "empty", "several"]}
    wanted |= {"book.unsigned", "book.ended"}
    wanted |= {f"question.chosen.{why}" for why in ("only", "longest", "newest", "yours")}
    assert sorted(wanted - set(CATALOGUE)) == []
