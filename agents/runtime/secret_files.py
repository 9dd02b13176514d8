"""Files with secrets: read only where nobody else can read or change them, written for their owner alone.

A file is refused, with the command that mends it, if one of these does not hold:

1. It is a file, or a pipe that a shell made (`<(…)`).
2. It belongs to this user or to root.
3. Nobody else may read, write or run it.
4. Nobody else may put another file in its place: the folder that names it, and the one that holds it where that is
   another (a link), belong to this user or to root, and nobody else may write to them; nor, above those, to a folder
   where everybody may rename what is not his (one that is not "sticky").

On a read-only mount (the secrets of containers are that: mode 0444, links by way of `..data`) nobody can change a mode,
and who sees the mount is settled outside: there a file that breaks 2 to 4 is used with a warning.
"""

import logging
import os
import pwd
import shlex
import stat
from pathlib import Path
from typing import Final

from wanderbuch.errors import ConfigurationError

_LOG = logging.getLogger(__name__)
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_MAX_BYTES: Final = 64 * 1024


class ExposedSecretError(ConfigurationError):
    """Others can read or change a secret; the hint is the command that mends it."""

    code = "configuration.exposed_secret"


def read_secret(path: Path, what: str, *, max_bytes: int = _MAX_BYTES) -> bytes:
    """Return the bytes of a file with a secret.

    Args:
        path: the file.
        what: it is, for the message: "app token".
        max_bytes: the largest that it can be.

    Raises:
        ExposedSecretError: others can read or change it.
        ConfigurationError: it cannot be read, or is too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as err:
        raise ConfigurationError(f"the {what} in {path} cannot be read: {err.strerror}") from err
    content = bytearray()
    try:
        _check(descriptor, path, what)  # what was looked at is what is read
        while len(content) <= max_bytes and (part := os.read(descriptor, max_bytes + 1 - len(content))):
            content += part
    except OSError as err:
        raise ConfigurationError(f"the {what} in {path} cannot be read: {err.strerror}") from err
    finally:
        os.close(descriptor)
    if len(content) > max_bytes:
        raise ConfigurationError(f"expected at most {max_bytes} bytes as the {what} in {path}, found more")
    return bytes(content)


def check_secret(path: Path, what: str) -> None:
    """Refuse a file with a secret that others can read or change; for what a library reads by its name.

    Raises:
        ExposedSecretError: they can.
        ConfigurationError: it cannot be read.
    """
    read_secret(path, what, max_bytes=1024 * 1024)


def write_secret(path: Path, secret: bytes) -> None:
    """Write a new file that only its owner can read, from its first byte on.

    Raises:
        FileExistsError: there is one already.
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123
        file.write(secret)


def _check(descriptor: int, path: Path, what: str) -> None:
    status = os.fstat(descriptor)
    kind = stat.S_IFMT(status.st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFIFO):  # 1
        raise ConfigurationError(f"expected a file with the {what}, found something else at {path}")
    wrong = _file_mistake(path, status) or (_place_mistake(path) if kind == stat.S_IFREG else None)
    if wrong is None:
        return
    text, command = wrong
    if os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
        _LOG.warning("the %s in %s is used although %s: it lies on a read-only mount", what, path, text)
        return
    raise ExposedSecretError(f"the {what} in {path} is not secret: {text}", hint=f"run: {command}")


def _file_mistake(path: Path, status: os.stat_result) -> tuple[str, str] | None:
    """Return what rule 2 or 3 says against a file, and the command that mends it."""
    quoted = shlex.quote(str(path))
    if status.st_uid not in (os.geteuid(), 0):
        return f"it belongs to {_user(status.st_uid)}", f"chown {_user(os.geteuid())} {quoted} && chmod 600 {quoted}"
    if status.st_mode & _OTHERS:
        mends = f"chmod 600 {quoted}"
        if status.st_uid != os.geteuid():
            mends = f"chown {_user(os.geteuid())} {quoted} && {mends}"
        return f"others can use it (mode {stat.S_IMODE(status.st_mode):04o})", mends
    return None


def _place_mistake(path: Path) -> tuple[str, str] | None:
    """Return what rule 4 says against the folders of a file, and the command that mends it."""
    for folder in dict.fromkeys((path.absolute().parent, path.resolve().parent)):
        status = folder.stat()
        quoted = shlex.quote(str(folder))
        if status.st_uid not in (os.geteuid(), 0):
            return f"its folder {folder} belongs to {_user(status.st_uid)}", f"chown {_user(os.geteuid())} {quoted}"
        if status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX:
            return f"others can write to its folder {folder}", f"chmod go-w {quoted}"
        for above in folder.parents:
            mode = above.stat().st_mode
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                return f"everybody can write to the folder {above} above it", f"chmod o-w {shlex.quote(str(above))}"
    return None


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
