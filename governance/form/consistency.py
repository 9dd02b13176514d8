"""The rules between the parts of a governance file, CTE's own first.

Errors, from CTE 1.0: 1. the context is named; 2. there is at least one participant; 3. the statements are the author's
own; 4. a schema is listed once; 5. a role names listed schemas only, and what grants it can be verified by some role;
6. a participant's role is one of the file's; 7. a role ends after it starts; 8. earlier versions are earlier and named
once.

Warnings: 9. an alias is read, never followed; 10. who is accredited has a name and a CTE role that lets others see it;
11. a role that may neither issue nor verify anything grants nothing; 12. a did:webvh DID that moved stands there by two
of its names, and each decision is about one of them.

The rules of our own statements are in `statement_rules`.
"""

import difflib
from collections.abc import Iterator
from typing import Any, Final

from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.governance.facts.indy import ledger_name
from wanderbuch.governance.form.cte_model import CTE_CONTEXT, CteFileJson
from wanderbuch.governance.form.findings import Finding, error, pointer, warning
from wanderbuch.governance.form.parts import Parts
from wanderbuch.governance.form.statement_rules import statement_inconsistencies

_LISTED: Final = "add it to schemas, or correct it here"


def inconsistencies(parts: Parts) -> Iterator[Finding]:
    """Yield every finding of this module and of `statement_rules`."""
    if parts.file is not None:
        yield from _metadata(parts.file)
    if not parts.dids and _readable_entries(parts.document):  # 2
        path = pointer("participants", "entries")
        yield error(path, "participant-present", "expected at least one participant, found none", "describe the author")
    yield from _schemas(parts)
    yield from _roles(parts)
    yield from _grants(parts)
    yield from _participants(parts)
    yield from statement_inconsistencies(parts)


def _metadata(file: CteFileJson) -> Iterator[Finding]:
    contexts = [file.context] if isinstance(file.context, str) else file.context
    if CTE_CONTEXT not in contexts:  # 1
        yield error("/@context", "context", f"expected {CTE_CONTEXT}", "add it")
    if file.participants.author != file.author:  # 3
        yield error(
            pointer("participants", "author"),
            "one-author",
            "expected the author of the file, found another DID",
            "statements of others belong in their own governance files",
        )
    seen: set[int] = set()
    for position, earlier in enumerate(file.previous_versions):  # 8
        path = pointer("previous_versions", position, "version")
        if earlier.version >= file.version:
            mistake = f"expected a version below {file.version}, found {earlier.version}"
            yield error(path, "version-order", mistake, "raise the file's version with every publication")
        if earlier.version in seen:
            yield error(path, "version-once", f"expected version {earlier.version} once", "remove the second mention")
        seen.add(earlier.version)


def _readable_entries(document: dict[str, Any]) -> bool:
    participants = document.get("participants")
    return isinstance(participants, dict) and isinstance(participants.get("entries"), dict)


def _schemas(parts: Parts) -> Iterator[Finding]:
    seen: set[str] = set()
    for position, schema in enumerate(parts.file.schemas if parts.file else ()):  # 4
        if schema.id in seen:
            path = pointer("schemas", position, "id")
            yield error(path, "schema-once", "expected each schema once, found this id again", "remove the second one")
        seen.add(schema.id)


def _roles(parts: Parts) -> Iterator[Finding]:
    listed, roles = parts.listed_schemas(), parts.named_roles()
    if listed is None or roles is None:
        return
    verifiable = {schema for role in roles.values() for schema in _texts(role.get("verify"))}
    for name, role in roles.items():  # 5
        if not _texts(role.get("issue")) and not _texts(role.get("verify")):  # 11
            message = "this role may neither issue nor verify anything, so it grants nothing"
            yield warning(pointer("roles", name), "grants-nothing", message, "name schemas, or remove the role")
        for member in ("issue", "verify"):
            for position, schema in enumerate(_texts(role.get(member))):
                if schema not in listed:
                    message = f"expected a listed schema, found {schema[:80]!r}"
                    yield error(pointer("roles", name, member, position), "schema-listed", message, _LISTED)
        granted_by = role.get("granted_by")
        if not isinstance(granted_by, str):
            continue
        path = pointer("roles", name, "granted_by")
        if granted_by not in listed:
            yield error(path, "schema-listed", f"expected a listed schema, found {granted_by[:80]!r}", _LISTED)
        elif granted_by not in verifiable:
            message = "expected a role that may verify this schema, found none"
            yield error(path, "granted-by-verified", message, "let a role verify it, or drop granted_by")


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _grants(parts: Parts) -> Iterator[Finding]:
    roles = parts.named_roles()
    for grant in parts.roles:
        if roles is not None and grant.content.role not in roles:  # 6
            near = difflib.get_close_matches(grant.content.role, roles, n=1)
            fix = f"write {near[0]!r} if that was meant, or define it" if near else "define it under roles"
            message = f"expected a role of this file, found {grant.content.role!r}"
            yield error(grant.at("role"), "role-known", message, fix)
        if grant.content.end is not None and grant.content.end <= grant.content.start:  # 7
            message = "expected an end after the start, found it before or at the same instant"
            yield error(grant.at("end"), "order-of-time", message, "correct start or end")


def _moved(parts: Parts) -> Iterator[Finding]:
    names: dict[str, Did] = {}
    for did in parts.dids:  # 12
        for one in _names_of(did):
            first = names.setdefault(one, did)
            if first == did or {first.method, did.method} == {"indy"}:  # of two ledgers
                continue
            message = f"{did} and {first} are one DID under two names; what is granted to one is not to the other"
            fix = "decide both alike: what ends or restricts one has to be said of the other too"
            if ledger_name(did) is not None:
                fix = "decide both alike; an exclusion, suspension or withdrawal of one binds the other in any case"
            yield warning(pointer("participants", "entries"), "one-did-two-names", message, fix)


def _names_of(did: Did) -> tuple[str, ...]:
    """Return what is the same in all names of a DID; did:sov names no ledger, so it may be the one of any did:indy."""
    if did.method == "webvh":
        return (WebvhDid(did).scid,)
    name = ledger_name(did)
    return () if name is None else (name,)


def _participants(parts: Parts) -> Iterator[Finding]:
    for alias in parts.aliases:  # 9
        message = "aliases are read, but what is said of one DID never counts for another"
        yield warning(alias.at("alias_dids"), "alias-not-followed", message, "make the statements under each DID")
    yield from _moved(parts)
    described = {description.did for description in parts.descriptions}
    roles = parts.named_roles() or {}
    issuing = {role.did for role in parts.roles if _texts(roles.get(role.content.role, {}).get("issue"))}
    warned = set()
    for accreditation in parts.accreditations:  # 10
        did = accreditation.did
        if did in warned:
            continue
        warned.add(did)
        if did not in described:
            message = "the file accredits this issuer but does not say who it is"
            yield warning(accreditation.path, "issuer-described", message, "add a description.json statement")
        if did not in issuing:
            message = "the file gives this issuer no CTE role that issues, so other CTE readers do not see it"
            yield warning(accreditation.path, "issuer-has-role", message, "add a roles.json statement")
