"""Make `iso639.csv`: languages that have a code in ISO 639-1, by their code in ISO 639-3, with names from Unicode CLDR.

    pip install babel==2.18.0 pycountry==26.2.16        # in a throw-away environment
    python schemas/data/make_languages.py schemas/data/iso639.csv

The names come from CLDR (through Babel). Which codes belong together, and that a language is a living one, is taken
from the code tables of ISO 639 as pycountry packs them; no name is. Rights and attribution: `iso639.json`.
"""

import csv
import sys
from pathlib import Path

LANGUAGES = ("en", "ar", "es", "fr", "si", "ta")


def read_languages() -> dict[str, list[str]]:
    """Return ISO 639-3 code -> names in the order of the languages, sorted by code; English stands in for none."""
    import pycountry  # type: ignore[import-not-found,unused-ignore]
    from babel import Locale  # type: ignore[import-not-found,unused-ignore]

    names = [Locale(language).languages for language in LANGUAGES]
    return {
        language.alpha_3: [name.get(language.alpha_2) or names[0][language.alpha_2] for name in names]
        for language in sorted(pycountry.languages, key=lambda language: language.alpha_3)
        if getattr(language, "alpha_2", None) in names[0] and language.type == "L"
    }


def main(table: str) -> None:
    """Write the table."""
    with Path(table).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("code", *LANGUAGES))
        rows.writerows((code, *(name.replace("’", "'") for name in names)) for code, names in read_languages().items())


if __name__ == "__main__":
    main(*sys.argv[1:])
