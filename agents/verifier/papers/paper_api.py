"""Certificates that cannot be checked here: routes."""

import asyncio
from collections.abc import Sequence
from typing import Final

from wanderbuch.agents.runtime.app import Call, Route, post
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.papers.models import PaperIn, PaperOut
from wanderbuch.agents.verifier.papers.paper import Paper, answer_about, find_centre
from wanderbuch.agents.verifier.questions.document import map_level, meant_occupation
from wanderbuch.agents.verifier.reading import snapshot_of
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.schemas.country_names import find_country


async def look_at_paper(office: VerifierOffice, told: PaperIn) -> PaperOut:
    """Say what can be said of a certificate that cannot be checked.

    Raises:
        CannotAskError: there is no governance file yet.
        CredentialError: it names what is not known, or what several are called.
        IdentifierError: the centre is no DID although it begins like one.
    """
    snapshot = await snapshot_of(office)
    # A file may list a million names.
    return await asyncio.to_thread(_answer, office, told, snapshot)


async def _look(office: VerifierOffice, call: Call[PaperIn]) -> PaperOut:
    return await look_at_paper(office, call.body)


def _answer(office: VerifierOffice, told: PaperIn, snapshot: GovernanceSnapshot) -> PaperOut:
    level = None if told.level is None else map_level(told.level, snapshot, on=told.awarded_on).eqf
    centre = find_centre(told.centre, snapshot)
    paper = Paper(
        told.kind,
        centre,
        meant_occupation(told.occupation, told.language),
        find_country(told.place),
        told.awarded_on,
        level,
        told.purpose,
    )
    at = office.tenant.clock()
    answer = answer_about(paper, snapshot, at=at, asker=office.name, language=told.language)
    return PaperOut.of(told.kind, str(centre), answer)


PAPER_ROUTES: Final[Sequence[Route]] = (
    post(
        "/papers",
        _look,
        body=PaperIn,
        result=PaperOut,
        summary="Say what can be said of a certificate that cannot be checked, and write a note to its centre",
    ),
)
