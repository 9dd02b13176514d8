"""A staple: an issuer's own standing, signed by its authority, handed over by who wants to be believed. Format only.

It is a small bundle (`bundle`): the authority's signed file, or of a divided one the root and the part in which the
issuer stands; the freshness statement; the authority's DID log, which proves the key of both; and where the issuer
counts by a recognition, the same of the authority that accredits it. Who receives it asks nobody, so no registry learns
who verifies whom.

It is believed for what is signed in it, and only so far: the receiver pins the author, as always; the file must be
fresh, and not older than what the receiver has seen; nothing follows from it about anybody but the issuer. A staple
carries no status list: one who was revoked would choose an old one.
"""

from typing import ClassVar, Final

from wanderbuch.governance.signed.bundle import Bundle, BundleError, read_bundle_file, write_bundle_file

MAX_STAPLE_BYTES: Final = 512 * 1024
MAX_UNPACKED_BYTES: Final = 8 * 1024 * 1024
MAX_STAPLE_FILES: Final = 1024
_FOR_MANIFEST: Final = 4 * 1024 * 1024


class StapleError(BundleError):
    """A staple is malformed, too large, not fresh, or older than what was seen."""

    code: ClassVar[str] = "governance.staple"


def write_staple(bundle: Bundle) -> bytes:
    """Return a staple as one file.

    Raises:
        StapleError: it is too large to be handed over.
    """
    if bundle.registries:
        raise StapleError("expected a staple without revocation registries")
    body = write_bundle_file(bundle)
    unpacked = sum(map(len, bundle.files.values()))
    if len(body) > MAX_STAPLE_BYTES or unpacked > MAX_UNPACKED_BYTES or len(bundle.files) > MAX_STAPLE_FILES:
        raise StapleError(
            f"expected a staple of at most {MAX_STAPLE_BYTES} bytes ({MAX_UNPACKED_BYTES} unpacked, in at most "
            f"{MAX_STAPLE_FILES} files), found {len(body)} ({unpacked}, in {len(bundle.files)})",
            hint="the authority can divide its file into parts, so that a staple holds one of them",
        )
    return body


def read_staple(received: bytes) -> Bundle:
    """Return what a staple holds; nothing in it is checked yet but its form.

    Raises:
        BundleError: it is malformed or too large.
    """
    if len(received) > MAX_STAPLE_BYTES:
        raise StapleError(f"expected a staple of at most {MAX_STAPLE_BYTES} bytes, found {len(received)}")
    bundle = read_bundle_file(received, max_files=MAX_STAPLE_FILES, max_total_bytes=MAX_UNPACKED_BYTES + _FOR_MANIFEST)
    if bundle.registries:
        raise StapleError("expected a staple without revocation registries")
    return bundle
