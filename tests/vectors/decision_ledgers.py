"""Vectors of DIDs that have two names on Indy ledgers: what restricts one name binds the other (rules 8 and 14).

Not of the common ecosystem: every file with such names is one of its own here.
"""

import json

from tests.vectors.decision_ecosystem import ecosystem
from tests.vectors.decision_words import Json, Topics, accreditation, case, day, neighbour, status, year

ACCREDITATION = "https://w3id.org/wanderbuch/governance/1.0/accreditation.json"
ROLES = "https://identity.foundation/credential-trust-establishment/schemas/roles.json"
FILE = "ledgers.json"
NYMS = tuple("V4SGRU86Z58d6TV7PBUe6" + letter for letter in "abcd")


def indy(number: int, ledger: str = "sovrin") -> str:
    return f"did:indy:{ledger}:{NYMS[number]}"


def sov(number: int) -> str:
    return f"did:sov:{NYMS[number]}"


def definition(did: str) -> str:
    if did.startswith("did:sov:"):
        return f"anoncreds:{did.removeprefix('did:sov:')}:3:CL:20:tag"
    return f"anoncreds:{did}/anoncreds/v0/CLAIM_DEF/20/tag"


def registry(did: str, tag: str) -> str:
    nym = did.rpartition(":")[2]
    if did.startswith("did:sov:"):
        return f"{nym}:4:{nym}:3:CL:20:tag:CL_ACCUM:{tag}"
    return f"{did}/anoncreds/v0/REV_REG_DEF/20/tag/{tag}"


def accredited(number: str, did: str, **changes: object) -> Json:
    return accreditation(number, did, sources=[definition(did)], **changes)


def shown(did: str, name: str, **changes: object) -> Json:
    made = case(did, name, source=definition(did), status=f"anoncreds:{registry(did, 'before')}", **changes)
    return {**made, "governance": FILE}


def governance() -> Json:
    """Return a file that accredits DIDs under both of their names."""
    suspended = [status("suspended", "2024-09-15", "2024-09-01", registry(sov(1), "before"))]
    accreditations = {
        indy(0): [accredited("L-1", indy(0))],
        sov(0): [accredited("L-2", sov(0), excluded_occupations=["C7214"])],
        indy(1): [accredited("L-3", indy(1))],
        sov(1): [accredited("L-4", sov(1), status=suspended)],
        indy(2): [accredited("L-5", indy(2), excluded_occupations=["C7214"])],
        indy(2, "idunion"): [accredited("L-6", indy(2, "idunion"))],
        sov(3): [accredited("L-7", sov(3))],
        indy(3): [accredited("L-8", indy(3), excluded_occupations=["C7214"])],
    }
    made = ecosystem()
    entries = made["participants"]["entries"]
    entries[ROLES] = {did: {"roles": [{"start": "2010-01-01T00:00:00Z", "role": "issuer"}]} for did in accreditations}
    entries[ACCREDITATION] = {did: {"accreditations": statements} for did, statements in accreditations.items()}
    description = next(name for name in entries if name.endswith("/description.json"))
    entries[description] = {made["author"]: {"name": "Authority"}, **{did: {"name": did} for did in accreditations}}
    return {**made, "id": "6c0e2f1e-5d4f-4b43-8a54-0f0f7e7c3b11"}


def topics() -> Topics:
    """Return the cases."""
    by_topic: Topics = {}
    metal = {"occupation": "C72"}
    for name, what in ((indy(0), "did:sov"), (sov(3), "did:indy")):
        beside = shown(name, f"a trade beside one that is excluded under {what}", requirement=metal)
        told = f"excluded under the {what} name of the same DID"
        by_topic[f"08-excluded-under-{what.replace(':', '-')}"] = (
            "rule 8",
            beside,
            [neighbour(beside, told, "occupation.excluded", evidence__occupation="C7214")],
        )
    other = shown(indy(2, "idunion"), "excluded under the same id on another ledger", occupation="C7214")
    other["requirement"]["occupation"] = "C7214"
    own = json.loads(json.dumps(other).replace("did:indy:idunion:", "did:indy:sovrin:"))
    own |= {"name": "excluded on this ledger", "differs": "evidence.issuer, with all it owns"}
    own["expect"] = {"verdict": "NOT_TRUSTED", "codes": ["occupation.excluded"]}
    by_topic["08-another-ledger-is-another-did"] = ("rule 8", other, [own])
    before = shown(indy(1), "awarded before the did:sov name was suspended", awarded=year(2023))
    by_topic["14-suspended-under-did-sov"] = (
        "rule 14",
        before,
        [
            neighbour(before, "awarded after", "status.suspended", evidence__awarded=day("2024-10-01")),
            neighbour(
                before,
                "from a registry that is not pinned",
                "registry.not_pinned",
                evidence__status=f"anoncreds:{registry(indy(1), 'later')}",
            ),
        ],
    )
    return by_topic
