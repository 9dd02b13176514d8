"""The freshness statement: the author says again and again which version is the current one.

A signed file stays validly signed for ever, so whoever can answer in the author's place could freeze consumers on an
old one. So the author reissues a small statement `{id, version, digest, iat, exp}`, and a file is fresh only before
`exp`. It may also carry the head of the author's append-only history, `history: {size, root}`: one signature for both,
so an author who shows different people different histories signs the evidence against themselves.

`verify_freshness` in order: the seven checks of `jws` (`typ` = "governance-freshness+jws"), then 8. the five members,
each of its type, and no other but `history`; 9. `iat` < `exp`, at most `MAX_LIFETIME` apart; 10. `iat` is not in the
future, but for `CLOCK_SKEW`. An `exp` that has passed is no error here: the file is then stale.

`snapshot_of` in order: 11. id, version and digest are those of the file, else it is not fresh and a note says why.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.facts.question import GovernanceRef, Reason
from wanderbuch.governance.facts.snapshot import CLOCK_SKEW, GovernanceSnapshot
from wanderbuch.governance.signed.history import MAX_ENTRIES, Head
from wanderbuch.governance.signed.jws import KeyResolver, Signer, sign_jws, verify_jws
from wanderbuch.governance.signed.signing import SignedGovernanceFile
from wanderbuch.strict_json import StrictJsonError, read_strict_json

FRESHNESS_TYP: Final = "governance-freshness+jws"
MAX_LIFETIME: Final = timedelta(days=7)
MAX_FRESHNESS_BYTES: Final = 8192
_YEAR_10000: Final = 253_402_300_800  # where instants end in Python


class FreshnessError(GovernanceError):
    """A freshness statement is malformed, lives too long, or comes from the future."""

    code: ClassVar[str] = "governance.freshness"


class HistoryHeadPayload(BaseModel):
    """The head of the author's history (RFC 9162 §2.1): how many entries, and the Merkle root over them."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, title="Head of the history")

    size: int = Field(ge=0, le=MAX_ENTRIES, description="how many entries the history has")
    root: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="sha256: and hex of the Merkle root over them")


class FreshnessPayload(BaseModel):
    """The payload of a freshness statement as JSON."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, title="Freshness statement")

    id: str = Field(min_length=1, max_length=512, description="id of the governance file")
    version: int = Field(ge=1, description="the version that is current")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="sha256: and hex of the signed file's bytes")
    iat: int = Field(
        ge=0, lt=_YEAR_10000, description="issued at, seconds since 1970-01-01T00:00:00Z (RFC 7519 §4.1.6)"
    )
    exp: int = Field(ge=0, lt=_YEAR_10000, description="the file is fresh only before this instant (RFC 7519 §4.1.4)")
    history: HistoryHeadPayload | None = Field(default=None, description="the author's append-only history, if any")


@dataclass(frozen=True, slots=True)
class FreshnessStatement:
    """The author's word that `version`, with exactly these bytes, is current from `iat` until before `exp` (UTC).

    Args:
        history: the head of the author's history at `iat`, None if they keep none.
    """

    id: str
    version: int
    digest: str
    iat: datetime
    exp: datetime
    history: Head | None = None

    @property
    def ref(self) -> GovernanceRef:
        """The file it speaks of."""
        return GovernanceRef(self.id, self.version, self.digest)

    @classmethod
    def for_file(
        cls, ref: GovernanceRef, *, at: datetime, lifetime: timedelta, history: Head | None = None
    ) -> "FreshnessStatement":
        """Return a statement for the file `ref`, made at the instant `at`.

        Raises:
            FreshnessError: the lifetime is not between one second and `MAX_LIFETIME`.
        """
        if not timedelta(seconds=1) <= lifetime <= MAX_LIFETIME:
            raise FreshnessError(f"expected a lifetime of one second to {MAX_LIFETIME.days} days, found {lifetime}")
        iat = at.astimezone(UTC).replace(microsecond=0)
        exp = iat + timedelta(seconds=int(lifetime.total_seconds()))
        return cls(ref.id, ref.version, ref.digest, iat, exp, history)


async def sign_freshness(statement: FreshnessStatement, kid: DidUrl, sign: Signer) -> bytes:
    """Return the signed form of a freshness statement."""
    payload: dict[str, object] = {
        "id": statement.id,
        "version": statement.version,
        "digest": statement.digest,
        "iat": int(statement.iat.timestamp()),
        "exp": int(statement.exp.timestamp()),
    }
    if statement.history is not None:
        payload["history"] = {"size": statement.history.size, "root": statement.history.root}
    encoded = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return await sign_jws(encoded, kid=kid, typ=FRESHNESS_TYP, sign=sign)


async def verify_freshness(jws: bytes, *, author: Did, resolve_key: KeyResolver, at: datetime) -> FreshnessStatement:
    """Return the statement in `jws` after all checks; it may have expired, and may speak of another version.

    Raises:
        SignatureError: not signed as it must be, or by somebody else.
        FreshnessError: it breaks a rule of this module.
        ResolutionError: the author's key could not be checked.
    """
    verified = await verify_jws(
        jws, typ=FRESHNESS_TYP, author=author, resolve_key=resolve_key, max_bytes=MAX_FRESHNESS_BYTES
    )
    try:  # 8
        document = read_strict_json(verified.payload, max_bytes=MAX_FRESHNESS_BYTES, max_depth=3)
        payload = FreshnessPayload.model_validate(document)
    except StrictJsonError as err:
        raise FreshnessError(f"the freshness statement is not usable: {err.message}") from err
    except ValidationError as err:
        first = err.errors(include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise FreshnessError(f"the freshness statement is not usable: {where}: {first['msg']}") from err
    iat, exp = (datetime.fromtimestamp(seconds, UTC) for seconds in (payload.iat, payload.exp))
    if not timedelta(0) < exp - iat <= MAX_LIFETIME:  # 9
        raise FreshnessError(f"expected a lifetime of at most {MAX_LIFETIME.days} days, found {exp - iat}")
    if iat > at + CLOCK_SKEW:  # 10
        raise FreshnessError(
            f"expected a freshness statement made before {at.isoformat()}, found one made at {iat.isoformat()}",
            hint="check this machine's clock",
        )
    head = None if payload.history is None else Head(payload.history.size, payload.history.root)
    return FreshnessStatement(payload.id, payload.version, payload.digest, iat, exp, head)


def snapshot_of(
    signed: SignedGovernanceFile, statement: FreshnessStatement | None, *, notes: tuple[Reason, ...] = ()
) -> GovernanceSnapshot:
    """Return what a decision may rest on: the file, fresh only if the statement speaks of exactly this file."""
    if statement is None:
        return GovernanceSnapshot(signed.file, signed.digest, None, notes)
    if statement.ref != signed.ref:  # 11
        note = _other_file(signed.ref, statement)
        return GovernanceSnapshot(signed.file, signed.digest, None, (*notes, note))
    return GovernanceSnapshot(signed.file, signed.digest, statement.exp, notes, statement.iat)


def _other_file(ref: GovernanceRef, statement: FreshnessStatement) -> Reason:
    if statement.id == ref.id and statement.version != ref.version:
        text = (
            f"The author says that version {statement.version} is current; the copy at hand is version {ref.version}."
        )
        return Reason("freshness.other_version", text)
    return Reason(
        "freshness.other_file", "The author's freshness statement speaks of other bytes than the copy at hand."
    )
