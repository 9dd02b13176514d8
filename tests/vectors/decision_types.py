"""Vectors of the types beside qualifications: a language at a level of the CEFR, an experience without any level."""

from tests.vectors.decision_ecosystem import INSTITUTE
from tests.vectors.decision_words import Json, Topics, case, neighbour, shown, source


def topics() -> Topics:
    """Return the cases of rules 3, 10 and 13 for these types."""
    by_topic: Topics = {}
    maltese = _case("Maltese at B1 or more, of an institute for A1 to B2", _LANGUAGE, _SPOKEN)
    reaching = _case("the highest level of the range", _LANGUAGE | {"min_cefr_level": "B2"}, _SPOKEN)
    reaching["evidence"]["proven_cefr_level"] = "B2"
    by_topic["03-language-asked"] = (
        "rule 3, of a language",
        maltese,
        [
            neighbour(maltese, "another language", "requirement.occupation", evidence__occupation="eng"),
            neighbour(maltese, "no level is proven", "requirement.level", evidence__proven_cefr_level=None),
            neighbour(maltese, "a lower level is proven", "requirement.level", evidence__proven_cefr_level="A2"),
            neighbour(
                maltese,
                "a level of the EQF is no level of a language",
                "requirement.level",
                requirement__min_eqf_level=1,
            ),
        ],
    )
    above = neighbour(reaching, "a level above the range", "level.not_covered", evidence__proven_cefr_level="C1")
    french = neighbour(reaching, "a language beside the scope", "occupation.not_covered", evidence__occupation="fra")
    french |= {"differs": "the language, asked and shown"}
    french["requirement"]["occupation"] = "fra"
    by_topic["13-language-within-range"] = ("rules 10 and 13, of a language", reaching, [above, french])
    worked = _case("two years as a welder, certified by an institute", _EXPERIENCE, _WORKED)
    by_topic["13-experience-has-no-level"] = (
        "rules 10 and 13, of an experience",
        worked,
        [
            neighbour(worked, "a level is asked of what has none", "requirement.level", requirement__min_eqf_level=1),
            neighbour(
                worked, "a type that this definition is not listed for", "cred_def.not_listed",
                evidence__source=source(INSTITUTE, "CredDef"),
            ),
        ],
    )  # fmt: skip
    return by_topic


_LANGUAGE: Json = {
    "occupation": "mlt",
    "credential_type": "language/1.0",
    "min_eqf_level": None,
    "min_cefr_level": "B1",
}
_SPOKEN: Json = {
    "source": source(INSTITUTE, "CredDefLanguage"),
    "credential_type": "language/1.0",
    "occupation": "mlt",
    "proven_eqf_level": None,
    "framework": "CEFR",
    "crosswalk_version": None,
    "proven_cefr_level": "B1",
}
_EXPERIENCE: Json = {"credential_type": "experience/1.0", "min_eqf_level": None, "min_months": 24}
_WORKED: Json = {
    "source": source(INSTITUTE, "CredDefExperience"),
    "credential_type": "experience/1.0",
    "proven_eqf_level": None,
    "framework": "",
    "crosswalk_version": None,
}


def _case(name: str, requirement: Json, evidence: Json) -> Json:
    accepted = case(INSTITUTE, name, requirement=requirement)
    accepted["evidence"] = shown(INSTITUTE, **evidence)
    return accepted
