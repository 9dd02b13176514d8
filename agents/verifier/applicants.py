"""The applicants of a link: what was put at each of its places, under the reference that both sides see."""

from wanderbuch.agents.verifier.erasing.erasure import ErasedError
from wanderbuch.agents.verifier.links.link import QuestionLink
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.store.errors import NotFoundError


async def list_applicants(
    office: VerifierOffice, link: QuestionLink, first: int, end: int
) -> list[tuple[str, Verification]]:
    """Return the references and questions from one place to before another, in the order in which they came."""
    applicants: list[tuple[str, Verification]] = []
    for place in range(first, min(end, link.taken)):
        applicant = await office.links.at_place(link.id, place)
        if applicant is None:
            continue
        try:
            request = await office.verification(applicant.question_id)
        except (NotFoundError, ErasedError):  # removed or erased since
            continue
        applicants.append((applicant.ref, request))
    return applicants
