"""Make `iso3166.csv`: the alpha-3 codes of ISO 3166-1 with names in our languages from Unicode CLDR.

    pip install pycountry==26.2.16        # beside Babel, which the development environment has
    python schemas/data/make_countries.py schemas/data/iso3166.csv

The names and the pairs alpha-2/alpha-3 come from CLDR (through Babel). CLDR also knows withdrawn and private codes,
so the list of officially assigned codes is checked against pycountry, from which nothing is copied. Three places have
CLDR's short names, which Babel leaves out. A test compares the table with Babel. Rights: `iso3166.json`.
"""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

OFFICIALLY_ASSIGNED = 249  # ISO 3166-1
LANGUAGES = ("en", "ar", "es", "fr", "si", "ta")
SHORT = {  # CLDR 48, alt="short"
    "HKG": ("Hong Kong", "هونغ كونغ", "Hong Kong", "Hong Kong", "හොංකොං", "ஹாங்காங்"),
    "MAC": ("Macao", "مكاو", "Macao", "Macao", "මකාවු", "மகாவ்"),
    "PSE": ("Palestine", "فلسطين", "Palestina", "Palestine", "පලස්තීනය", "பாலஸ்தீனம்"),
}


def read_countries(assigned: Iterable[str]) -> dict[str, list[str]]:
    """Return alpha-3 code -> names in the order of the languages, sorted by code.

    Raises:
        ValueError: CLDR does not know all codes.
    """
    from babel import Locale
    from babel.core import get_global

    alpha2 = {code: targets[0] for code, targets in get_global("territory_aliases").items() if len(targets) == 1}
    if missing := set(assigned) - set(alpha2):
        raise ValueError(f"expected a pair alpha-2/alpha-3 in CLDR for every code; missing: {sorted(missing)}")
    names = [Locale(language).territories for language in LANGUAGES]
    return {
        code: list(SHORT.get(code) or (name[alpha2[code]].replace("’", "'") for name in names))
        for code in sorted(assigned)
    }


def main(table: str) -> None:
    """Write the table."""
    import pycountry  # type: ignore[import-not-found,unused-ignore]

    assigned = [country.alpha_3 for country in pycountry.countries]
    if len(assigned) != OFFICIALLY_ASSIGNED:
        raise ValueError(f"expected {OFFICIALLY_ASSIGNED} countries, found {len(assigned)}")
    with Path(table).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("code", *LANGUAGES))
        rows.writerows((code, *names) for code, names in read_countries(assigned).items())


if __name__ == "__main__":
    main(*sys.argv[1:])
