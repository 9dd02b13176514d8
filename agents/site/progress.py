"""How far long work is, as a page shows it: `templates/progress.html`, `assets/progress.js`.

Without JavaScript the page asks again by itself every few seconds. With it the page listens to a stream of messages
`progress`, and is opened anew when the work is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wanderbuch.agents.site.works import WorkState


@dataclass(frozen=True, slots=True)
class ProgressShown:
    """How far work is, in the reader's words.

    Args:
        address: of its stream.
        text: what is being done.
        state: of the work.
    """

    address: str
    text: str
    state: WorkState

    def data(self) -> Mapping[str, Any]:
        """Return it as the page's script gets it."""
        return {
            "text": self.text,
            "done": self.state.done,
            "of": self.state.of,
            "over": self.state.is_over,
        }
