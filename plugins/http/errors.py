"""What can go wrong between us and another host: all of it means "could not check", so it is a ResolutionError."""

from wanderbuch.errors import ResolutionError


class HttpError(ResolutionError):
    """A request to another host failed."""

    code = "resolution.http"


class AddressRefusedError(HttpError):
    """The address is one that we do not talk to: not https, not a host name, or not public."""

    code = "resolution.http.address_refused"


class UnreachableError(HttpError):
    """No connection, a failed TLS handshake, or a connection that broke."""

    code = "resolution.http.unreachable"


class NoConnectionError(UnreachableError):
    """No connection was made, so nothing was sent."""


class DeadlineError(HttpError):
    """The whole answer did not arrive in time."""

    code = "resolution.http.deadline"


class TooLargeError(HttpError):
    """The answer is larger than the caller accepts."""

    code = "resolution.http.too_large"


class StatusError(HttpError):
    """The host answered, but not with success.

    Args:
        body: what it said, where the caller wants to hear why it was refused; its own word.
    """

    code = "resolution.http.status"

    def __init__(self, message: str, *, status: int, hint: str | None = None, body: bytes = b"") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = body


class NotFoundError(StatusError):
    """The host says that there is nothing at this address (404 or 410)."""

    code = "resolution.http.not_found"


class RedirectRefusedError(StatusError):
    """The host sends us elsewhere; we do not follow.

    Args:
        location: where it sends us, as it says; nothing about it is checked.
    """

    code = "resolution.http.redirect_refused"

    def __init__(self, message: str, *, status: int, location: str = "") -> None:
        super().__init__(message, status=status)
        self.location = location
