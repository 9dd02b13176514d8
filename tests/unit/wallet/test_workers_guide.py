"""The guide for workers names buttons and sentences as the wallet's page says them."""

import re
from pathlib import Path

import polib
from tests.wallet_tools import WALLET
from tests.wallet_words import TEMPLATE

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "workers.md").read_text()
LINK_PAGES = ROOT / "agents" / "site" / "link_pages" / "catalogues" / "messages.pot"
SENTENCES = [entry.msgid for entry in (*polib.pofile(str(TEMPLATE)), *polib.pofile(str(LINK_PAGES)))]
PAGE = re.sub(r"<[^>]+>", "", (WALLET / "page" / "index.html").read_text())


def as_filled_in(sentence: str) -> re.Pattern[str]:
    """Match a sentence whose placeholders are filled in, or left out (…)."""
    return re.compile(".+".join(re.escape(part) for part in re.split(r"\{\w+\}", sentence)))


def test_each_button_in_it_is_one_of_the_page() -> None:
    named = [italics.replace("\n", " ") for italics in re.findall(r"(?<!\*)\*([^*\n]+?)\.?\*(?!\*)", GUIDE)]
    named += [italics.rstrip(".") for italics in re.findall(r"\*\*\*([^*\n]+)\*\*\*", GUIDE)]
    assert len(set(named)) > 30
    patterns = [as_filled_in(sentence) for sentence in SENTENCES]
    unknown = {name for name in named if name not in PAGE and not any(pattern.fullmatch(name) for pattern in patterns)}
    assert unknown == set()


def test_what_it_quotes_is_said_by_the_page() -> None:
    quoted = re.findall(r"[\"“]([^\"“”]+)[\"”]", GUIDE)
    assert len(quoted) > 7
    texts = [*SENTENCES, PAGE]
    wanted = {text: re.compile(re.escape(text).replace("…", ".+")) for text in quoted}
    assert [text for text, pattern in wanted.items() if not any(pattern.search(sentence) for sentence in texts)] == []
