"""A bundle: in one file all that a decision needs, as it was served, for those who have no network. Format only.

A zip archive of `manifest.json` and `files/<SHA-256 as hex>`. The manifest names the author whose governance it is, the
address of that, when the bundle was made, the revocation registries whose status lists are in it, and for every file
the https address that it was served at. Nothing in a bundle is believed for being in it: governance files, statements,
DID logs, schemas, definitions and status lists are signed, and whoever opens a bundle checks them as if they came over
the network. What its maker alone vouches for is `made_at`, and that the newest status lists were put in.

A received bundle is refused unless, in this order:

1. it is a zip archive of at most `MAX_BUNDLE_BYTES`, of at most `MAX_FILES` files and `MAX_TOTAL_BYTES` unpacked;
2. the names are exactly `manifest.json` and those of the files that the manifest lists, each once, stored or deflated;
3. the manifest is canonical JSON of the form below;
4. each file has the size and digest that its name and the manifest say.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_BUNDLE_BYTES: Final = 512 * 1024 * 1024
MAX_TOTAL_BYTES: Final = 1024 * 1024 * 1024
MAX_FILES: Final = 100_000
_MANIFEST: Final = "manifest.json"
_MAX_MANIFEST_BYTES: Final = 64 * 1024 * 1024
_FORMAT: Final = "wanderbuch-bundle/1.0"
_ENTRY: Final = b"PK\x01\x02"  # how an entry of a zip archive's directory begins
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the zip format's first moment: the same content is the same archive


class BundleError(GovernanceError):
    """A bundle is malformed, too large, or could not be made."""

    code: ClassVar[str] = "governance.bundle"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was served, by address.

    Args:
        author: whose governance it is about; who opens it says whom they pin, and this is no answer to that.
        url: the folder of that governance.
        made_at: when its maker fetched the files; the maker's word.
        registries: whose newest status lists are in it.
        files: address -> content.
    """

    author: Did
    url: str
    made_at: datetime
    registries: tuple[RevRegDefId, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def write_bundle_file(bundle: Bundle) -> bytes:
    """Return a bundle as one file; the same bundle is always the same bytes.

    Raises:
        BundleError: it is too large.
    """
    if len(bundle.files) > MAX_FILES or sum(map(len, bundle.files.values())) > MAX_TOTAL_BYTES:
        raise BundleError(f"expected at most {MAX_FILES} files of {MAX_TOTAL_BYTES} bytes together, found more")
    listed = [
        {"url": url, "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
        for url, body in sorted(bundle.files.items())
    ]
    manifest = {
        "author": bundle.author,
        "files": listed,
        "format": _FORMAT,
        "made_at": int(bundle.made_at.timestamp()),
        "registries": sorted(bundle.registries),
        "url": bundle.url,
    }
    contents = {_name(body): body for body in bundle.files.values()}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        packed.writestr(zipfile.ZipInfo(_MANIFEST, _EPOCH), _canonical(manifest), zipfile.ZIP_DEFLATED)
        for name, body in sorted(contents.items()):
            packed.writestr(zipfile.ZipInfo(name, _EPOCH), body, zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def read_bundle_file(received: bytes, *, max_files: int = MAX_FILES, max_total_bytes: int = MAX_TOTAL_BYTES) -> Bundle:
    """Return the bundle in a file after all checks of this module.

    Args:
        received: the bytes of the file.
        max_files: how many files it may hold.
        max_total_bytes: how large they may be together, unpacked.

    Raises:
        BundleError: a check failed.
    """
    if len(received) > MAX_BUNDLE_BYTES:  # 1
        raise BundleError(f"expected a bundle of at most {MAX_BUNDLE_BYTES} bytes, found {len(received)}")
    # zipfile makes an object of every entry that the directory names, so they are counted before it looks.
    if received.count(_ENTRY) > 2 * (max_files + 1):  # packed bytes may look like one, but seldom
        raise BundleError(f"expected at most {max_files} files, found more")
    try:
        with zipfile.ZipFile(io.BytesIO(received)) as packed:
            return _read(packed, max_files, max_total_bytes)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RuntimeError, OSError, zlib.error) as err:
        raise BundleError(f"expected a zip archive, found one that cannot be read: {type(err).__name__}") from err


# The length apart: as a bound in the pattern it takes 2.5 MB of compiled states, for each model.
_Url = Annotated[str, Field(pattern=r"^https://[^\s\x00-\x1f]+$", max_length=len("https://") + 2000)]


class _FileJson(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    url: _Url
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0, le=MAX_TOTAL_BYTES)]


class _ManifestJson(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    author: str
    files: Annotated[list[_FileJson], Field(min_length=1, max_length=MAX_FILES)]
    format: Literal["wanderbuch-bundle/1.0"]
    made_at: Annotated[int, Field(ge=0, lt=253_402_300_800)]
    registries: Annotated[list[str], Field(max_length=MAX_FILES)]
    url: _Url


def _read(packed: zipfile.ZipFile, max_files: int, max_total_bytes: int) -> Bundle:
    infos = packed.infolist()
    if len(infos) > max_files + 1 or sum(info.file_size for info in infos) > max_total_bytes:
        raise BundleError(f"expected at most {max_files} files of {max_total_bytes} bytes together, found more")
    by_name = {info.filename: info for info in infos}  # 2
    if len(by_name) != len(infos) or _MANIFEST not in by_name:
        raise BundleError(f"expected one {_MANIFEST} and each name once")
    manifest = _manifest(_unpacked(packed, by_name.pop(_MANIFEST), _MAX_MANIFEST_BYTES))
    wanted = {f"files/{file.sha256}": file for file in manifest.files}
    if by_name.keys() != wanted.keys() or len({file.url for file in manifest.files}) != len(manifest.files):
        raise BundleError("expected exactly the files that the manifest lists, each address once")
    contents = {name: _unpacked(packed, by_name[name], entry.bytes) for name, entry in wanted.items()}
    for listed in manifest.files:  # 4
        body = contents[f"files/{listed.sha256}"]
        if len(body) != listed.bytes or _name(body) != f"files/{listed.sha256}":
            raise BundleError(f"expected the file {listed.sha256} of {listed.bytes} bytes, found other bytes")
    try:
        author = Did.parse(manifest.author)
        registries = tuple(RevRegDefId.parse(registry) for registry in manifest.registries)
    except IdentifierError as err:
        raise BundleError(f"the manifest is not usable: {err.message}") from err
    made_at = datetime.fromtimestamp(manifest.made_at, UTC)
    files = {file.url: contents[f"files/{file.sha256}"] for file in manifest.files}
    return Bundle(author, manifest.url, made_at, registries, files)


def _manifest(received: bytes) -> _ManifestJson:
    try:  # 3
        document = read_strict_json(received, max_bytes=_MAX_MANIFEST_BYTES, max_depth=4)
        manifest = _ManifestJson.model_validate(document)
    except StrictJsonError as err:
        raise BundleError(f"the manifest is not usable: {err.message}") from err
    except ValidationError as err:
        first = err.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BundleError(f"the manifest is not usable: {where}: {first['msg']}") from err
    if _canonical(document) != received:
        raise BundleError("expected the manifest in canonical JSON")
    return manifest


def _unpacked(packed: zipfile.ZipFile, info: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """Return a file of the archive, reading no more than allowed, whatever the archive says of its size."""
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BundleError("expected files that are stored or deflated, and not encrypted")
    with packed.open(info) as file:
        body = file.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise BundleError(f"expected at most {max_bytes} bytes in {info.filename[:80]!r}, found more")
    return body


def _name(body: bytes) -> str:
    return f"files/{hashlib.sha256(body).hexdigest()}"


def _canonical(manifest: object) -> bytes:
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
