"""A form as a browser posts it: from a page of ours, within a time, a size and a number of fields."""

from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from wanderbuch.agents.runtime.bodies import read_body
from wanderbuch.agents.runtime.problems import MalformedError, TooSlowError
from wanderbuch.agents.site.forged import refuse_other_sites

_DEADLINE_S: Final = 20.0
_MAX_FIELDS: Final = 20_000


async def read_form(request: web.Request) -> MultiDict[str]:
    """Return the form that was sent.

    Raises:
        ForbiddenError: it was sent from a page of another site; nothing of it is read.
        MalformedError: it is none.
        TooSlowError: it did not arrive in time.
    """
    refuse_other_sites(request)
    if request.content_type != "application/x-www-form-urlencoded":
        raise MalformedError("expected a form")
    try:
        sent = await read_body(request, deadline_s=_DEADLINE_S)
        return MultiDict(parse_qsl(sent.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except web.HTTPRequestTimeout as err:
        raise TooSlowError(f"the form did not arrive within {_DEADLINE_S:g} s") from err
    except (web.HTTPRequestEntityTooLarge, web.HTTPBadRequest, ValueError) as err:
        raise MalformedError("the form cannot be read, or is too large") from err
