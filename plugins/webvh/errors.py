"""Why a DID or an AnonCreds object could not be resolved to something that we trust."""

from wanderbuch.errors import ExchangeError, ResolutionError


class DidError(ResolutionError):
    """A did:webvh DID could not be resolved."""

    code = "resolution.did"


class LogError(DidError):
    """The DID log breaks a rule of did:webvh 1.0, or it is not the log of this DID."""

    code = "resolution.did.log"


class HeldBackError(ExchangeError):
    """An entry of our own log waits for its witnesses, so no other can be made."""

    code = "exchange.held-back"


class DeactivatedError(DidError):
    """The DID's controller has ended it."""

    code = "resolution.did.deactivated"


class LogHistoryError(ResolutionError):
    """What was seen before could not be read, or does not fit what is seen now."""

    code = "resolution.memory"


class ShortenedHistoryError(LogHistoryError):
    """A history is shorter than the one seen before."""

    code = "resolution.memory.rollback"


class ForkError(LogHistoryError):
    """A history differs from the one seen before."""

    code = "resolution.memory.fork"


class ResourceError(ResolutionError):
    """An attested resource breaks a rule, so nothing in it counts."""

    code = "resolution.resource"


class StatusListNotFoundError(ResourceError):
    """The revocation registry has no status list that was in force at the instant asked for."""

    code = "resolution.resource.no_status_list"


class TailsError(ResolutionError):
    """A tails file could not be fetched, or is not the one that the registry names."""

    code = "resolution.tails"
