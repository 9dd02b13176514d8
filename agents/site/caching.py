"""What a reader has already is not sent again (RFC 9110 §13.1.2)."""

import hashlib
from collections.abc import Mapping
from typing import Final

from aiohttp import web

_ANY: Final = "*"


def tagged(request: web.Request, body: bytes, *, content_type: str, headers: Mapping[str, str]) -> web.Response:
    """Return the answer with an `ETag`, without the body if the reader has it: a list, weak tags and `*` are known."""
    tag = hashlib.sha256(body).hexdigest()[:32]
    response = web.Response(headers=headers)
    response.etag = tag
    if any(known.value in {tag, _ANY} for known in request.if_none_match or ()):
        response.set_status(304)
    else:
        response.content_type, response.charset, response.body = content_type, "utf-8", body
    return response
