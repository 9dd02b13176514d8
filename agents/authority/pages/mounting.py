"""The pages of an authority as the runtime mounts them; their handlers take its office."""

from collections.abc import Sequence

from wanderbuch.agents.authority.pages.desk import DeskPages
from wanderbuch.agents.authority.pages.desk_applications import DeskApplications
from wanderbuch.agents.authority.pages.desk_drafts import DeskDrafts
from wanderbuch.agents.authority.pages.desk_editing import DeskEditing
from wanderbuch.agents.authority.pages.desk_inviting import DeskInviting
from wanderbuch.agents.authority.pages.desk_lists import DeskLists
from wanderbuch.agents.authority.pages.desk_party import DeskParty
from wanderbuch.agents.authority.pages.desk_publishing import DeskPublishing
from wanderbuch.agents.authority.pages.desk_signing import DeskSigning
from wanderbuch.agents.authority.pages.desk_suspending import DeskSuspending
from wanderbuch.agents.authority.pages.registry import PublicPages
from wanderbuch.agents.runtime.app import PublicRoute


def register_routes() -> Sequence[PublicRoute]:
    """Return the routes of the public register, for the public site."""
    return PublicPages().routes()


def desk_page_routes() -> Sequence[PublicRoute]:
    """Return the routes of the officials' desk, for the app site; each sees to it by itself who asks."""
    desk = DeskPages()
    handlers = {
        **desk.entrance.handlers(),
        **DeskEditing(desk).handlers(),
        **DeskPublishing(desk).handlers(),
        **DeskSigning(desk).handlers(),
        **DeskParty(desk).handlers(),
        **DeskSuspending(desk).handlers(),
        **DeskDrafts(desk).handlers(),
        **DeskApplications(desk).handlers(),
        **DeskInviting(desk).handlers(),
        **DeskLists(desk).handlers(),
        **desk.handlers(),
        **desk.entrance.last_handlers(),
    }
    return tuple(PublicRoute(method, path, handler) for (method, path), handler in handlers.items())
