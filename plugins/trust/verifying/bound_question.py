"""A kept question is bound by its nonce: whoever rewrites it later needs another proof of the same worker's.

The nonce of a question whose answer is kept is no plain random number. It is the first 80 bits of a digest of all that
the question says, with a random salt. The wallet's proof answers that nonce, so it vouches for the question, too: in
a kept case nobody can put another one in its place, not even who has the key of the case. (Who asks could prepare two
questions of one nonce beforehand, at some 2^40 digests; afterwards it takes 2^80.)

Digested is JSON with sorted names, without what is as if it had not been said: so members that are added later, and
say nothing, change no digest.
"""

import hashlib
import json
import secrets
from typing import Any, Final

from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.trust.verifying.asked import (
    AskedGroup,
    check_requirement,
    predicate_referent,
    predicates_of,
    revealed_names,
)
from wanderbuch.plugins.trust.verifying.exchange import LATER, Verification

_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 10  # 80 bits: AnonCreds 1.0, "Presentation Request"
# The addresses hold the nonce; what comes later is not asked.
_UNBOUND: Final = {"invitation_url", "short_url", *LATER}


def bound(asked: Verification) -> Verification:
    """Return a question with a salt and the nonce that binds it, before its addresses are made."""
    salted = asked.model_copy(update={"salt": secrets.token_hex(_SALT_BYTES)})
    return salted.model_copy(update={"proof_request": {**asked.proof_request, "nonce": _nonce(salted)}})


def is_bound(asked: Verification) -> bool:
    """Return whether a question is the one that its nonce binds."""
    return asked.salt is not None and asked.proof_request.get("nonce") == _nonce(asked)


def contradiction(asked: Verification) -> str | None:
    """Return where a question asks for one thing and says another; None: nowhere.

    A question that was compiled never does: one that somebody has written may.
    """
    for group in asked.groups:
        try:
            wrong = _contradiction_of(group, asked.proof_request, is_alone=not asked.further)
        except (WanderbuchError, KeyError, TypeError, ValueError) as err:
            wrong = err.message if isinstance(err, WanderbuchError) else "what it asks for cannot be read"
        if wrong is not None:
            return f"{group.group[:64]}: {wrong}"
    return None


def _contradiction_of(group: AskedGroup, proof_request: dict[str, Any], *, is_alone: bool) -> str | None:
    credential_type = check_requirement(group.requirement)
    if group.names != revealed_names(group.requirement, credential_type, group.award_precision):
        return "what is to be shown is not what the requirement needs"
    requested = proof_request["requested_attributes"].get(group.group)
    if requested is None or tuple(requested["names"]) != group.names:
        return "the proof request shows something else than the question"
    for proof, (attribute, least) in predicates_of(group.requirement, credential_type).items():
        referent = predicate_referent(group.group, proof, is_alone=is_alone)
        predicate = proof_request["requested_predicates"].get(referent)
        if predicate is None or (predicate["name"], predicate["p_value"]) != (attribute, least):
            return f"the proof request does not prove {attribute} as the requirement needs it"
    if group.requirement.not_revoked and "non_revoked" not in proof_request:
        return "the proof request does not ask whether it was revoked"
    return None


def _nonce(asked: Verification) -> str:
    content = asked.model_dump(mode="json", exclude=_UNBOUND, exclude_defaults=True)
    content["proof_request"] = {name: value for name, value in asked.proof_request.items() if name != "nonce"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return str(int.from_bytes(hashlib.sha256(text.encode()).digest()[:_NONCE_BYTES]))
