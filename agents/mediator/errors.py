"""What a mediator refuses."""

from wanderbuch.errors import ExchangeError


class MediationError(ExchangeError):
    """A wallet's message, or one that is for a wallet, is not as it should be; nothing was kept."""

    code = "exchange.mediation"
