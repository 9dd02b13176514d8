"""`[[indy.ledgers]]`: the Indy ledgers that an agent uses."""

import re
from datetime import date
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.indy import NAMESPACE, IndyDid


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AgreementConfig(_Table):
    """`[indy.ledgers.agreement]`: the transaction author agreement of a ledger, which somebody has read and accepts."""

    version: str = Field(min_length=1, max_length=256)
    """As the ledger states it."""
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of version and text, in hexadecimal digits, as the ledger states it: this text and no other."""
    mechanism: str = Field(min_length=1, max_length=256)
    """How it was accepted, in a word of the ledger's own list, such as "at_submission" or "for_session"."""
    accepted_on: date
    """The day on which it was accepted; stands in every transaction."""


class IndyLedgerConfig(_Table):
    """`[[indy.ledgers]]`: one ledger."""

    namespace: str = Field(pattern=rf"^{NAMESPACE}$")
    """Its name in did:indy, such as "sovrin" or "sovrin:staging"."""
    genesis_file: Path | None = None
    """Its genesis transactions, one JSON object a line; either this or the next key."""
    genesis_url: str | None = Field(default=None, pattern=r"^https://[!-~]{1,500}$")
    """Where they can be fetched at each start."""
    genesis_digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of what stands there; whoever can change what the address answers would otherwise choose the ledger."""
    old_ids: bool | None = None
    """Whether did:sov and ids without a method are this ledger's; by default those of the only ledger."""
    endorser: str | None = None
    """A DID that endorses what an own DID may not write itself; its key is in this wallet, or elsewhere."""
    endorser_invitation: str | None = Field(default=None, pattern=r"^https://[!-~]{1,16000}$")
    """An invitation of the endorser's agent, where it is elsewhere: the issuer asks it for its signatures."""
    agreement: AgreementConfig | None = None
    """The author agreement that is accepted; nothing is written on a ledger that asks for another one."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.genesis_file is None) == (self.genesis_url is None):
            raise ValueError("expected either genesis_file or genesis_url")
        if self.genesis_file is not None and self.genesis_digest is not None:
            raise ValueError("genesis_digest is for a genesis_url alone")
        if self.genesis_url is not None and self.genesis_digest is None:
            raise ValueError(
                "expected the genesis_digest of what stands at genesis_url: whoever controls that address would choose "
                "the ledger; have the file's SHA-256 from the ledger's operator (sha256sum)"
            )
        if self.endorser is not None:
            _ = self.endorser_nym
        elif self.endorser_invitation is not None:
            raise ValueError("endorser_invitation is of the agent of endorser, which is not set")
        return self

    @property
    def endorser_nym(self) -> str | None:
        """Return what the ledger calls the endorser."""
        if self.endorser is None:
            return None
        if re.match(r"did:indy:", self.endorser) and not self.endorser.startswith(f"did:indy:{self.namespace}:"):
            raise ValueError(f"the endorser {self.endorser} is not a DID of {self.namespace}")
        try:
            return IndyDid.parse(self.endorser).nym
        except IdentifierError as err:
            raise ValueError(err.message) from err


class IndyConfig(_Table):
    """`[indy]`: Indy ledgers; none by default."""

    ledgers: tuple[IndyLedgerConfig, ...] = Field(default=(), max_length=16)

    @model_validator(mode="after")
    def _are_distinct(self) -> Self:
        names = [ledger.namespace for ledger in self.ledgers]
        if len(set(names)) < len(names):
            raise ValueError("two ledgers have the same namespace")
        if sum(bool(ledger.old_ids) for ledger in self.ledgers) > 1:
            raise ValueError("old_ids = true stands at more than one ledger: an old id would not say which it is on")
        return self

    @property
    def of_old_ids(self) -> str | None:
        """Return the namespace of the ledger that ids without one belong to."""
        if len(self.ledgers) == 1 and self.ledgers[0].old_ids is not False:
            return self.ledgers[0].namespace
        return next((ledger.namespace for ledger in self.ledgers if ledger.old_ids), None)
