"""Writes the vectors of CTE 1.0's own rules: `python tests/vectors/make_cte_vectors.py`.

The examples in the specification break its rules in several ways. Each vector has one of these faults, in an otherwise
sound file, and names the finding it must lead to; `accepted` vectors show that the neighbour without the fault passes.
"""

import copy
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "cte"
STATEMENTS = "https://identity.foundation/credential-trust-establishment/schemas/"
ROLES, DESCRIPTION = STATEMENTS + "roles.json", STATEMENTS + "description.json"
DIPLOMA, STUDENT = "did:example:college/schemas/diploma", "did:example:college/schemas/student"

type Json = dict[str, Any]


def sound() -> Json:
    return {
        "@context": ["https://identity.foundation/credential-trust-establishment/context.jsonld"],
        "id": "0b8d2d52-6a3f-4a35-9d3d-0e7c6e0b9a11",
        "name": "Colleges of the vectors",
        "version": 1,
        "format": "1.0",
        "last_updated": "2025-02-03T04:05:06Z",
        "author": "did:example:ministry",
        "ttl": 3600,
        "schemas": [{"id": DIPLOMA, "name": "Diploma"}, {"id": STUDENT, "name": "Student card"}],
        "roles": {
            "issue_diploma": {"issue": [DIPLOMA], "granted_by": STUDENT},
            "check_students": {"verify": [STUDENT]},
        },
        "participants": {
            "id": "4b1a9d7e-98a4-4d38-8a65-5b9f6c0c2f77",
            "author": "did:example:ministry",
            "created": "2025-02-03T04:05:06Z",
            "version": 1,
            "entries": {
                DESCRIPTION: {"did:example:college": {"name": "A college"}},
                ROLES: {
                    "did:example:college": {
                        "roles": [
                            {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z", "role": "issue_diploma"},
                            {"start": "2022-01-01T00:00:00Z", "role": "issue_diploma"},
                        ]
                    }
                },
            },
        },
    }


def put(path: str, value: Any) -> Json:
    """Return the sound file with `value` at the JSON pointer `path`."""
    document = copy.deepcopy(sound())
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    place: Any = document
    for step in steps[:-1]:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(steps[-1]) if isinstance(place, list) else steps[-1]] = value
    return document


def drop(member: str) -> Json:
    document = sound()
    del document[member]
    return document


ROLES_PATH = "/participants/entries/" + ROLES.replace("/", "~1")
GRANTS = ROLES_PATH + "/did:example:college/roles"


def vectors() -> dict[str, tuple[str, Json | str, list[tuple[str, str]]]]:
    """Return file name -> source, document (text where it is no JSON), expected findings as (rule, path)."""
    by_name: dict[str, tuple[str, Json | str, list[tuple[str, str]]]] = {
        "accepted-two-disjoint-windows": ("Linking Participants to Roles", sound(), []),
        "accepted-unknown-statement-schema": (
            "Participants: unknown schemas MUST be ignored",
            put("/participants/entries/https:~1~1example.test~1mood.json", {"did:example:college": {"mood": [1]}}),
            [],
        ),
        "accepted-context-as-text": ("Governance File Metadata", put("/@context", sound()["@context"][0]), []),
        "role-names-unlisted-schema": (
            "University Diploma example",
            put("/roles/issue_diploma/issue/0", "did:example:college/schemas/degree"),
            [("schema-listed", "/roles/issue_diploma/issue/0")],
        ),
        "granted-by-unlisted-schema": (
            "Roles, granted_by",
            put("/roles/issue_diploma/granted_by", "did:example:college/schemas/degree"),
            [("schema-listed", "/roles/issue_diploma/granted_by")],
        ),
        "granted-by-schema-nobody-verifies": (
            "University Diploma example",
            put("/roles/issue_diploma/granted_by", DIPLOMA),
            [("granted-by-verified", "/roles/issue_diploma/granted_by")],
        ),
        "granted-by-as-list": (
            "Verified Email example",
            put("/roles/issue_diploma/granted_by", [STUDENT]),
            [("text", "/roles/issue_diploma/granted_by")],
        ),
        "version-as-semver": ("University Diploma example", put("/version", "1.0"), [("whole-number", "/version")]),
        "version-as-text": ("Profile example", put("/version", "1"), [("whole-number", "/version")]),
        "version-with-fraction": ("Versioning", _text('"version": 1,', '"version": 1.5,'), [("strict-json", "")]),
        "version-zero": ("Versioning", put("/version", 0), [("range", "/version")]),
        "version-as-truth": ("Versioning", put("/version", True), [("whole-number", "/version")]),
        "last-updated-as-number": ("Profile example", put("/last_updated", 1703187439), [("instant", "/last_updated")]),
        "last-updated-as-day": (
            "DIF Membership example",
            put("/last_updated", "2022-10-09"),
            [("instant", "/last_updated")],
        ),
        "last-updated-without-zone": (
            "Governance File Metadata",
            put("/last_updated", "2025-02-03T04:05:06"),
            [("instant", "/last_updated")],
        ),
        "last-updated-that-does-not-exist": (
            "Governance File Metadata",
            put("/last_updated", "2025-02-30T04:05:06Z"),
            [("instant", "/last_updated")],
        ),
        "instant-with-space": (
            "Linking Participants to Roles",
            put(GRANTS + "/0/start", "2020-01-01 00:00:00Z"),
            [("instant", GRANTS + "/0/start")],
        ),
        "two-spellings-of-one-role": (
            "DIF Membership example",
            put(GRANTS + "/1/role", "issue_diplomas"),
            [("role-known", GRANTS + "/1/role")],
        ),
        "role-ends-before-it-starts": (
            "Linking Participants to Roles",
            put(GRANTS + "/0/end", "2019-01-01T00:00:00Z"),
            [("order-of-time", GRANTS + "/0/end")],
        ),
        "roles-as-bare-list": (
            "DIF Membership example",
            put(ROLES_PATH + "/did:example:college", [{"start": "2020-01-01T00:00:00Z", "role": "issue_diploma"}]),
            [("list", ROLES_PATH + "/did:example:college")],
        ),
        "format-1-1": ("DIF Membership example", put("/format", "1.1"), [("choice", "/format")]),
        "no-author": ("DIF Membership example", drop("author"), [("member-missing", "/author")]),
        "statements-of-another-author": (
            "DIF Membership example",
            put("/participants/author", "did:example:other"),
            [("one-author", "/participants/author")],
        ),
        "no-participant": (
            "Profile example",
            put("/participants/entries", {ROLES: {}, DESCRIPTION: {}}),
            [("participant-present", "/participants/entries")],
        ),
        "no-context": ("Governance File Metadata", put("/@context", []), [("context", "/@context")]),
        "schema-listed-twice": (
            "Schemas",
            put("/schemas/1", {"id": DIPLOMA, "name": "Again"}),
            [("schema-once", "/schemas/1/id"), ("schema-listed", "/roles/check_students/verify/0"),
             ("schema-listed", "/roles/issue_diploma/granted_by")],
        ),
        "role-name-with-space": (
            "Roles: alphanumeric characters, dashes, underscores",
            put("/roles/issue diploma", {}),
            [("role-name", "/roles/issue diploma")],
        ),
        "earlier-version-that-is-later": (
            "Versioning",
            put("/previous_versions", [{"version": 1, "uri": "https://ministry.test/1.jws"}]),
            [("version-order", "/previous_versions/0/version")],
        ),
        "no-context-member": ("Profile example, as signed", drop("@context"), [("member-missing", "/@context")]),
        "participants-version-as-text": (
            "Profile example",
            put("/participants/version", "1"),
            [("whole-number", "/participants/version")],
        ),
        "participants-created-as-number": (
            "Profile example",
            put("/participants/created", 1703187439),
            [("instant", "/participants/created")],
        ),
        "address-that-is-empty": ("Profile example", put("/uri", ""), [("link", "/uri")]),
        "current-version-that-is-empty": (
            "Profile example",
            put("/current_version", ""),
            [("link", "/current_version")],
        ),
        "statements-under-schemas-of-others": (
            "Profile example: nothing that CTE names is said of anybody",
            put("/participants/entries", {"https://example.test/roles.schema.json": {"did:example:college": {}}}),
            [("participant-present", "/participants/entries")],
        ),
        "trusted-governance-over-http": (
            "Trusted Governance: files are fetched over HTTPS",
            put("/trusted_governance", [{"publisher": "did:example:other", "uri": "http://other.test/cte.jws"}]),
            [("https-address", "/trusted_governance/0/uri")],
        ),
        "trusted-governance-without-publisher": (
            "Trusted Governance: the file must be signed by its publisher",
            put("/trusted_governance", [{"uri": "https://other.test/cte.jws"}]),
            [("member-missing", "/trusted_governance/0/publisher")],
        ),
        "trusted-governance-of-the-author": (
            "Trusted Governance",
            put("/trusted_governance", [{"publisher": "did:example:ministry", "uri": "https://other.test/cte.jws"}]),
            [("publisher-is-other", "/trusted_governance/0/publisher")],
        ),
        "accepted-trusted-governance": (
            "Trusted Governance; without a recognition it grants nothing",
            put("/trusted_governance", [{"publisher": "did:example:other", "uri": "https://other.test/cte.jws"}]),
            [],
        ),
        "comma-before-end-of-object": (
            "Schemas example",
            _text('"name": "Diploma"}', '"name": "Diploma",}'),
            [("strict-json", "")],
        ),
        "comma-before-end-of-list": (
            "Roles example",
            _text('"name": "Student card"}]', '"name": "Student card"},]'),
            [("strict-json", "")],
        ),
        "object-without-a-name": (
            "DIF Membership example",
            _text('{"roles": [', '{{"roles": ['),
            [("strict-json", "")],
        ),
        "statement-schema-inside-a-list": (
            "Verified Email example",
            _text(f'"{ROLES}": {{', f'["{ROLES}": {{'),
            [("strict-json", "")],
        ),
        "trailing-comma": ("University Diploma example", _text('"ttl": 3600,', '"ttl": 3600,,'), [("strict-json", "")]),
        "member-twice": ("RFC 7493 §2.3", _text('"version": 1,', '"version": 2, "version": 1,'), [("strict-json", "")]),
    }  # fmt: skip
    return by_name


def _text(old: str, new: str) -> str:
    text = json.dumps(sound())
    if text.count(old) < 1:
        raise ValueError(old)
    return text.replace(old, new, 1)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, (source, document, findings) in vectors().items():
        vector = {
            "name": name,
            "source": f"CTE 1.0, {source}" if not source.startswith("RFC") else source,
            "text" if isinstance(document, str) else "document": document,
            "expect": [{"rule": rule, "path": path} for rule, path in findings],
        }
        (FOLDER / f"{name}.json").write_text(json.dumps(vector, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
