"""The governance file of the decision vectors, in which every rule has somebody it concerns."""

from tests.vectors.decision_words import NVQ_NEW, NVQ_OLD, Json, accreditation, crosswalk, did, resource, source, status

AUTHORITY = did("Authority", "authority")
CENTRE = did("Centre", "centre")  # metal trades, two windows
UNION = did("Union", "union")  # several accreditations
SUSPENDED = did("Suspended", "suspended")
REINSTATED = did("Reinstated", "reinstated")
WITHDRAWN = did("Withdrawn", "withdrawn")
TWICE = did("Twice", "twice")  # suspended, then withdrawn
EXCLUDED = did("ExcLuded", "excluded")  # an exclusion in a withdrawn accreditation
EUROPEAN = did("European", "european")  # a range in EQF levels
INSTITUTE = did("Testing", "institute")  # languages, and work experience
STRANGER = did("Stranger", "stranger")
SCHEMA = resource(AUTHORITY, "Schema")
OTHER_SCHEMA = resource(AUTHORITY, "SchemaSecond")
LANGUAGE_SCHEMA = resource(AUTHORITY, "SchemaLanguage")
EXPERIENCE_SCHEMA = resource(AUTHORITY, "SchemaExperience")


def ecosystem() -> Json:
    accredited = {
        CENTRE: [
            accreditation(
                "A-1",
                CENTRE,
                excluded_occupations=["C7213"],
                intervals=[{"start": "2018-04-01", "end": "2020-12-31"}, {"start": "2022-07-01"}],
            )
        ],
        UNION: [
            accreditation(
                "U-1",
                UNION,
                jurisdictions=["LKA"],
                occupations=["C7126"],
                level_range={"framework": "LK-NVQ", "min": "1", "max": "3"},
            ),
            accreditation("U-2", UNION, intervals=[{"start": "2016-01-01", "end": "2020-06-30"}]),
            accreditation(
                "U-3", UNION, occupations=["C7212"], intervals=[{"start": "2020-07-01", "end": "2023-12-31"}]
            ),
            accreditation(
                "U-4",
                UNION,
                sources=[source(UNION, "CredDefSecond")],
                credential_types=["attendance/1.0"],
                jurisdictions=["MLT"],
            ),
        ],
        SUSPENDED: [
            accreditation(
                "S-1",
                SUSPENDED,
                status=[status("suspended", "2024-09-15", "2024-09-01", resource(SUSPENDED, "RegistryBefore"))],
            )
        ],
        REINSTATED: [
            accreditation(
                "R-1",
                REINSTATED,
                status=[
                    status("active", "2010-01-01", "2010-01-01"),
                    status("suspended", "2021-03-01", "2021-03-01", resource(REINSTATED, "RegistryBefore")),
                    status(
                        "active",
                        "2021-09-10",
                        "2021-09-01",
                        resource(REINSTATED, "RegistryBefore"),
                        resource(REINSTATED, "RegistryDuring"),
                    ),
                ],
            )
        ],
        WITHDRAWN: [
            accreditation(
                "W-1",
                WITHDRAWN,
                status=[status("withdrawn", "2023-05-01", "2023-05-01", resource(WITHDRAWN, "RegistryBefore"))],
            )
        ],
        TWICE: [
            accreditation(
                "T-1",
                TWICE,
                status=[
                    status("suspended", "2022-01-01", "2022-01-01", resource(TWICE, "RegistryBefore")),
                    status(
                        "withdrawn",
                        "2023-01-01",
                        "2023-01-01",
                        resource(TWICE, "RegistryBefore"),
                        resource(TWICE, "RegistryDuring"),
                    ),
                ],
            )
        ],
        EXCLUDED: [
            accreditation("X-1", EXCLUDED),
            accreditation(
                "X-2",
                EXCLUDED,
                occupations=["C71"],
                excluded_occupations=["C7214"],
                status=[status("withdrawn", "2020-01-01", "2020-01-01")],
            ),
        ],
        EUROPEAN: [accreditation("E-1", EUROPEAN, level_range={"framework": "EQF", "min": "3", "max": "4"})],
        INSTITUTE: [
            accreditation(
                "I-1",
                INSTITUTE,
                sources=[source(INSTITUTE, "CredDefLanguage")],
                credential_types=["language/1.0"],
                occupations=["mlt", "eng"],
                level_range={"framework": "CEFR", "min": "A1", "max": "B2"},
            ),
            accreditation(
                "I-2",
                INSTITUTE,
                sources=[source(INSTITUTE, "CredDefExperience")],
                credential_types=["experience/1.0"],
                level_range={"framework": "EQF", "min": "1", "max": "8"},
            ),
        ],
    }
    names = [AUTHORITY, *accredited]
    return {
        "@context": ["https://identity.foundation/credential-trust-establishment/context.jsonld"],
        "id": "b9b5ad5e-5a4a-4f0b-9d0c-6a2f7f1f4d10",
        "name": "Ecosystem of the decision vectors",
        "description": "EXAMPLE ONLY: invented for tests; the DIDs are placeholders.",
        "version": 7,
        "format": "1.0",
        "last_updated": "2026-11-02T08:00:00Z",
        "author": AUTHORITY,
        "schemas": [
            {"id": SCHEMA, "name": "qualification/1.0"},
            {"id": OTHER_SCHEMA, "name": "attendance/1.0"},
            {"id": LANGUAGE_SCHEMA, "name": "language/1.0"},
            {"id": EXPERIENCE_SCHEMA, "name": "experience/1.0"},
        ],
        "roles": {"issuer": {"issue": [SCHEMA, OTHER_SCHEMA]}},
        "participants": {
            "id": "9a0f4c35-1c8c-4a3f-8f0e-3b1b6ac1c7b2",
            "author": AUTHORITY,
            "created": "2026-11-02T08:00:00Z",
            "version": 1,
            "entries": {
                "https://identity.foundation/credential-trust-establishment/schemas/description.json": {
                    name: {"name": name.split(":")[3].split(".")[0].capitalize()} for name in names
                },
                "https://identity.foundation/credential-trust-establishment/schemas/roles.json": {
                    issuer: {"roles": [{"start": "2010-01-01T00:00:00Z", "role": "issuer"}]} for issuer in accredited
                },
                "https://w3id.org/wanderbuch/governance/1.0/accreditation.json": {
                    issuer: {"accreditations": statements} for issuer, statements in accredited.items()
                },
                "https://w3id.org/wanderbuch/governance/1.0/crosswalk.json": {
                    AUTHORITY: {
                        "crosswalks": [
                            crosswalk(
                                NVQ_OLD,
                                [None, 1, 2, 3, 4, 5, 6],
                                valid_from="2005-01-01",
                                valid_until="2019-06-30",
                            ),
                            crosswalk(NVQ_NEW, [1, 2, 3, 4, 5, 5, 6], valid_from="2019-07-01"),
                        ]
                    }
                },
            },
        },
    }
