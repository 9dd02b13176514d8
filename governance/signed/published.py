"""The JSON Schemas that others may check their files against, made from the models and kept in `schemas/`.

`python -m wanderbuch.governance.signed.published` writes them anew; a test holds that they equal what the
models say. The rules between the parts of a file are beyond JSON Schema: `wanderbuch governance validate` checks
those too.
"""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from wanderbuch.governance.form.listing_model import ListingJson
from wanderbuch.governance.form.model import PROFILE_STATEMENTS, AccreditationStatementJson, CrosswalkStatementJson
from wanderbuch.governance.form.statement_model import (
    AnyDividedJson,
    ProgrammesStatementJson,
    RecognitionStatementJson,
    RefusalStatementJson,
    RegulationStatementJson,
    SignatoriesJson,
    SuccessionStatementJson,
    VerificationStatementJson,
)
from wanderbuch.governance.form.whole_file import WholeFileJson
from wanderbuch.governance.signed.freshness import FreshnessPayload

FOLDER: Final = Path(__file__).parent.parent / "schemas"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PUBLISHED: Final[dict[str, type[BaseModel]]] = {
    "governance-file": WholeFileJson,
    "accreditation": AccreditationStatementJson,
    "crosswalk": CrosswalkStatementJson,
    "recognition": RecognitionStatementJson,
    "regulation": RegulationStatementJson,
    "verification": VerificationStatementJson,
    "programmes": ProgrammesStatementJson,
    "refusal": RefusalStatementJson,
    "succession": SuccessionStatementJson,
    "signatories": SignatoriesJson,
    "divided": AnyDividedJson,
    "listing": ListingJson,
    "freshness": FreshnessPayload,
}


def published_schemas() -> dict[str, dict[str, Any]]:
    """Return file name -> JSON Schema, as the models say it now."""
    return {
        f"{name}.schema.json": {
            "$schema": _DIALECT,
            "$id": f"{PROFILE_STATEMENTS}{name}.json",
            **model.model_json_schema(by_alias=True, mode="validation"),
        }
        for name, model in _PUBLISHED.items()
    }


def write_schemas() -> None:
    """Write the schemas into the folder they are published from."""
    for name, schema in published_schemas().items():
        (FOLDER / name).write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_schemas()
