"""Where a PostgreSQL store is: `postgresql://user@host:5432/database`, never with a password."""

import ipaddress
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

_SCHEMES: Final = ("postgresql", "postgres")
_DEFAULT_PORT: Final = 5432
_SHAPE: Final = 'expected "postgresql://<user>@<host>:5432/<database>"'


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """The address of a store, without the password."""

    user: str
    host: str
    port: int
    database: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address that `text` is.

        Raises:
            ValueError: it is none; the message never quotes it, since it may hold a password.
        """
        try:
            url = urlsplit(text)
            port = url.port or _DEFAULT_PORT
        except ValueError as err:
            raise ValueError(_SHAPE) from err
        if url.password is not None:
            raise ValueError(
                "a password does not belong in the address: put it into password_file (or WANDERBUCH_STORE_PASSWORD)"
            )
        if url.scheme not in _SCHEMES:
            scheme = f"{url.scheme!r} as its" if url.scheme else "no"
            raise ValueError(f"{_SHAPE}, found {scheme} scheme")
        if url.query or url.fragment:
            raise ValueError(f"{_SHAPE} and nothing after it; TLS has keys of its own: ca_file")
        database = unquote(url.path.removeprefix("/"))
        if not url.username or not url.hostname or not database:
            raise ValueError(f"{_SHAPE}; the {_first_missing(url)} is missing")
        user = unquote(url.username)
        for name, value in (("user", user), ("database", database)):
            # Askar puts both into SQL as quoted names, and refuses what could end the quotes.
            if any(not char.isprintable() or char in '"/\\?#@' for char in value):
                raise ValueError(f"the name of the {name} has a character that Askar does not take")
        return cls(user, url.hostname, port, database)

    @property
    def is_here(self) -> bool:
        """Tell whether the server is on this machine, reached over the loopback interface."""
        return is_loopback(self.host)

    @property
    def place(self) -> str:
        """Return `host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def with_password(self, password: str) -> str:
        """Return the whole address as Askar takes it; not for logs."""
        user, secret, database = (quote(part, safe="") for part in (self.user, password, self.database))
        return f"postgres://{user}:{secret}@{self.place}/{database}"

    def __str__(self) -> str:
        """Return it for people: `postgresql://user@host:port/database`."""
        return f"postgresql://{quote(self.user, safe='')}@{self.place}/{quote(self.database, safe='')}"


def is_loopback(host: str | None) -> bool:
    """Tell whether a host is this machine, over the loopback interface."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _first_missing(url: SplitResult) -> str:
    if not url.username:
        return "user"
    return "host" if not url.hostname else "database"
