"""The pages of an authority as the runtime mounts them; their handlers take its office."""

from collections.abc import Sequence

from wanderbuch.agents.authority.pages.desk import DeskPages
from wanderbuch.agents.authority.pages.desk_drafts import DeskDrafts
from wanderbuch.agents.authority.pages.desk_editing import DeskEditing
from wanderbuch.agents.authority.pages.registry import PublicPages
from wanderbuch.agents.runtime.app import PublicRoute


def register_routes() -> Sequence[PublicRoute]:
    """Return the routes of the public register, for the public site."""
    return PublicPages().routes()


def desk_page_routes() -> Sequence[PublicRoute]:
    """Return the routes of the officials' desk, for the app site; each sees to it by itself who asks."""
    desk = DeskPages()
    handlers = {**DeskEditing(desk).handlers(), **DeskDrafts(desk).handlers(), **desk.handlers()}
    return tuple(PublicRoute(method, path, handler) for (method, path), handler in handlers.items())
