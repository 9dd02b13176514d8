"""A client of a verifier's REST API `/v1`, for those who ask workers to prove what they can.

    async with VerifierClient("https://desk.example.org", token) as verifier:
        welder: Qualification = {"ask": "qualification", "occupation": "welder"}
        request = await verifier.ask({"place": "Malta", "credentials": [welder]})
        print(request.short_url)                        # for a QR code
        decided = await verifier.ended(request.id)      # waits: server-sent events, not polling
        print(decided.category, (await verifier.receipt(request.id)).address)

It knows nothing of the agents: what an agent adds to its answers later is left out here, and does no harm.
"""

from wanderbuch.client.errors import ApiError, UnreachableError
from wanderbuch.client.models import Answer, Decision, Erasure, Event, Fact, Receipt, Request, Summary
from wanderbuch.client.questions import Experience, Keep, Language, Level, Qualification, Question
from wanderbuch.client.verifier import VerifierClient
from wanderbuch.client.webhooks import SignatureMismatchError, verified_event

__all__ = [
    "Answer",
    "ApiError",
    "Decision",
    "Erasure",
    "Event",
    "Experience",
    "Fact",
    "Keep",
    "Language",
    "Level",
    "Qualification",
    "Question",
    "Receipt",
    "Request",
    "SignatureMismatchError",
    "Summary",
    "UnreachableError",
    "VerifierClient",
    "verified_event",
]
