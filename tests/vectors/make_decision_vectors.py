"""Writes the vectors of the decision: `python -m tests.vectors.make_decision_vectors`.

`decision/ecosystem.json` is a governance file in which every rule has somebody it concerns, `decision/ledgers.json` one
of issuers on Indy ledgers. Each other file is one
rule: an accepted case, and neighbours that differ from it in one point and are refused. Expectations are written here
by hand, from the rules' text; nothing is computed by the code under test.
"""

import json
from pathlib import Path

from tests.vectors import decision_asked, decision_ledgers, decision_mandate, decision_scope, decision_types
from tests.vectors.decision_ecosystem import ecosystem
from tests.vectors.decision_words import Json

FOLDER = Path(__file__).parent / "decision"
DESIGN = "rules in the head of governance/deciding/decision.py"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    _write("ecosystem.json", ecosystem())
    _write(decision_ledgers.FILE, decision_ledgers.governance())
    for part in (decision_asked, decision_scope, decision_mandate, decision_ledgers, decision_types):
        for name, (rule, accepted, refused) in part.topics().items():
            _write(
                f"{name}.json",
                {"name": name, "source": f"{rule}: {DESIGN}", "accepted": accepted, "refused": refused},
            )


def _write(name: str, document: Json) -> None:
    (FOLDER / name).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
