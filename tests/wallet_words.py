"""The words of the wallet's page (`wallet/src/page/words.ts`): its catalogues, and what credentials are made of.

The sentences stand in `wallet/words/` as gettext keeps them, like those of other pages (`agents/site/sentences.py`):
`messages.pot` in English, a catalogue for each other language. `python -m tests.words` brings these up to the template.
A catalogue whose header says "not yet read by a native speaker" is machine-made: consent then shows English beside it.
"""

import csv
from io import StringIO
from pathlib import Path
from typing import Any, Final

import polib

from wanderbuch.schemas.credential_type import Attribute, list_credential_types
from wanderbuch.schemas.data_file import read_text
from wanderbuch.schemas.frameworks import frameworks
from wanderbuch.schemas.local_text import LocalText
from wanderbuch.schemas.occupations import isco08

LISTS: Final = {
    "isco08-unit-groups": "occupations",
    "frameworks": "frameworks",
    "iso3166-1-alpha-3": "countries",
    "iso639-3": "languages",
}

CATALOGUES: Final = Path(__file__).parents[1] / "wallet" / "words"
TEMPLATE: Final = CATALOGUES / "messages.pot"
OTHERS: Final = ("ar", "es", "fr", "hi", "si", "ta")
TITLES: Final = ("es", "fr")
"""Languages that have titles of occupations, beside English."""
_UNREAD: Final = "not yet read by a native speaker"

type Json = dict[str, Any]


def translation(tag: str) -> polib.POFile:
    """Return the catalogue of a language that is not English."""
    return polib.pofile(str(CATALOGUES / f"{tag}.po"), encoding="utf-8")


def catalogues() -> dict[str, Json]:
    """Return all languages by their tag; what is not translated yet is left out, and said in English."""
    template = polib.pofile(str(TEMPLATE), encoding="utf-8")
    english = {str(entry.msgctxt): entry.msgid for entry in template}
    told = {"en": {"language": "en", "machine": False, "sentences": english}}
    for tag in OTHERS:
        file = translation(tag)
        own = {str(entry.msgctxt): entry.msgstr for entry in file.translated_entries()}
        told[tag] = {"language": tag, "machine": _UNREAD in file.header, "sentences": english | own}
    return told


def titles() -> dict[str, list[str]]:
    """Return titles of occupations by language, in the order of the codes in `facts`."""
    return {tag: [title.by_language[tag] for _, title in _occupations()] for tag in TITLES}


def _occupations() -> list[tuple[str, LocalText]]:
    return sorted(isco08().codes.items())


def facts() -> Json:
    """Return types, occupations, frameworks and countries; English, and countries by the code that browsers name.

    What types and attributes are called stands in the catalogues.
    """
    return {
        "types": {
            known.id: [_attribute(attribute) for attribute in known.attributes] for known in list_credential_types()
        },
        "occupations": {
            "tree": "".join(f"{code[-1]}{len(code) - 1}" for code, _ in _occupations()),
            "titles": [str(label) for _, label in _occupations()],
        },
        "frameworks": {
            code: {
                "label": str(framework.label),
                "levels": {level: str(level_name.label) for level, level_name in framework.levels.items()},
            }
            for code, framework in frameworks().items()
        },
        "countries": {row["code"]: row["alpha2"] for row in csv.DictReader(StringIO(read_text("country_names.csv")))},
    }


def _attribute(attribute: Attribute) -> Json:
    told: Json = {"name": attribute.name, "kind": attribute.kind.value}
    if attribute.code_list is not None:
        told["list"] = LISTS[attribute.code_list]
    if framework := attribute.framework or attribute.framework_attribute:
        told["framework"] = framework
    if attribute.absent is not None:
        told["absent"] = attribute.absent.raw
    if attribute.computed is not None:
        told["computed"] = attribute.computed.by.value
    return told
