"""Vectors of rule 14: mandates, suspensions, withdrawals."""

import json

from tests.vectors.decision_ecosystem import (
    CENTRE,
    REINSTATED,
    SUSPENDED,
    TWICE,
    UNION,
    WITHDRAWN,
)
from tests.vectors.decision_words import Topics, case, day, neighbour, source, year


def topics() -> Topics:
    """Return the cases of these rules."""
    by_topic: Topics = {}
    first_day = case(CENTRE, "awarded on the first day of a window", awarded=day("2022-07-01"))
    by_topic["14-two-windows"] = (
        "rule 14",
        first_day,
        [
            neighbour(first_day, "the day before", "mandate.outside", evidence__awarded=day("2022-06-30")),
            neighbour(first_day, "a year between the windows", "mandate.outside", evidence__awarded=year(2021)),
            neighbour(first_day, "a year that fits in part", "award.date_needed", evidence__awarded=year(2022)),
            neighbour(
                first_day,
                "days across both windows",
                "award.date_needed",
                evidence__awarded={"first": "2020-12-01", "last": "2022-12-31"},
            ),
        ],
    )
    last_day = case(UNION, "awarded on the last day of a mandate", awarded=day("2023-12-31"))
    by_topic["14-mandate-ended"] = (
        "rule 14",
        last_day,
        [neighbour(last_day, "the day after", "mandate.outside", evidence__awarded=day("2024-01-01"))],
    )
    joined = case(UNION, "a year that two adjoining mandates cover together", awarded=year(2020))
    smith_2020 = json.loads(json.dumps(joined))
    smith_2020["requirement"]["occupation"] = smith_2020["evidence"]["occupation"] = "C7221"
    smith_2020 |= {
        "name": "an occupation that only one of them covers",
        "differs": "the occupation, asked and shown",
        "expect": {"verdict": "NOT_TRUSTED", "codes": ["award.date_needed"]},
    }
    by_topic["14-mandates-add-up"] = ("rule 14", joined, [smith_2020])
    before = case(SUSPENDED, "awarded before, from a registry that existed", awarded=year(2023))
    before["evidence"]["status"] = source(SUSPENDED, "RegistryBefore")
    by_topic["14-suspended"] = (
        "rule 14",
        before,
        [
            neighbour(before, "on the day it took effect", "status.suspended", evidence__awarded=day("2024-09-01")),
            neighbour(before, "after", "status.suspended", evidence__awarded=year(2025)),
            neighbour(before, "in the year it took effect", "award.date_needed", evidence__awarded=year(2024)),
            neighbour(
                before,
                "from a registry made later: backdated",
                "registry.not_pinned",
                evidence__status=source(SUSPENDED, "RegistryAfter"),
            ),
        ],
    )
    unpinned = case(SUSPENDED, "suspended", awarded=year(2023), requirement={"not_revoked": False})
    unpinned["evidence"]["status"] = source(SUSPENDED, "RegistryBefore")
    by_topic["14-suspended-without-registry"] = (
        "rule 14",
        unpinned,
        [neighbour(unpinned, "no registry is known", "registry.not_pinned", evidence__status=None)],
    )
    again = case(REINSTATED, "awarded after, from a new registry", awarded=year(2022))
    by_topic["14-reinstated"] = (
        "rule 14",
        again,
        [
            neighbour(again, "while suspended", "status.suspended", evidence__awarded=day("2021-08-31")),
            neighbour(again, "in the year of the suspension", "award.date_needed", evidence__awarded=year(2021)),
            neighbour(
                again,
                "from a registry made while suspended",
                "registry.not_pinned",
                evidence__status=source(REINSTATED, "RegistryDuring"),
            ),
        ],
    )
    once = case(
        REINSTATED,
        "after the suspension, no registry known",
        awarded=year(2022),
        status=None,
        requirement={"not_revoked": False},
    )
    by_topic["14-reinstated-without-registry"] = (
        "rule 14",
        once,
        [neighbour(once, "before the suspension", "registry.not_pinned", evidence__awarded=year(2020))],
    )
    gone = case(WITHDRAWN, "awarded before the withdrawal", awarded=year(2022))
    gone["evidence"]["status"] = source(WITHDRAWN, "RegistryBefore")
    by_topic["14-withdrawn"] = (
        "rule 14",
        gone,
        [
            neighbour(gone, "on the day of the withdrawal", "status.withdrawn", evidence__awarded=day("2023-05-01")),
            neighbour(gone, "in the year of the withdrawal", "award.date_needed", evidence__awarded=year(2023)),
            neighbour(
                gone,
                "from a later registry",
                "registry.not_pinned",
                evidence__status=source(WITHDRAWN, "RegistryAfter"),
            ),
        ],
    )
    twice = case(TWICE, "before both decisions", awarded=year(2020))
    twice["evidence"]["status"] = source(TWICE, "RegistryBefore")
    by_topic["14-suspended-then-withdrawn"] = (
        "rule 14",
        twice,
        [
            neighbour(twice, "between the decisions", "status.withdrawn", evidence__awarded=year(2022)),
            neighbour(
                twice,
                "a registry that only the later decision names",
                "registry.not_pinned",
                evidence__status=source(TWICE, "RegistryDuring"),
            ),
        ],
    )
    return by_topic
