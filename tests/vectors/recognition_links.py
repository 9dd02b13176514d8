"""Vectors of rules 15 to 24: what a chain is made of."""

from tests.vectors.decision_words import Topics, day, source, year
from tests.vectors.recognition_cases import AT_HAND, case, elsewhere, neighbour
from tests.vectors.recognition_world import BARRED, CENTRE, HOSPITAL, SCHOOL, VALLEY


def topics() -> Topics:
    """Return the cases of these rules."""
    welder = case(CENTRE, "a welder of a centre that Sri Lanka accredits", ["M-1"])
    school = case(SCHOOL, "a welder from Nepal, over Sri Lanka", ["M-1", "L-N-1"], crosswalk_version="np-nvq-eqf")
    valley = case(VALLEY, "a welder from Bhutan", ["M-1", "L-N-1", "N-B-1"], crosswalk_version="bt-eqf")
    by_topic: Topics = {}
    barred = case(BARRED, "a trade beside one that Malta excludes", ["M-1"], requirement={"occupation": "C72"})
    barred["evidence"]["occupation"] = "C7212"
    excluded = neighbour(barred, "excluded by Malta", evidence__occupation="C7214")
    excluded["expect"]["codes"] = ["occupation.excluded"]
    by_topic["15-exclusions-of-the-home-file"] = ("rule 15", barred, [excluded])
    by_topic["22-onward-once"] = (
        "rule 22",
        school,
        [neighbour(school, "Malta lets nobody further in", "recognition.onward", governance="malta-near.json")],
    )
    by_topic["22-onward-twice"] = (
        "rule 22",
        valley,
        [
            neighbour(
                valley, "Malta lets nobody further in", "recognition.not_accredited", governance="malta-near.json"
            ),
            neighbour(
                valley,
                "Sri Lanka lets nobody further in",
                "recognition.onward",
                recognised=_instead("lanka-near.json"),
            ),
        ],
    )
    by_topic["23-short-and-straight"] = (
        "rule 23",
        school,
        [
            neighbour(
                school,
                "Sri Lanka recognises nobody but Malta",
                "recognition.cycle",
                recognised=_instead("lanka-circle.json"),
            ),
            neighbour(
                school,
                "Nepal is another name of Sri Lanka",
                "recognition.alias_loop",
                recognised=_instead("lanka-alias.json"),
            ),
            neighbour(
                school,
                "Nepal is another name of Bhutan, which is one of Sri Lanka",
                "recognition.alias_loop",
                governance="malta-aliases.json",
            ),
        ],
    )
    smith = case(CENTRE, "a blacksmith, beside an excluded trade", ["M-1"], requirement={"occupation": "C72"})
    smith["evidence"]["occupation"] = "C7221"
    far_smith = case(SCHOOL, "the same from Nepal", ["M-1", "L-N-1"], requirement={"occupation": "C72"})
    far_smith["evidence"] |= {"occupation": "C7221", "crosswalk_version": "np-nvq-eqf"}
    for name, accepted in (("nearest", smith), ("further", far_smith)):
        code = "recognition.excluded" if accepted is smith else "recognition.not_accredited"
        out = neighbour(accepted, "sheet-metal work is excluded", code, evidence__occupation="C7213")
        by_topic[f"16-nobody-excludes-the-{name}"] = ("rule 16", accepted, [out])
    by_topic["17-type-is-recognised"] = (
        "rule 17",
        welder,
        [
            elsewhere(
                welder,
                "a type that Sri Lanka accredits and Malta does not recognise",
                "the type, asked and shown, with its definition",
                "recognition.credential_type",
                requirement={"credential_type": "attendance/1.0"},
                credential_type="attendance/1.0",
                source=source(CENTRE, "CredDefSecond"),
            )
        ],
    )
    by_topic["18-occupation-is-recognised"] = (
        "rule 18",
        welder,
        [
            elsewhere(
                welder,
                "an occupation that Sri Lanka accredits and Malta does not recognise",
                "the occupation, asked and shown",
                "recognition.occupation",
                requirement={"occupation": "C5120"},
                occupation="C5120",
            )
        ],
    )
    smiths = case(CENTRE, "a whole group of trades", ["M-1"], requirement={"occupation": "C722"})
    by_topic["16-a-group-is-recognised-as-a-whole"] = (
        "rule 16, of every member of a group",
        smiths,
        [
            elsewhere(
                smiths,
                what,
                "the occupation, asked and shown",
                "recognition.excluded",
                requirement={"occupation": group},
                occupation=group,
            )
            for group, what in (("C721", "the group of a trade that Malta excludes"), ("C72", "the group above that"))
        ],
    )
    by_topic["19-purpose-is-recognised"] = (
        "rule 19",
        welder,
        [
            neighbour(
                welder,
                "access to a regulated profession",
                "recognition.purpose",
                requirement__purpose="regulated-profession",
            )
        ],
    )
    nurse = case(HOSPITAL, "a nurse, regulated and recognised for it", ["M-2"], requirement={"occupation": "C2221"})
    by_topic["19-regulated-occupation"] = (
        "rule 19",
        nurse,
        [
            neighbour(
                nurse,
                "recognised, but not for regulated professions",
                "occupation.regulated",
                governance="malta-nurses.json",
            ),
            neighbour(nurse, "to study", "recognition.purpose", requirement__purpose="study"),
        ],
    )
    carer = case(
        HOSPITAL,
        "a health care assistant, who is not regulated",
        ["M-2"],
        governance="malta-nurses.json",
        requirement={"occupation": "C5321"},
    )
    by_topic["19-not-regulated"] = (
        "rule 19",
        carer,
        [
            elsewhere(
                carer,
                "a nurse",
                "the occupation, asked and shown",
                "occupation.regulated",
                requirement={"occupation": "C2221"},
                occupation="C2221",
            )
        ],
    )
    by_topic["20-jurisdiction-is-recognised"] = (
        "rule 20",
        welder,
        [neighbour(welder, "another country", "recognition.jurisdiction", requirement__jurisdiction="DEU")],
    )
    highest = case(CENTRE, "the upper level", ["M-1"], requirement={"min_eqf_level": 5}, proven_eqf_level=5)
    by_topic["21-upper-level"] = (
        "rule 21",
        highest,
        [neighbour(highest, "above it", "recognition.level", evidence__proven_eqf_level=6)],
    )
    lowest = case(CENTRE, "the lower level", ["M-1"], requirement={"min_eqf_level": None}, proven_eqf_level=2)
    by_topic["21-lower-level"] = (
        "rule 21",
        lowest,
        [
            neighbour(lowest, "below it", "recognition.level", evidence__proven_eqf_level=1),
            neighbour(lowest, "nothing proven", "recognition.level", evidence__proven_eqf_level=None),
        ],
    )
    electrician = case(
        CENTRE, "a year that two recognitions cover together", ["M-3, M-4"], requirement={"occupation": "C7411"}
    )
    by_topic["24-recognitions-add-up"] = (
        "rule 24",
        electrician,
        [
            neighbour(
                electrician,
                "a level that only the second covers",
                "award.date_needed",
                evidence__proven_eqf_level=4,
            )
        ],
    )
    in_time = case(
        CENTRE,
        "on the first day of a recognition",
        ["M-3"],
        requirement={"occupation": "C7411"},
        awarded=day("2015-01-01"),
    )
    by_topic["24-in-force"] = (
        "rule 24",
        in_time,
        [
            neighbour(in_time, "the day before", "recognition.not_in_force", evidence__awarded=day("2014-12-31")),
            neighbour(in_time, "while suspended", "recognition.not_in_force", evidence__awarded=day("2021-03-01")),
            neighbour(
                in_time, "on its last suspended day", "recognition.not_in_force", evidence__awarded=day("2021-08-31")
            ),
            neighbour(
                in_time, "in a year of which a part is suspended", "award.date_needed", evidence__awarded=year(2021)
            ),
        ],
    )
    return by_topic


def _instead(lanka: str) -> dict[str, str]:
    return {lanka if name == "lanka.json" else name: until for name, until in AT_HAND.items()}
