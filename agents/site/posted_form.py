"""A form as a browser posts it: from a page of ours, within a time, a size and a number of fields.

A file in it comes as base64 under the name of its field; what the browser calls it, under the name and `.name`.
"""

import asyncio
import base64
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from multidict import MultiDict

from wanderbuch.agents.runtime.bodies import read_body
from wanderbuch.agents.runtime.problems import MalformedError, TooSlowError
from wanderbuch.agents.site.forged import refuse_other_sites

_DEADLINE_S: Final = 20.0
_MAX_FIELDS: Final = 20_000
_MAX_PARTS: Final = 40
_MULTIPART: Final = "multipart/form-data"


async def read_form(request: web.Request) -> MultiDict[str]:
    """Return the form that was sent.

    Raises:
        ForbiddenError: it was sent from a page of another site; nothing of it is read.
        MalformedError: it is none.
        TooSlowError: it did not arrive in time.
    """
    refuse_other_sites(request)
    if request.content_type not in ("application/x-www-form-urlencoded", _MULTIPART):
        raise MalformedError("expected a form")
    try:
        sent = await read_body(request, deadline_s=_DEADLINE_S)
        if request.content_type == _MULTIPART:
            return await _parts(sent, request.headers["Content-Type"])
        return MultiDict(parse_qsl(sent.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except web.HTTPRequestTimeout as err:
        raise TooSlowError(f"the form did not arrive within {_DEADLINE_S:g} s") from err
    except (web.HTTPRequestEntityTooLarge, web.HTTPBadRequest, ValueError) as err:
        raise MalformedError("the form cannot be read, or is too large") from err


async def _parts(body: bytes, content_type: str) -> MultiDict[str]:
    """Return the fields of a form with files (RFC 7578), all of which has arrived.

    Raises:
        ValueError: it is none.
    """
    loop = asyncio.get_running_loop()
    stream = StreamReader(BaseProtocol(loop), max(len(body), 1), loop=loop)
    stream.feed_data(body)
    stream.feed_eof()
    sent: MultiDict[str] = MultiDict()
    reader = MultipartReader({"Content-Type": content_type}, stream)
    for _ in range(_MAX_PARTS):
        part = await reader.next()
        if part is None:
            return sent
        if not isinstance(part, BodyPartReader) or not part.name:
            raise ValueError("expected fields with names")
        content = bytes(await part.read(decode=False))
        if part.filename is None:
            sent.add(part.name, content.decode())
        else:
            sent.add(part.name, base64.b64encode(content).decode())
            sent.add(f"{part.name}.name", part.filename)
    raise ValueError(f"expected at most {_MAX_PARTS} fields")
