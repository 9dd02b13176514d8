"""No answer at all: the connection ends, so that whoever asked comes again.

Any answer, a 503 too, is a good one to some wallets (Credo 0.6.3): they wait for the message that should follow, and
never ask again. A connection that breaks they understand.
"""

from typing import override

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest


class HangUp(web.Response):
    """Ends the connection of the request that it answers; counts as a 503 where no connection is."""

    def __init__(self) -> None:
        super().__init__(status=web.HTTPServiceUnavailable.status_code)

    @override
    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """End the connection.

        Raises:
            ConnectionResetError: always, as where the other end did it.
        """
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the connection was ended without an answer")
