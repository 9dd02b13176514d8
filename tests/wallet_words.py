"""What credentials are made of, in words: from our schemas, for the page of the wallet (`wallet/src/page/words.ts`)."""

import csv
from io import StringIO
from typing import Any, Final

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

type Json = dict[str, Any]


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
