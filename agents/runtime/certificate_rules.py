"""What is wrong with a server's certificate, so that its operator learns of it before its visitors do. Pure.

1. `tls.host`: no DNS name of the certificate is the server's (RFC 9525, section 6.3: the common name does not count, a
   wildcard stands for the whole first label and for one label only).
2. `tls.ended`, `tls.not_yet`: clients refuse it today; also where that is so of another certificate in the file.
3. `tls.ends_soon`: within `SOON`.
4. `tls.chain`: a client that trusts the authorities that this agent trusts does not get from the certificate to one of
   them with what is in the file (`chain_concern` puts what OpenSSL said into words).
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

SOON: Final = timedelta(days=14)
_MAX_NAMES: Final = 5
_WILDCARD: Final = "*."
# X509_V_ERR_… of OpenSSL's x509_vfy.h.
_UNKNOWN_ISSUER: Final = frozenset({2, 20, 21})
_SELF_SIGNED: Final = frozenset({18, 19})
_BY_DATE: Final = frozenset({9, 10})


@dataclass(frozen=True, slots=True)
class Concern:
    """Something an operator should see to, although the agent works.

    Args:
        code: stable, for programs.
        text: what is wrong and what to do, for people.
    """

    code: str
    text: str


def certificate_concerns(chain: Sequence[x509.Certificate], *, host: str, at: datetime) -> tuple[Concern, ...]:
    """Return what is wrong by rules 1 to 3.

    Args:
        chain: the certificates in the file, the server's own first.
        host: the server's name, in ASCII (labels of other scripts as `xn--…`).
        at: the instant, aware UTC.
    """
    concerns: list[Concern] = []
    names = dns_names(chain[0])
    if not any(is_name_of(name, host) for name in names):
        shown = ", ".join(names[:_MAX_NAMES]) + (", …" if len(names) > _MAX_NAMES else "")
        text = f"The certificate is not for {host}, but for {shown or 'no DNS name at all'}; clients refuse it."
        concerns.append(Concern("tls.host", f"{text} Get one whose subject alternative names have {host}."))
    for number, certificate in enumerate(chain):
        what = "The certificate" if number == 0 else f"The certificate of {_shown(certificate.subject)} in the chain"
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if at >= ends:
            concerns.append(Concern("tls.ended", f"{what} ended on {_day(ends)}; clients refuse it. Renew it now."))
        elif at < begins:
            text = f"{what} counts only from {_day(begins)} on; clients refuse it until then, or this clock is behind."
            concerns.append(Concern("tls.not_yet", text))
        elif ends - at <= SOON:
            left = max(0, (ends - at).days)
            text = f"{what} ends on {_day(ends)}, in {left} day{'' if left == 1 else 's'}."
            concerns.append(Concern("tls.ends_soon", f"{text} Renew it and send the agent SIGHUP."))
    return tuple(concerns)


def dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names of a certificate; names of other kinds are not compared with host names."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        # None, or none that can be read.
        return ()
    return tuple(extension.value.get_values_for_type(x509.DNSName))


def is_name_of(name: str, host: str) -> bool:
    """Tell whether a DNS name of a certificate, perhaps with a wildcard, stands for a host."""
    if not name.isascii():
        return False
    name, host = name.lower().removesuffix("."), host.lower().removesuffix(".")
    if name == host:
        return "*" not in name
    if not name.startswith(_WILDCARD):
        return False
    parent = name.removeprefix(_WILDCARD)
    _, dot, rest = host.partition(".")
    return bool(dot) and "*" not in parent and "." in parent and rest == parent


def chain_concern(refused: ssl.SSLError, *, file: str) -> Concern | None:
    """Return what a client's refusal means (rule 4); None where rules 1 to 3 say it better."""
    if not isinstance(refused, ssl.SSLCertVerificationError):
        text = f"No handshake with the certificate in {file} succeeds ({refused.reason}): its key may be of a kind that"
        return Concern("tls.chain", f"{text} TLS clients do not take. Get one with an ECDSA P-256 or RSA 2048 key.")
    code, message = refused.verify_code, refused.verify_message
    if code in _BY_DATE:
        return None
    text = f"Clients that trust what this agent trusts refuse the certificate: {message}."
    if code in _UNKNOWN_ISSUER:
        hint = (
            f"If its authority is one that they know, {file} lacks the certificates between: put them after the "
            "agent's own (certbot writes such a file as fullchain.pem)."
        )
    elif code in _SELF_SIGNED:
        hint = "Use one from an authority that they trust, or name its authority in everybody's [network] ca_file."
    else:
        hint = "Get one for a TLS server from an authority that they trust."
    return Concern("tls.chain", f"{text} {hint}")


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _shown(name: x509.Name) -> str:
    return name.rfc4514_string()[:100]
