"""Sockets are bound before ACA-Py starts, so that a busy port is one clear line and not an agent without an ear."""

import errno
import socket
import ssl
from pathlib import Path

from wanderbuch.agents.runtime.config_tables import Address
from wanderbuch.agents.runtime.secret_files import check_secret
from wanderbuch.errors import ConfigurationError

_BACKLOG = 512


def bind(address: Address, key: str) -> socket.socket:
    """Return a listening socket.

    Args:
        address: where.
        key: name of the setting, for the message.

    Raises:
        ConfigurationError: the port is in use, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address.host, address.port))
        bound.listen(_BACKLOG)
    except (OSError, UnicodeError) as err:
        bound.close()
        if isinstance(err, OSError) and err.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"{key} {address} is in use by another program",
                hint=f"stop that program, or set {key} to another port",
            ) from err
        reason = err.strerror if isinstance(err, OSError) else "not an address"
        raise ConfigurationError(f"{key} {address} cannot be listened on: {reason}") from err
    bound.setblocking(False)
    return bound


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the server side of TLS 1.2 or newer.

    Raises:
        ConfigurationError: a file cannot be read, the two do not belong together, or others can read the key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.num_tickets = 1  # of 255 bytes each: what resumes a session brings the next one, and no browser needs two
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as err:
        raise ConfigurationError(
            f"the TLS certificate {certificate} and key {key} cannot be used",
            hint="check that both files exist, are PEM, and belong together, the agent's own certificate first",
        ) from err
    check_secret(key, "TLS key")
    return context
