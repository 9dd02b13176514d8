import pytest

from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.indy import SUPPORTED, IndyDid, IndyId, Kind

NYM = "V4SGRU86Z58d6TV7PBUe6f"
NEW = f"did:indy:sovrin:staging:{NYM}"

SAME = [
    (Kind.SCHEMA, f"{NEW}/anoncreds/v0/SCHEMA/qualification/1.0", f"{NYM}:2:qualification:1.0"),
    (Kind.CRED_DEF, f"{NEW}/anoncreds/v0/CLAIM_DEF/12/default", f"{NYM}:3:CL:12:default"),
    (
        Kind.REV_REG_DEF,
        f"{NEW}/anoncreds/v0/REV_REG_DEF/12/default/one",
        f"{NYM}:4:{NYM}:3:CL:12:default:CL_ACCUM:one",
    ),
]


@pytest.mark.parametrize(("kind", "new", "old"), SAME)
def test_both_forms_name_what_the_ledger_calls_by_the_old_one(kind: Kind, new: str, old: str) -> None:
    for text in (new, old):
        parsed = IndyId.parse(text, kind)
        assert (parsed.old, parsed.kind, parsed.text, parsed.issuer.nym) == (old, kind, text, NYM)
        assert SUPPORTED.match(text)
    assert IndyId.parse(new).issuer.namespace == "sovrin:staging"
    assert IndyId.parse(old).issuer.namespace is None


@pytest.mark.parametrize("did", [NYM, f"did:sov:{NYM}", NEW])
def test_objects_of_a_did_are_named_in_its_own_form(did: str) -> None:
    author = IndyDid.parse(did)
    cred_def = author.cred_def(12, "default")
    made = (author.schema("qualification", "1.0"), cred_def, author.registry(cred_def, "one"))
    assert [indy_id.text for indy_id in made] == [pair[1 if did == NEW else 2] for pair in SAME]
    assert made[2].cred_def.text == cred_def.text


@pytest.mark.parametrize(
    "text",
    [
        f"{NYM}:2:qualification",
        f"{NYM}:3:CL:0:default",
        f"{NYM}:3:CL:12:",
        f"{NYM}:4:{'A' * 22}:3:CL:12:default:CL_ACCUM:one",
        f"{NEW}/anoncreds/v1/CLAIM_DEF/12/default",
        f"{NEW}/anoncreds/v0/CLAIM_DEF/12/a/b",
        f"did:indy:Sovrin:{NYM}/anoncreds/v0/CLAIM_DEF/12/default",
        f"{NYM[:-1]}0:3:CL:12:default",
        "did:webvh:x:y",
        12,
        f"{NYM}:3:CL:12:{'a' * 2000}",
    ],
)
def test_refuses_what_no_ledger_has(text: object) -> None:
    with pytest.raises(IdentifierError, match="expected the id of a"):
        IndyId.parse(text)


def test_refuses_an_object_of_another_kind() -> None:
    with pytest.raises(IdentifierError, match="expected the id of a SCHEMA, found that of a CLAIM_DEF"):
        IndyId.parse(SAME[1][1], Kind.SCHEMA)


def test_leaves_other_methods_to_others() -> None:
    assert not SUPPORTED.match("did:webvh:QmX:centre.example.test:org/resources/zQm")
    assert not SUPPORTED.match("did:key:z6Mk")
