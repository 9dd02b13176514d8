"""No form of another site does anything here.

1. A browser says with each request from which site it comes, and no page can change that (`Sec-Fetch-Site`, Fetch
   Metadata): a form must come from this site. It holds behind every proxy, whatever `Host` the proxy sends on.
2. A browser that does not say so sends the address of the page (`Origin`): it must be the one that the configuration
   says people use (`[app] url`), or its host the one that is asked. Who is refused for want of that setting is told so.
3. A form of somebody who is signed in carries a token made of their session.
"""

import hashlib
import hmac
from typing import Final

from aiohttp import web

from wanderbuch.agents.runtime.app import OWN_ADDRESS
from wanderbuch.agents.runtime.problems import ForbiddenError

_ELSEWHERE: Final = "this form was sent from another site"


def refuse_other_sites(request: web.Request) -> None:
    """Go on only if the browser does not say that a form comes from another site.

    Raises:
        ForbiddenError: it does.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise ForbiddenError(_ELSEWHERE, hint="open the page here, then fill in its form")
        return
    own = request.app.get(OWN_ADDRESS)
    if origin is None or origin == own or origin.partition("://")[2] == request.host:
        return
    if own is not None:
        raise ForbiddenError(_ELSEWHERE, hint=f"open {own} and fill in the form there")
    raise ForbiddenError(
        "your browser is old and does not say whether this form was sent from here, and its address is not the one"
        " that this site is asked for",
        hint="take a newer browser, or let the operator set url in [app] to the address that your browser shows",
    )


def form_token(session_value: str) -> str:
    """Return what the forms of a session send back; the session cannot be made of it."""
    return hashlib.sha256(f"form {session_value}".encode()).hexdigest()


def refuse_forged(expected: str, given: object) -> None:
    """Go on only if a form carries the token of the session that sends it.

    Raises:
        ForbiddenError: it does not.
    """
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise ForbiddenError("this form does not belong to your session", hint="open the page again, then repeat it")
