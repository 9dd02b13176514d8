"""Make a case file of two certificates as an older version of ours writes it; run by that version's code.

    git worktree add ../older <commit>
    cd ../older && PYTHONPATH=src:. .venv/bin/python <here>/make_older_case.py <commit> none > <here>/case_files/…json

The last word is what is asked of the person: `none` or `name`. What is kept is the sealed file, its key, and what was
decided. All keys were made for it.
"""

import asyncio
import base64
import json
import sys
import tempfile
from copy import replace
from pathlib import Path
from typing import Any

from anoncreds import (
    Credential,
    CredentialOffer,
    CredentialRequest,
    CredentialRevocationConfig,
    CredentialRevocationState,
    Presentation,
    PresentationRequest,
    PresentCredentials,
    Schema,
)
from tests.unit.trust.case_files.world import KEEPING, WELDER, CaseWorld
from tests.unit.trust.ecosystem import WELDER_VALUES, message

from wanderbuch.governance.facts.question import Subject
from wanderbuch.plugins.trust.case_files.case_file import new_key, seal
from wanderbuch.plugins.trust.case_files.keeping_cases import CaseMaker
from wanderbuch.plugins.trust.offline.bundling import OfflineWorld
from wanderbuch.plugins.trust.verifying.anoncreds.request import compile_request
from wanderbuch.plugins.trust.verifying.asked import AskedCredential
from wanderbuch.plugins.trust.verifying.bound_question import bound
from wanderbuch.plugins.trust.verifying.exchange import Verification

_GROUPS = ("trade", "work")


async def _asked(world: CaseWorld, subject: Subject) -> Verification:
    governance = OfflineWorld.on(world.edge(), world.authority.url, world.authority.did, lambda: world.now)
    await governance.source.refresh()
    snapshot = governance.source.snapshot()
    assert snapshot is not None
    answer_by = world.now.replace(hour=23, minute=59, second=59)
    wanted = [AskedCredential(name, replace(WELDER, subject=subject)) for name in _GROUPS]
    compiled = compile_request(wanted, snapshot, at=world.now, answer_by=answer_by, name="Shipyard", nonce="7")
    first, *further = compiled.groups
    return bound(
        Verification(
            invitation_url="https://shipyard.wanderbuch.test/i",
            requirement=first.requirement,
            award_precision=first.award_precision,
            proof_request=compiled.proof_request,
            words=compiled.words,
            names=first.names,
            hidden=first.hidden,
            eligible=first.eligible,
            schemas=first.schemas,
            group=first.group,
            further=tuple(further),
            keeping=KEEPING,
            created_at=world.now,
            answer_by=answer_by,
        )
    )


def _issued(world: CaseWorld, place: int) -> Credential:
    centre = world.centre
    offer = CredentialOffer.create(str(centre.schema_id), str(centre.cred_def_id), centre.proof)
    request, metadata = CredentialRequest.create("entropy", None, centre.definition, world.secret, "1", offer)
    config = CredentialRevocationConfig(centre.registry, centre.registry_private, centre.list, place)
    issued = Credential.create(centre.definition, centre.private, offer, request, dict(WELDER_VALUES), None, config)
    return issued.process(metadata, world.secret, centre.definition, centre.registry)


def _answer(world: CaseWorld, asked: Verification) -> dict[str, Any]:
    centre, chosen = world.centre, PresentCredentials()
    timestamp = int(centre.list.to_dict()["timestamp"])
    for place, group in enumerate(_GROUPS, start=1):
        credential = _issued(world, place)
        state = CredentialRevocationState.create(
            centre.registry, centre.list, place, centre.registry.to_dict()["value"]["tailsLocation"]
        )
        chosen.add_attributes(credential, group, reveal=True, timestamp=timestamp, rev_state=state)
    schema = Schema.load(json.dumps(world._content(str(centre.schema_id))))
    presentation = Presentation.create(
        PresentationRequest.load(json.dumps(asked.proof_request)), chosen, {}, world.secret,
        {str(centre.schema_id): schema}, {str(centre.cred_def_id): centre.definition},
    )  # fmt: skip
    return message(json.loads(presentation.to_json()))


async def _made(commit: str, subject: Subject) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        world = await CaseWorld.open(Path(folder))
        asked = await _asked(world, subject)
        answer = _answer(world, asked)
        judgement = await world.judged(asked, answer)
        maker = CaseMaker(world.edge(), world.authority.url, world.authority.did)
        case, key = await maker._made(asked, answer, judgement), new_key()
        return {
            "made_by": commit,
            "author": str(world.authority.did),
            "verdict": case.decision.verdict.value,
            "one_person": next(fact.outcome.value for fact in case.grounds.facts if fact.kind.value == "one_person"),
            "key": base64.b64encode(key).decode(),
            "sealed": seal(case, key),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_made(sys.argv[1], Subject(sys.argv[2]))), indent=2))
