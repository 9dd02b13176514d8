"""ACA-Py's outbound transport on the HTTP edge; loaded with `--outbound-transport wanderbuch.plugins.http.outbound`.

ACA-Py loads the alphabetically first transport class of this module, so no other may be imported by name here.
"""

from collections.abc import Mapping
from typing import Final

from acapy_agent.core.profile import Profile
from acapy_agent.transport.outbound import base as outbound

from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.http.edge import HttpEdge

_TIMEOUT_S: Final = 30.0
# The body of an answer to a DIDComm message means nothing over http; we read it only to keep the connection.
_MAX_ANSWER_BYTES: Final = 64 * 1024
# Aries RFC 0044 (the older type, which every peer takes) and RFC 0025.
_ENVELOPE: Final = "application/ssi-agent-wire"
_ENVELOPE_NEW: Final = "application/didcomm-envelope-enc"


class HttpsOutboundTransport(outbound.BaseOutboundTransport):  # type: ignore[misc]  # acapy_agent has no types
    """Delivers DIDComm envelopes over https."""

    schemes = ("https",)
    is_external = False

    async def start(self) -> "HttpsOutboundTransport":
        """Check that the edge is there; it is opened and closed by whoever bound it."""
        if self.root_profile is None or self.root_profile.inject_or(HttpEdge) is None:
            raise outbound.OutboundTransportError("no HttpEdge is bound: load the plugin wanderbuch.plugins.webvh")
        return self

    async def stop(self) -> None:
        """Stop nothing: the edge outlives the transport."""

    async def handle_message(
        self,
        profile: Profile,
        payload: str | bytes,
        endpoint: str,
        metadata: Mapping[str, str] | None = None,
        api_key: str | None = None,
    ) -> None:
        """Deliver `payload` to `endpoint`.

        Raises:
            OutboundTransportError: it was not delivered; ACA-Py tries again.
        """
        if metadata or api_key:
            raise outbound.OutboundTransportError("webhooks with a key or headers are not for this transport")
        content_type = "application/json"
        if isinstance(payload, bytes):
            content_type = _ENVELOPE_NEW if profile.settings.get("emit_new_didcomm_mime_type") else _ENVELOPE
        edge = self.root_profile.inject(HttpEdge)
        try:
            await edge.deliver(
                endpoint,
                payload if isinstance(payload, bytes) else payload.encode(),
                content_type=content_type,
                max_bytes=_MAX_ANSWER_BYTES,
                timeout_s=_TIMEOUT_S,
            )
        except WanderbuchError as err:
            raise outbound.OutboundTransportError(err.message) from err
