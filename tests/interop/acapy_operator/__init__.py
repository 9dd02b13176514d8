"""What an operator of a stock ACA-Py does around our registry plugin, as a plugin: a did:webvh at start, and an end.

`wanderbuch_interop` in its plugin configuration: `host`, `path` and `endpoint` of the DID; the DID is written to the
file `did`. ACA-Py's Admin API has no route that makes a DID of a method of a plugin.
"""

import os
import signal
from pathlib import Path
from threading import Thread

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.core.util import STARTUP_EVENT_PATTERN

from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.plugins.webvh.publisher import Publisher

KEY = "wanderbuch_interop"


async def setup(context: InjectionContext) -> None:
    """Have the DID made once ACA-Py runs, and ACA-Py end with whoever started it."""
    config = context.settings["plugin_config"][KEY]
    Thread(target=_end_with_stdin, daemon=True).start()

    async def on_startup(profile: Profile, event: Event) -> None:
        did = await create_did(
            profile,
            host=config["host"],
            path=config["path"],
            didcomm_endpoint=config["endpoint"],
            publisher=profile.inject(Publisher),
            prerotation=False,
        )
        Path(config["did"]).write_text(str(did))  # noqa: ASYNC240 (once, at start)

    context.inject(EventBus).subscribe(STARTUP_EVENT_PATTERN, on_startup)


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
