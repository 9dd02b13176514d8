"""What can go wrong with the store, each a type of its own.

No message holds a value of a record, a key, a token or a password.
"""

from wanderbuch.errors import WanderbuchError


class StoreError(WanderbuchError):
    """Base of the errors of the store."""

    code = "store"


class NotFoundError(StoreError):
    """There is no such record."""

    code = "not-found"


class DuplicateError(StoreError):
    """A record with this id is already there."""

    code = "duplicate"


class CursorError(StoreError):
    """A cursor was not given out by this store for this listing."""

    code = "cursor"


class StoreUnreachableError(StoreError):
    """The store did not answer, or refused us; what was asked may have been done or not."""

    code = "store-unreachable"


class StoreInUseError(StoreError):
    """Another process uses this SQLite file."""

    code = "store-in-use"


class StoreVersionError(StoreError):
    """The tables were made by another version of Wanderbuch, or are damaged."""

    code = "store-version"


class LeaseBusyError(StoreError):
    """Somebody else has held a lease for as long as we waited."""

    code = "lease-busy"


class LeaseLostError(StoreError):
    """Our lease ran out and somebody else may have it: what we do now is late."""

    code = "lease-lost"


class RevisionConflictError(StoreError):
    """Somebody else saved a newer revision since this one was read."""

    code = "revision-conflict"


class BlobsFullError(StoreError):
    """The blobs of a tenant would take more room than they may."""

    code = "blobs-full"


class BlobTooLargeError(StoreError):
    """A blob is larger than its writer said."""

    code = "too-large"
