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
from wanderbuch.schemas.occupations import isco08

LISTS: Final = {
    "isco08-unit-groups": "occupations",
    "frameworks": "frameworks",
    "iso3166-1-alpha-3": "countries",
    "iso639-3": "languages",
}

EUROPEAN: Final = "on the European scale of levels"
LABELS: Final = {
    "crosswalk_version": "Table by which levels are compared",
    "eqf_level": f"Level {EUROPEAN}",
    **{f"eqf_min_{level}": f"Level {level} or more {EUROPEAN}" for level in range(1, 9)},
}
"""In a worker's words, where those of the schemas are their makers'."""

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


def titles() -> dict[str, dict[str, str]]:
    """Return titles of occupations by language and code."""
    codes = isco08().codes
    return {tag: {code: title.by_language[tag] for code, title in codes.items()} for tag in TITLES}


def facts() -> Json:
    """Return types, occupations, frameworks and countries; English, and countries by the code that browsers name."""
    return {
        "types": {
            known.id: {"label": str(known.label), "attributes": [_attribute(each) for each in known.attributes]}
            for known in list_credential_types()
        },
        "occupations": {code: str(label) for code, label in isco08().codes.items()},
        "frameworks": {
            code: {
                "label": str(framework.label),
                "levels": {level: str(each.label) for level, each in framework.levels.items()},
            }
            for code, framework in frameworks().items()
        },
        "countries": {row["code"]: row["alpha2"] for row in csv.DictReader(StringIO(read_text("country_names.csv")))},
    }


def _attribute(attribute: Attribute) -> Json:
    told: Json = {
        "name": attribute.name,
        "label": LABELS.get(attribute.name, str(attribute.label)),
        "kind": attribute.kind.value,
    }
    if attribute.code_list is not None:
        told["list"] = LISTS[attribute.code_list]
    elif attribute.codes:
        told["codes"] = {code: str(label) for code, label in attribute.codes.items()}
    if framework := attribute.framework or attribute.framework_attribute:
        told["framework"] = framework
    if attribute.absent is not None:
        told["absent"] = {"raw": attribute.absent.raw, "label": str(attribute.absent.label)}
    if attribute.computed is not None:
        told["computed"] = attribute.computed.by.value
    return told
