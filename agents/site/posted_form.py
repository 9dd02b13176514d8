"""A form as a browser posts it: within a time, a size and a number of fields."""

from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from wanderbuch.agents.runtime.bodies import read_body
from wanderbuch.agents.runtime.problems import MalformedError, TooSlowError

_DEADLINE_S: Final = 20.0
_MAX_FIELDS: Final = 20_000


async def read_form(request: web.Request) -> MultiDict[str]:
    """Return the form that was sent.

    Raises:
        MalformedError: it is none.
        TooSlowError: it did not arrive in time.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise MalformedError("expected a form")
    try:
        sent = await read_body(request, deadline_s=_DEADLINE_S)
        return MultiDict(parse_qsl(sent.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except web.HTTPRequestTimeout as err:
        raise TooSlowError(f"the form did not arrive within {_DEADLINE_S:g} s") from err
    except (web.HTTPRequestEntityTooLarge, web.HTTPBadRequest, ValueError) as err:
        raise MalformedError("the form cannot be read, or is too large") from err
