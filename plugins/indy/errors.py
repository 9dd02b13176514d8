"""Why something could not be read from, or written to, an Indy ledger."""

from wanderbuch.errors import ConfigurationError, ResolutionError, WanderbuchError
from wanderbuch.faults import causes, describe


class LedgerError(ResolutionError):
    """Something on an Indy ledger could not be read; nothing was decided about it."""

    code = "resolution.indy"


class LedgerSilentError(LedgerError):
    """Too few nodes answered in time, or they did not say the same."""

    code = "resolution.indy.silent"


class EndorsementPendingError(LedgerSilentError):
    """An endorser elsewhere has not answered yet; nothing is lost, asking again goes on."""

    code = "resolution.indy.endorsement"


class LedgerBusyError(LedgerError):
    """There is no place for one more stranger's question to the ledger."""

    code = "resolution.indy.busy"


class LedgerUnknownError(LedgerError):
    """No ledger is configured that the identifier belongs to."""

    code = "resolution.indy.unknown-ledger"


class NotOnLedgerError(LedgerError):
    """The ledger's nodes agree that there is no such object."""

    code = "resolution.indy.not-there"


class LedgerAnswerError(LedgerError):
    """What the ledger says is not a proper AnonCreds object."""

    code = "resolution.indy.answer"


class GenesisError(ConfigurationError):
    """A genesis file is none, or not the one that is configured."""

    code = "configuration.indy.genesis"


class WriteRefusedError(ConfigurationError):
    """The ledger refused a transaction, or this agent may not send it."""

    code = "configuration.indy.write"


class AgreementError(WriteRefusedError):
    """The ledger asks for an author agreement that the configuration does not accept."""

    code = "configuration.indy.agreement"


class EndorsementRefusedError(WriteRefusedError):
    """The endorser refuses a transaction, or has signed something else."""

    code = "configuration.indy.endorsement"


def reason_of(err: BaseException) -> str:
    """Return why something failed, in our own words where ACA-Py has wrapped them, and what to do about it."""
    ours = next((cause for cause in causes(err) if isinstance(cause, WanderbuchError)), None)
    if ours is None:
        return describe(err)
    return f"{ours.message} ({ours.hint})" if ours.hint else ours.message
