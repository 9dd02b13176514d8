"""Make `iso3166.csv`: the alpha-3 codes of ISO 3166-1 with names in our languages from Unicode CLDR.

    pip install babel==2.18.0 pycountry==26.2.16        # in a throw-away environment
    python schemas/data/make_countries.py schemas/data/iso3166.csv

The names and the pairs alpha-2/alpha-3 come from CLDR (through Babel). CLDR also knows withdrawn and private codes,
so the list of officially assigned codes is checked against pycountry, from which nothing is copied. Rights and
attribution: `iso3166.json`.
"""

import csv
import re
import sys
from pathlib import Path

OFFICIALLY_ASSIGNED = 249  # ISO 3166-1
LANGUAGES = ("en", "ar", "es", "fr", "si", "ta")


def read_countries() -> dict[str, list[str]]:
    """Return alpha-3 code -> names in the order of the languages, sorted by code.

    Raises:
        ValueError: the two sources do not agree.
    """
    import pycountry  # type: ignore[import-not-found,unused-ignore]
    from babel import Locale  # type: ignore[import-not-found,unused-ignore]
    from babel.core import get_global  # type: ignore[import-not-found,unused-ignore]

    assigned = {country.alpha_2: country.alpha_3 for country in pycountry.countries}
    names = [Locale(language).territories for language in LANGUAGES]
    countries = {
        code: [each[targets[0]] for each in names]
        for code, targets in get_global("territory_aliases").items()
        if re.fullmatch("[A-Z]{3}", code) and len(targets) == 1 and assigned.get(targets[0]) == code
    }
    missing = set(assigned.values()) - set(countries)
    if missing or len(countries) != OFFICIALLY_ASSIGNED:
        raise ValueError(
            f"expected {OFFICIALLY_ASSIGNED} countries, found {len(countries)}; missing: {sorted(missing)}"
        )
    return dict(sorted(countries.items()))


def main(table: str) -> None:
    """Write the table."""
    with Path(table).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("code", *LANGUAGES))
        rows.writerows((code, *(name.replace("’", "'") for name in names)) for code, names in read_countries().items())


if __name__ == "__main__":
    main(*sys.argv[1:])
