"""What is asked, sentence by sentence, in English: what verifications keep and programs read.

What a person reads before they ask, in their language and with what is not learnt, is the agent's own `explain`.
"""

from collections.abc import Sequence

from wanderbuch.governance.facts.question import Requirement, Subject
from wanderbuch.plugins.trust.verifying.asked import level_attribute, may_be_left_out, recent_attribute
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.schemas.languages import language_name
from wanderbuch.schemas.occupations import OccupationCode


def in_words(requirements: Sequence[Requirement], names: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the sentences: those of each credential, then what is asked once.

    Args:
        requirements: by credential; place, purpose, subject and revocation are the same in all.
        names: the attributes that are shown, by credential.
    """
    sentences: list[str] = []
    for requirement, shown in zip(requirements, names, strict=True):
        sentences += _of_one(requirement, shown)
    last = requirements[-1]
    if len(requirements) > 1:
        sentences.append("All of them must have been issued to one wallet, which proves them together.")
        if last.subject is not Subject.NONE:
            sentences.append("They must name the same person.")
    if len({(requirement.credential_type, requirement.occupation) for requirement in requirements}) < len(requirements):
        sentences.append("Two of one kind may be one and the same certificate, shown for both.")
    if last.not_revoked:
        what = "the credential is not revoked. Which credential it is stays hidden."
        several = "the credentials are not revoked. Which credentials they are stays hidden."
        sentences.append(f"Proven: {what if len(requirements) == 1 else several}")
    if last.subject is Subject.NONE:
        sentences.append("Nobody's name is asked.")
    if last.least_subject is not None:
        credential_type = load_credential_type(last.credential_type)
        left_out = [credential_type.attribute(name).label.in_language("en") for name in may_be_left_out(last)]
        sentences.append(f"May be left out: {', '.join(left_out)}.")
    return tuple(sentences)


def _of_one(requirement: Requirement, names: Sequence[str]) -> list[str]:
    credential_type = load_credential_type(requirement.credential_type)
    level = level_attribute(requirement, credential_type)
    shown = [credential_type.attribute(name).label.in_language("en") for name in names if name != level]
    sentences = [
        f"Prove a {credential_type.label.in_language('en').lower()} for {_about(requirement, credential_type)}.",
        f"The issuer must count in {requirement.jurisdiction}.",
        f"Shown: {', '.join(shown)}.",
    ]
    if requirement.min_eqf_level is not None:
        sentences.append(f"Proven: EQF level {requirement.min_eqf_level} or more. The level itself stays hidden.")
    if requirement.min_cefr_level is not None:
        text = f"Proven: level {requirement.min_cefr_level} of the CEFR or more. The level itself stays hidden."
        sentences.append(text)
    if requirement.min_months is not None:
        sentences.append(f"Proven: {requirement.min_months} months or more. How many stays hidden.")
    if requirement.not_before is not None:
        what = "It ended" if recent_attribute(credential_type) == "employed_to" else "It was awarded"
        sentences.append(f"Proven: {what} on {requirement.not_before} or later. The day stays hidden.")
    return sentences


def _about(requirement: Requirement, credential_type: CredentialType) -> str:
    if credential_type.about == "language":
        return language_name(requirement.occupation)
    return f"{OccupationCode.parse(requirement.occupation).label()} ({requirement.occupation})"
