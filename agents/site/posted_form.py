"""A form as a browser posts it: from a page of ours, within a time, a size and a number of fields.

A file in it comes as base64 under the name of its field; what the browser calls it, under the name and `.name`. Forms
with files are read only where a page asks for one, as browsers write them (HTML, "multipart/form-data encoding
algorithm"): with nothing before the first boundary, and no line is looked at on its own.
"""

import base64
import re
from email.message import Message
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from wanderbuch.agents.runtime.bodies import read_body
from wanderbuch.agents.runtime.problems import MalformedError, TooSlowError
from wanderbuch.agents.site.forged import refuse_other_sites

_DEADLINE_S: Final = 20.0
_MAX_FIELDS: Final = 20_000
_MAX_PARTS: Final = 40
_MAX_PART_HEADERS: Final = 4096
_MAX_BOUNDARY: Final = 70  # RFC 2046, section 5.1.1
_PLAIN: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_DISPOSITION: Final = re.compile(
    r'^content-disposition: *form-data; *name="([^"\r\n]+)"(?:; *filename="([^"\r\n]*)")?\r$',
    re.IGNORECASE | re.MULTILINE,
)
_ESCAPED: Final = {"%22": '"', "%0D": "\r", "%0A": "\n"}


async def read_form(request: web.Request, *, takes_file: bool = False) -> MultiDict[str]:
    """Return the form that was sent.

    Args:
        request: with which it came.
        takes_file: whether the page asks for a file; elsewhere a form with files is none.

    Raises:
        ForbiddenError: it was sent from a page of another site; nothing of it is read.
        MalformedError: it is none.
        TooSlowError: it did not arrive in time.
    """
    refuse_other_sites(request)
    if request.content_type != _PLAIN and not (takes_file and request.content_type == _MULTIPART):
        raise MalformedError("expected a form")
    try:
        sent = await read_body(request, deadline_s=_DEADLINE_S)
        if request.content_type == _MULTIPART:
            return _parts(sent, _boundary(request.headers["Content-Type"]))
        return MultiDict(parse_qsl(sent.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except web.HTTPRequestTimeout as err:
        raise TooSlowError(f"the form did not arrive within {_DEADLINE_S:g} s") from err
    except (web.HTTPRequestEntityTooLarge, web.HTTPBadRequest, ValueError) as err:
        raise MalformedError("the form cannot be read, or is too large") from err


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = content_type
    boundary = (header.get_boundary() or "").encode("ascii")
    if not 0 < len(boundary) <= _MAX_BOUNDARY:
        raise ValueError("expected a boundary")
    return boundary


def _parts(body: bytes, boundary: bytes) -> MultiDict[str]:
    """Return the fields of a form with files (RFC 7578), all of which has arrived.

    Raises:
        ValueError: it is none.
    """
    delimiter = b"--" + boundary
    if not body.startswith(delimiter + b"\r\n"):
        raise ValueError("expected the boundary at the beginning")
    *parts, end = body.removeprefix(delimiter).split(b"\r\n" + delimiter, _MAX_PARTS + 1)
    if end not in (b"--", b"--\r\n") or len(parts) > _MAX_PARTS:
        raise ValueError(f"expected at most {_MAX_PARTS} fields, and the boundary at the end")
    sent: MultiDict[str] = MultiDict()
    for part in parts:
        ends = part.find(b"\r\n\r\n", 0, _MAX_PART_HEADERS)
        described = _DISPOSITION.search(part[: ends + 2].decode()) if ends >= 0 else None
        if not part.startswith(b"\r\n") or described is None:
            raise ValueError("expected fields with names")
        name, filename = _unescaped(described[1]), described[2]
        content = part[ends + 4 :]
        if filename is None:
            sent.add(name, content.decode())
        else:
            sent.add(name, base64.b64encode(content).decode())
            sent.add(f"{name}.name", _unescaped(filename))
    return sent


def _unescaped(text: str) -> str:
    for escaped, letter in _ESCAPED.items():
        text = text.replace(escaped, letter)
    return text
