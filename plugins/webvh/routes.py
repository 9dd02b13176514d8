"""ACA-Py looks here for a plugin's event subscriptions, after those of its own plugins; there are no Admin routes."""

from acapy_agent.core.event_bus import EventBus

from wanderbuch.plugins.webvh.revocation import take_over


def register_events(event_bus: EventBus) -> None:
    """Take the upload of tails files over from ACA-Py."""
    take_over(event_bus)
