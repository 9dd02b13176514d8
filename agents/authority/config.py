"""Settings of an authority: the table `[authority]` of its configuration file."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wanderbuch.agents.authority.intake.config import IntakeConfig
from wanderbuch.agents.authority.registrar.config import RegistrarConfig
from wanderbuch.agents.authority.trqp_config import TrqpConfig


class AuthorityConfig(BaseModel):
    """What an authority publishes, and how long its word stays fresh.

    A consumer trusts the governance file only until the newest freshness statement it has seen ends; so
    `freshness_lifetime_s` is also the longest time for which somebody can keep a consumer on an older file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ecosystem: str = Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")
    """Name of the ecosystem in web addresses: the files lie below `https://<host>/governance/<ecosystem>/`."""

    credential_types: tuple[str, ...] = ("qualification/1.0",)
    """Credential types whose AnonCreds schemas the authority publishes under its DID."""

    freshness_lifetime_s: int = Field(default=3600, ge=1, le=7 * 24 * 3600)
    """For how many seconds a freshness statement is good."""

    reissue_every_s: float = Field(default=600.0, gt=0)
    """After how many seconds the freshness statement is issued anew; must be less than half of its lifetime."""

    four_eyes: bool = True
    """Whether every version needs two officials: who edits it, and another who approves it.

    With true, the only way to a new version is a draft (and the emergency suspension and the rotation of the key, which
    leave a task or an entry behind). With false, an approver may approve their own drafts, and the operator may send a
    whole file (`POST /v1/authority/versions`): sensible for demonstrations, for tests, and where files are made and
    approved elsewhere, such as in a repository with reviews of its own.
    """

    divide_above_bytes: int = Field(default=256 * 1024, ge=16 * 1024, le=16 * 1024 * 1024)
    """Larger files are divided into parts, so that a change moves what changed and not the whole (ADR 10), and a phone
    fetches little of it (ADR 111). Whoever reads plain CTE files alone finds no institution in a divided one."""

    redress: str | None = Field(default=None, pattern=r"^(https?://|mailto:|tel:|urn:)[!-~]{1,2000}$")
    """Whom to appeal to: written into every accreditation and refusal that does not say it."""

    prove_url: str | None = Field(default=None, pattern=r"^https://[!-~]{1,500}[^/]$")
    """Where anybody asks a worker to prove a qualification, without an account: the page `/prove` of its own
    verifier (`[verifier.walk_in]`), to which the register then leads; None: nowhere."""

    intake: IntakeConfig = IntakeConfig()
    """Applications of those who want to stand in the file; off unless they are switched on."""

    trqp: TrqpConfig = TrqpConfig()
    """The TRQP endpoint on the public site; off unless it is switched on."""

    registrar: RegistrarConfig = RegistrarConfig()
    """The registered verifiers as EUDI wallets read them (TS5), on the public site; off unless it is switched on."""

    @model_validator(mode="after")
    def _leave_room_for_one_failure(self) -> Self:
        if self.reissue_every_s * 2 > self.freshness_lifetime_s:
            raise ValueError("reissue_every_s must be at most half of freshness_lifetime_s")
        return self
