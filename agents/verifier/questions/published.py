"""The schema of a question as it is published: made of the model that reads it, and held equal to it by a test.

python -m wanderbuch.agents.verifier.questions.published       # write it anew
"""

import json
from importlib import resources
from pathlib import Path
from typing import Any, Final

from wanderbuch.agents.verifier.questions.document import SCHEMA_ID, WordedQuestion

FILE: Final = "question-1.0.schema.json"


def question_schema() -> dict[str, Any]:
    """Return the schema, as the model has it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **WordedQuestion.model_json_schema(by_alias=True),
    }


def schema_text() -> str:
    """Return the schema as the file has it."""
    return json.dumps(question_schema(), ensure_ascii=False, indent=2) + "\n"


def published_path() -> Path:
    """Return where the published schema lies."""
    return Path(str(resources.files(__package__ or "") / FILE))


if __name__ == "__main__":
    published_path().write_text(schema_text(), encoding="utf-8")
