"""Issuers of tests have short keys where only what is built on the library is tested, and else those of full length."""

import pytest
from anoncreds import CredentialDefinition, CredentialOffer, CredentialRequest, Schema, create_link_secret
from tests.issuer_keys import choose_length

from wanderbuch.schemas.credential_type import load_credential_type

ATTRIBUTES = list(load_credential_type("qualification/1.0").attr_names)
FULL, SHORT = 2048, 512


@pytest.mark.parametrize(
    ("test", "bits"),
    [
        ("tests/unit/trust/test_x.py::test_y", SHORT),
        ("tests/unit/wallet_host/test_x.py::test_y", SHORT),
        ("tests/unit/wallet/test_x.py::test_y", FULL),
        ("tests/flow/test_x.py::test_y", FULL),
        ("tests/interop/test_x.py::test_y", FULL),
    ],
)
def test_the_key_is_as_long_as_the_test_needs_it_and_proves_that_it_is_right(
    test: str, bits: int, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: choose_length(request.node.nodeid))
    choose_length(test)

    schema = Schema.create("qualification", "1.0", "did:example:authority", ATTRIBUTES)
    public, _, proof = CredentialDefinition.create(
        "did:example:schema", schema, "did:example:issuer", "tag", "CL", support_revocation=True
    )

    assert int(public.to_dict()["value"]["primary"]["n"]).bit_length() == pytest.approx(bits, abs=2)
    offer = CredentialOffer.create("did:example:schema", "did:example:definition", proof)
    CredentialRequest.create("a" * 16, None, public, create_link_secret(), "default", offer)  # it looks at the proof
