"""What an Indy ledger says when it refuses a transaction, in one line that says what to do."""

import re

from wanderbuch.plugins.indy.errors import AgreementError, WriteRefusedError

_MAX_SHOWN = 200


def refusal(text: str, ledger: str) -> WriteRefusedError:
    """Return the error for what the nodes of a ledger say."""
    reason = text.removeprefix("Request failed: ").removeprefix("client request invalid: ")
    if "UnauthorizedClientRequest" in reason:
        who = re.search(r"UnauthorizedClientRequest\('(\w+)'", reason)
        author = f"the DID {who[1]}" if who else "this DID"
        if "forbidden" in reason:
            return WriteRefusedError(
                f"{author} may not change what stands on the Indy ledger {ledger} under this id already",
                hint="choose another version or tag",
            )
        return WriteRefusedError(
            f"{author} may not write this on the Indy ledger {ledger}",
            hint="ask the ledger's operator for the role ENDORSER, or name an endorser in [[indy.ledgers]]",
        )
    if "verkey for" in reason or "could not authenticate" in reason:
        return WriteRefusedError(
            f"the Indy ledger {ledger} does not know the author's DID",
            hint="have the ledger's operator write the DID with its key first",
        )
    if "signature" in reason:
        return WriteRefusedError(
            f"the Indy ledger {ledger} knows the author's or endorser's DID with another key than this wallet has",
            hint="rotate the key in the wallet too, or use another DID",
        )
    if "Taa" in reason or "TAA" in reason or "author agreement" in reason.lower():
        return AgreementError(
            f"the Indy ledger {ledger} does not take the acceptance of its author agreement: {_shown(reason)}",
            hint="see version, digest, mechanism and accepted_on in [indy.ledgers.agreement]",
        )
    return WriteRefusedError(f"the Indy ledger {ledger} refused the transaction: {_shown(reason)}")


def _shown(text: str) -> str:
    return " ".join(text.split())[:_MAX_SHOWN]
