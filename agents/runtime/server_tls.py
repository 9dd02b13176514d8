"""The TLS side of the public site, whose certificate can be exchanged while it serves.

A new pair is tried in a context of its own. Only if it can be used does it serve, from the next connection on;
connections that are open go on with the pair they began with. A pair that cannot be used leaves the old one serving; so
does one that clients would refuse (another host, ended, not begun) where they accept the old one.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from wanderbuch.agents.runtime.certificate_rules import Concern, certificate_concerns, chain_concern
from wanderbuch.agents.runtime.sockets import tls_context
from wanderbuch.errors import ConfigurationError

_MAX_STEPS: Final = 10
_REFUSED: Final = frozenset({"tls.host", "tls.ended", "tls.not_yet"})


@dataclass(frozen=True, slots=True)
class _Pair:
    """A certificate with its key, as they were read.

    Args:
        context: serves with them.
        chain: the certificates in the file, the server's own first.
    """

    context: ssl.SSLContext
    chain: tuple[x509.Certificate, ...]


class ServerTls:
    """Serves with the pair that was read last and could be used.

    Args:
        certificate: PEM, the server's own certificate first, then those between it and its authority.
        key: PEM.
        host: the server's name.
        others: serve the connections whose clients name their hosts (SNI).

    Raises:
        ConfigurationError: the pair cannot be used.
    """

    def __init__(self, certificate: Path, key: Path, *, host: str, others: Sequence["ServerTls"] = ()) -> None:
        self._files = (certificate, key)
        self._host = host
        self._others = {server_tls.host: server_tls for server_tls in others}
        self._pair = self._read()
        self._unfit: Concern | None = None
        self._chain: Concern | None = None
        self.context = tls_context(certificate, key)
        """What sockets are served with; stays the same object."""
        self.context.sni_callback = self._choose

    @property
    def host(self) -> str:
        """Return the server's name."""
        return self._host

    def reload(self, *, at: datetime) -> None:
        """Read the pair anew and serve with it from now on; blocks while it reads.

        Raises:
            ConfigurationError: it is not fit, and the old one goes on serving.
        """
        try:
            pair = self._read()
        except ConfigurationError:
            self._keep("It and its key cannot be used together; the log says more.")
            raise
        if worse := self._refused(pair, at) - self._refused(self._pair, at):
            concerns = certificate_concerns(pair.chain, host=self._host, at=at)
            why = " ".join(concern.text for concern in concerns if concern.code in worse)
            self._keep(why)
            raise ConfigurationError(why)
        self._pair, self._unfit = pair, None

    def look(self, trust: Callable[[], ssl.SSLContext]) -> None:
        """See what a client says that trusts `trust()`; blocks for some milliseconds."""
        client = trust()
        client.check_hostname = False  # rule 1 says more
        refused = _refusal(self._pair.context, client, self._host)
        self._chain = chain_concern(refused, file=self._files[0].name) if refused is not None else None

    def concerns(self, *, at: datetime) -> tuple[Concern, ...]:
        """Return what is wrong with the certificate that serves, or with the one that should."""
        further = (concern for concern in (self._chain, self._unfit) if concern is not None)
        return (*certificate_concerns(self._pair.chain, host=self._host, at=at), *further)

    @property
    def ends(self) -> datetime:
        """When the certificate that serves ends."""
        return self._pair.chain[0].not_valid_after_utc

    def _read(self) -> _Pair:
        certificate, key = self._files
        context = tls_context(certificate, key)
        try:
            chain = tuple(x509.load_pem_x509_certificates(certificate.read_bytes()))
        except (OSError, ValueError) as err:
            raise ConfigurationError(f"the TLS certificate {certificate} cannot be read as X.509") from err
        return _Pair(context, chain)

    def _keep(self, why: str) -> None:
        text = f"The new certificate in {self._files[0].name} does not serve, the one before goes on. {why}"
        self._unfit = Concern("tls.reload", text)

    def _refused(self, pair: _Pair, at: datetime) -> frozenset[str]:
        """Return why every client refuses a pair; empty if there is no such reason."""
        return _REFUSED & {
            certificate_concern.code for certificate_concern in certificate_concerns(pair.chain, host=self._host, at=at)
        }

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """Serve a new connection with the pair of now; OpenSSL asks also where the client names no host."""
        connection.context = self._others.get((name or "").lower(), self)._pair.context  # noqa: SLF001 (one of us)


def _refusal(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> ssl.SSLError | None:
    """Return why a client refuses a server's certificate, after a handshake in memory; None if it does not."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(_MAX_STEPS):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as err:
                return err
    return None
