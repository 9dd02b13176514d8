"""What a disk or a store says in the middle of a backup, a restore or a move, as one line that says what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from acapy_agent.core.error import BaseError
from aries_askar import AskarError

from wanderbuch.agents.runtime.store import fatal_reason, is_store_failure
from wanderbuch.errors import ConfigurationError
from wanderbuch.faults import causes
from wanderbuch.store.errors import StoreUnreachableError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def refuse_root_on(data: Path) -> None:
    """Refuse root on a data folder of another user: what it leaves there the agent could not write.

    Raises:
        ConfigurationError: it is so.
    """
    with suppress(FileNotFoundError):
        owner = data.stat().st_uid
        if os.geteuid() == 0 and owner != 0:
            raise ConfigurationError(
                f"the data folder {data} belongs to the user {owner}, and this is root",
                hint=f"run it as the user that the agent runs as, such as with `sudo --user '#{owner}'`",
            )


@contextmanager
def disk_errors(what: str, then: str) -> Iterator[None]:
    """Say what was going on when a disk or a store failed.

    Args:
        what: did not come to its end.
        then: what to do once that is mended.

    Raises:
        ConfigurationError: something could not be read or written.
    """
    try:
        yield
    except OSError as err:
        where = f"{err.filename}: " if err.filename is not None else ""
        first = "free some space" if err.errno in _FULL else "check the disk and who may write there"
        raise ConfigurationError(f"{what}: {where}{err.strerror or err}", hint=f"{first}, {then}") from err
    except StoreUnreachableError as err:
        raise StoreUnreachableError(f"{what}: {err.message}", hint=f"{err.hint or 'check the disk'}, {then}") from err
    except (AskarError, BaseError) as err:
        reasons = [fatal_reason(cause) for cause in causes(err) if isinstance(cause, AskarError)]
        told = next((reason for reason in reasons if reason is not None), None)
        if told is None and not is_store_failure(err):
            raise
        raise ConfigurationError(
            f"{what}: {told or 'the wallet store cannot be read or written'}",
            hint=f"check the disk and its room, {then}",
        ) from err
