"""What the webauthn library does of a ceremony: its options, and the checks of what an authenticator answers.

A module of its own since the library takes 5 MB and a tenth of a second, and most processes never see a passkey:
`passkeys` loads it when somebody makes one or signs in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from wanderbuch.agents.people.address import SiteAddress
from wanderbuch.agents.people.challenges import LASTS

_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_TIMEOUT_MS: Final = int(LASTS.total_seconds() * 1000)
# The library reads what a stranger wrote, and fails in all these ways.
_REFUSALS: Final = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError)


class AnswerRefusedError(Exception):
    """The library does not take an authenticator's answer."""


@dataclass(frozen=True, slots=True)
class MadeCredential:
    """A credential that an authenticator made.

    Args:
        public_key: a COSE key.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int
    is_backed_up: bool


@dataclass(frozen=True, slots=True)
class SignInAnswer:
    """What an authenticator said when it signed in."""

    sign_count: int
    is_backed_up: bool


def options_to_make(
    address: SiteAddress,
    challenge: bytes,
    *,
    site_name: str,
    person_name: str,
    handle: bytes,
    known: Iterable[bytes],
) -> str:
    """Return the options that make a passkey, as JSON; `known` are the credentials that the person has."""
    options = generate_registration_options(
        rp_id=address.rp_id,
        rp_name=site_name,
        user_name=person_name,
        user_display_name=person_name,
        user_id=handle,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(credential_id) for credential_id in known],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return options_to_json(options)


def check_made(address: SiteAddress, challenge: bytes, credential: dict[str, Any]) -> MadeCredential:
    """Return what an authenticator made; AnswerRefusedError: the answer is not good."""
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=address.rp_id,
            expected_origin=address.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except _REFUSALS as err:
        raise AnswerRefusedError from err
    return MadeCredential(made.credential_id, made.credential_public_key, made.sign_count, made.credential_backed_up)


def options_to_sign_in(address: SiteAddress, challenge: bytes) -> str:
    """Return the options that ask any passkey for this site, as JSON."""
    options = generate_authentication_options(
        rp_id=address.rp_id,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def check_shown(
    address: SiteAddress, challenge: bytes, credential: dict[str, Any], *, public_key: bytes, sign_count: int
) -> SignInAnswer:
    """Return what an authenticator said; AnswerRefusedError: the answer is not good."""
    try:
        checked = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=address.rp_id,
            expected_origin=address.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except _REFUSALS as err:
        raise AnswerRefusedError from err
    return SignInAnswer(checked.new_sign_count, checked.credential_backed_up)
