"""The rules of what verifiers may ask.

Errors: 1. an id stands once; 2. the credential type is a listed schema, countries exist; 3. attributes exist in the
type, and each stands once; 4. a predicate is about a number or a day (3 and 4 where this software knows the type);
5. intervals, as in `scope_rules`.

Warnings: 6. personal attributes may be asked; 7. nothing may be asked, so it grants nothing; 8. the verifier has no
name, or no CTE role that verifies such credentials.
"""

from collections.abc import Iterator, Sequence

from wanderbuch.errors import CredentialError
from wanderbuch.governance.form.findings import Finding, error, warning
from wanderbuch.governance.form.parts import Parts, Placed
from wanderbuch.governance.form.scope_rules import countries_known, ids_once, intervals_in_order, types_listed
from wanderbuch.governance.form.statement_model import VerificationJson
from wanderbuch.schemas.credential_type import CredentialType, Kind, load_credential_type

_COUNTABLE = (Kind.INTEGER, Kind.DATE)


def verifier_findings(parts: Parts) -> Iterator[Finding]:
    """Yield every finding about what verifiers may ask."""
    yield from ids_once("verification", parts.verifications)  # 1
    for verification in parts.verifications:
        verification_json = verification.content
        yield from types_listed(verification, "credential_type", (verification_json.credential_type,), parts)  # 2
        yield from countries_known(verification, verification_json.jurisdictions)
        yield from _attributes(verification)
        yield from intervals_in_order(verification, verification_json.intervals)  # 5
        if not verification_json.attributes and not verification_json.predicates:  # 7
            message = "neither attributes nor predicates are named, so the verifier may ask nothing"
            yield warning(verification.path, "grants-nothing", message, "name what it may ask")
    yield from _presentation(parts)


def _attributes(verification: Placed[VerificationJson]) -> Iterator[Finding]:
    verification_json = verification.content
    try:
        known: CredentialType | None = load_credential_type(verification_json.credential_type)
    except CredentialError:
        known = None
    yield from _names(verification, "attributes", verification_json.attributes, known)
    yield from _names(verification, "predicates", verification_json.predicates, known)
    if known is None:
        return
    personal = [
        name for name in verification_json.attributes if name in known.attr_names and known.attribute(name).personal
    ]
    if personal:  # 6
        message = f"this verifier may ask for {', '.join(personal)}, which can single a person out"
        fix = "keep only what the legal basis needs"
        yield warning(verification.at("attributes"), "asks-personal", message, fix)


def _names(
    verification: Placed[VerificationJson], member: str, names: Sequence[str], known: CredentialType | None
) -> Iterator[Finding]:
    for position, name in enumerate(names):  # 3
        path = verification.at(member, position)
        if name in names[:position]:
            yield error(path, "attribute-once", f"expected each attribute once, found {name!r} again", "remove one")
        elif known is None:
            continue
        elif name not in known.attr_names:
            message = f"expected an attribute of {known.id}, found {name!r}"
            yield error(path, "attribute-known", message, f"write one of {', '.join(known.attr_names)}")
        elif member == "predicates" and known.attribute(name).kind not in _COUNTABLE:  # 4
            message = f"expected a number or a day, found {name!r}, which has no more and no less"
            yield error(path, "predicate-countable", message, "move it to attributes, or remove it")


def _presentation(parts: Parts) -> Iterator[Finding]:
    described = {description.did for description in parts.descriptions}
    listed, roles = parts.listed_schemas() or {}, parts.named_roles() or {}
    verifies: dict[str, set[str]] = {}
    for grant in parts.roles:
        schemas = roles.get(grant.content.role, {}).get("verify")
        for schema in schemas if isinstance(schemas, list) else ():
            verifies.setdefault(grant.did, set()).add(listed.get(str(schema), ""))
    warned: set[str] = set()
    for verification in parts.verifications:  # 8
        did = verification.did
        if verification.content.credential_type not in verifies.get(did, set()):
            message = "the file gives this verifier no CTE role that verifies such credentials"
            yield warning(verification.path, "verifier-has-role", message, "add a roles.json statement")
        if did not in described and did not in warned:
            message = "the file says what this verifier may ask but not who it is"
            yield warning(verification.path, "verifier-described", message, "add a description.json statement")
        warned.add(did)
