"""Bring the catalogues of all languages up to their templates: `python -m tests.words [language]`.

Call it after a change of a `messages.pot`: new sentences come into every catalogue, empty; sentences whose English
changed are marked `fuzzy`, so that a translator looks at them; what is no longer there goes. The order and the
comments are the template's. A new language (`python -m tests.words de`) gets an empty catalogue in every package.
Poedit, Weblate and `msgmerge` do the same to one file. The page of the wallet has its catalogues in `wallet/words/`;
`python -m tests.wallet_tools` makes the page's files of them.
"""

import sys
from importlib import resources
from pathlib import Path

import polib
from tests import wallet_words

from wanderbuch.agents.site.languages import FOR_WORKERS, LANGUAGES
from wanderbuch.agents.site.sentences import ENGLISH, TEMPLATE, has_translation, template_of

_ROOT = "wanderbuch.agents"


def packages_with_sentences() -> list[str]:
    """Return the name of every package that has a template of sentences."""
    with resources.as_file(resources.files(_ROOT)) as folder:
        paths = [path.parent.parent.relative_to(folder) for path in folder.rglob(f"catalogues/{TEMPLATE}")]
    return sorted(".".join((_ROOT, *path.parts)) for path in paths)


def tags_of(package: str) -> list[str]:
    """Return the languages that a package has a catalogue of: those of all pages, and of workers' pages more."""
    return [tag for tag in FOR_WORKERS if tag != ENGLISH and (tag in LANGUAGES or has_translation(package, tag))]


def folder_of(package: str) -> Path:
    with resources.as_file(resources.files(package).joinpath("catalogues")) as folder:
        return folder


def brought_up(template: polib.POFile, translation: polib.POFile) -> polib.POFile:
    """Return a catalogue with the sentences of the template, and every translation that still belongs to one."""
    result = polib.POFile(wrapwidth=0)
    result.metadata, result.header = translation.metadata, translation.header
    before = {entry.msgctxt: entry for entry in translation if not entry.obsolete}
    for entry in template:
        merged = polib.POEntry(
            msgctxt=entry.msgctxt,
            msgid=entry.msgid,
            msgid_plural=entry.msgid_plural,
            comment=entry.comment,
            flags=list(entry.flags),
        )
        known = before.get(entry.msgctxt)
        if known is not None and bool(known.msgid_plural) == bool(entry.msgid_plural):
            merged.msgstr, merged.msgstr_plural, merged.tcomment = known.msgstr, known.msgstr_plural, known.tcomment
            has_text = bool(known.msgstr) or any(known.msgstr_plural.values())
            is_same = (known.msgid, known.msgid_plural) == (entry.msgid, entry.msgid_plural)
            if has_text and (known.fuzzy or not is_same):
                merged.flags.append("fuzzy")
        elif entry.msgid_plural:
            merged.msgstr_plural = dict.fromkeys(range(_count_of_forms(translation)), "")
        result.append(merged)
    return result


def _count_of_forms(translation: polib.POFile) -> int:
    rule = translation.metadata.get("Plural-Forms", "")
    number = rule.removeprefix("nplurals=")[:1]
    return int(number) if number.isdecimal() else 2


def _empty(tag: str) -> polib.POFile:
    catalogue = polib.POFile(wrapwidth=0)
    catalogue.metadata = {
        "Project-Id-Version": "Wanderbuch",
        "Language": tag,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        # For the translator, or their program, to fill in.
        "Plural-Forms": "nplurals=INTEGER; plural=EXPRESSION;",
    }
    return catalogue


def main(tags: list[str]) -> None:
    for package in packages_with_sentences():
        template, folder = template_of(package), folder_of(package)
        for tag in tags or tags_of(package):
            path = folder / f"{tag}.po"
            merged = brought_up(template, polib.pofile(str(path), encoding="utf-8") if path.exists() else _empty(tag))
            merged.save(str(path))
            _report(package, tag, merged)
    template = polib.pofile(str(wallet_words.TEMPLATE), encoding="utf-8")
    for tag in tags or wallet_words.OTHERS:
        path = wallet_words.CATALOGUES / f"{tag}.po"
        merged = brought_up(template, wallet_words.translation(tag) if path.exists() else _empty(tag))
        merged.save(str(path))
        _report("wallet", tag, merged)


def _report(place: str, tag: str, merged: polib.POFile) -> None:
    missing = len(merged.untranslated_entries()) + len(merged.fuzzy_entries())
    print(f"{place} {tag}: {missing} of {len(merged)} sentences to translate")


if __name__ == "__main__":
    main(sys.argv[1:])
