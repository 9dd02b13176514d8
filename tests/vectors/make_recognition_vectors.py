"""Writes the vectors of recognition across borders: `python -m tests.vectors.make_recognition_vectors`.

`recognition/files/` are the governance files of `recognition_world`. Each other file is one rule: an accepted case, and
neighbours that differ from it in one point and are refused. `governance` is the home file, `recognised` the files of
others that are at hand, each with the end of its freshness. Expectations are written by hand, from the rules' text.
"""

import json
from pathlib import Path

from tests.vectors import recognition_ends, recognition_links
from tests.vectors.decision_words import Json
from tests.vectors.recognition_world import world

FOLDER = Path(__file__).parent / "recognition"
DESIGN = "rules in the head of governance/deciding/recognition.py"


def main() -> None:
    (FOLDER / "files").mkdir(parents=True, exist_ok=True)
    for name, document in world().items():
        _write(f"files/{name}", document)
    for part in (recognition_links, recognition_ends):
        for name, (rule, accepted, refused) in part.topics().items():
            _write(
                f"{name}.json",
                {"name": name, "source": f"{rule}: {DESIGN}", "accepted": accepted, "refused": refused},
            )


def _write(name: str, document: Json) -> None:
    (FOLDER / name).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
