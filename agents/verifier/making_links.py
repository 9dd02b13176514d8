"""Make a link for many: compiled once now, so that what nobody could answer, or what may not be asked, makes none."""

import secrets
from datetime import timedelta

from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.runtime.short_links import address_of
from wanderbuch.agents.verifier.links.link import REFERENCE_CHARS, REFERENCES, QuestionLink
from wanderbuch.agents.verifier.links.models import NewLink
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.policies.keeping import refuse_broken
from wanderbuch.agents.verifier.reading import read_question
from wanderbuch.plugins.exchange.connecting.invitations import invitation_address, invitation_message
from wanderbuch.plugins.trust.purposes import goal, goal_code
from wanderbuch.plugins.trust.verifying.asking import title_of
from wanderbuch.store.records import new_id, utc_now
from wanderbuch.store.tables import DEFAULT_TENANT


async def make_link(
    office: VerifierOffice, told: NewLink, *, made_by: str | None = None, link_id: str | None = None
) -> QuestionLink:
    """Make a link, and return it.

    Raises:
        MalformedError: its question has a reference of its own.
        CannotAskError: there is no governance file yet.
        CredentialError: the document names what is not known.
        NobodyCountsError: no accredited issuer could satisfy it.
        OverAskingError: the authority does not let this verifier ask it.
        KeepingError: answers cannot be kept like that.
        PolicyBrokenError: it is against the verifier's own policy; a later change does not close a link.
    """
    tenant, asker = office.tenant, office.asker  # read once: somebody may rename the desk meanwhile
    if told.question.ref is not None:
        raise MalformedError("expected a question without a ref: each applicant gets one")
    wanted = await read_question(office, told.question)
    if (policy := (await office.policy.get()).policy) is not None:
        refuse_broken(policy.broken_by(wanted.asked, told.question.keeping))
    await office.desk.compile(*wanted.asked, asker=asker)
    link_id, closes_in = link_id or new_id(), timedelta(seconds=told.closes_in_s)
    purpose, keeping = told.question.purpose, told.question.keeping
    title = title_of(asker, "x" * REFERENCE_CHARS)
    office.desk.check_keeping(keeping, title=title, last_answer=utc_now() + closes_in)
    invitation = invitation_message(
        invitation_id=link_id,
        label=asker.title,
        did=str(tenant.did),
        goal_code=goal_code(purpose),
        goal=goal(purpose) if keeping is None else f"{goal(purpose)} {keeping.told()}",
    )
    url = invitation_address(tenant.place.url, invitation)
    if tenant.id == DEFAULT_TENANT:  # the link's own record holds what is behind its address
        short_url = address_of(tenant.place.url, link_id)
    else:
        short_url = await tenant.short_links.add(url, lifetime=closes_in)
    link = QuestionLink(
        id=link_id,
        title=told.title,
        question=told.question.model_dump(mode="json", by_alias=True),
        invitation_url=url,
        short_url=short_url,
        closes_at=utc_now() + closes_in,
        most=told.most_applicants,
        offset=secrets.randbelow(REFERENCES),
        made_by=made_by,
        called=asker.title,
    )
    return await office.links.add(link)
