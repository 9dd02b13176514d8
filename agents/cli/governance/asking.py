"""`wanderbuch governance explain`: why a question gets its answer, step by step."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from wanderbuch.agents.cli.governance.files import governance_file_in
from wanderbuch.agents.cli.governance.output import NO, JsonOption, console, print_json, refused
from wanderbuch.agents.cli.governance.question import QuestionInWords, parse_instant, parse_question
from wanderbuch.errors import GovernanceError
from wanderbuch.governance.deciding.decision import Explanation, explain
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.question import Purpose, Reason, TrustDecision, Verdict, plain
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

PurposeOption = Annotated[Purpose, typer.Option(help="What the credential is shown for.")]
RecognisedOption = Annotated[
    list[Path] | None,
    typer.Option(help="Governance file of another authority; once for each that the file may lead to.", metavar="FILE"),
]
OccupationOption = Annotated[
    str, typer.Option(help="ISCO-08 code, such as C7212, or its title, or words that no other title has.")
]
JurisdictionOption = Annotated[
    str,
    typer.Option("--jurisdiction", "--country", help="Where it must count: a country's name or code, such as MLT."),
]


def explain_question(
    file: Annotated[
        Path, typer.Argument(help="Governance file, unsigned or signed. Its signature is not checked here.")
    ],
    issuer: Annotated[str, typer.Option(help="DID of the issuer, or a part of its name in the file.")],
    occupation: OccupationOption,
    jurisdiction: JurisdictionOption,
    awarded: Annotated[str, typer.Option(help="Day or year of the award: 2024-05-01 or 2024.")],
    level: Annotated[int | None, typer.Option(help="Proven: EQF level this or more.", min=1, max=8)] = None,
    framework: Annotated[
        str | None, typer.Option(help="Framework of the level; by default the accreditation's.")
    ] = None,
    crosswalk: Annotated[
        str | None, typer.Option(help="Its version; by default the one in force at the award.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", "--cred-def", help="What signs, such as a credential definition; by default the one."),
    ] = None,
    credential_type: Annotated[str, typer.Option(help="Credential type.")] = "qualification/1.0",
    status: Annotated[
        str | None,
        typer.Option("--status", "--registry", help="Registry or status list by which non-revocation is proven."),
    ] = None,
    expires_on: Annotated[str | None, typer.Option(help="Last day of validity.")] = None,
    at: Annotated[str | None, typer.Option(help="Instant of the decision; by default now.")] = None,
    purpose: PurposeOption = Purpose.EMPLOYMENT,
    recognised: RecognisedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show step by step how the file answers a question, as if it were signed and fresh. Exit 0 if TRUSTED, else 1."""
    try:
        parsed = governance_file_in(file)
        others = tuple(governance_file_in(path) for path in recognised or ())
    except GovernanceError as err:
        refused(err, as_json=as_json)
    question = QuestionInWords(
        issuer, occupation, jurisdiction, level, awarded, framework, crosswalk, source, credential_type, status,
        expires_on, purpose,
    )  # fmt: skip
    requirement, evidence = parse_question(question, parsed, others)
    instant = datetime.now(UTC) if at is None else parse_instant(at)
    explanation = explain(requirement, evidence, unchecked_snapshot(parsed, others), at=instant)
    if as_json:
        print_json(_explanation_document(explanation))
    else:
        _show_explanation(explanation)
    if explanation.decision.verdict is not Verdict.TRUSTED:
        raise typer.Exit(NO)


def unchecked_snapshot(file: GovernanceFile, others: tuple[GovernanceFile, ...] = ()) -> GovernanceSnapshot:
    """Return a file as if it were signed and fresh, with a note that nobody checked it."""
    note = Reason("explain.unchecked", "Signature and freshness were not checked; this explains the content alone.")
    forever = datetime.max.replace(tzinfo=UTC)
    recognised = {
        governance_file.author: GovernanceSnapshot(governance_file, "unsigned", forever) for governance_file in others
    }
    return GovernanceSnapshot(file, "unsigned", forever, (note,), recognised=recognised)


def show_decision(decision: TrustDecision) -> None:
    """Print a decision for people: verdict, reasons, the authorities it rests on, whom to appeal to."""
    to = console()
    to.print(decision.verdict.value)
    for reason in decision.reasons:
        to.print(f"{reason.text} [{reason.code}]")
    for link in decision.chain:
        to.print(f"by way of {link.name} ({link.authority}), recognition {link.recognition}")
    for address in decision.redress:
        to.print(f"To appeal: {address}")


def decision_document(decision: TrustDecision) -> dict[str, Any]:
    """Return a decision as JSON."""
    return {
        "verdict": decision.verdict.value,
        "reasons": [plain(reason) for reason in decision.reasons],
        "chain": [plain(chain_link) for chain_link in decision.chain],
        "redress": list(decision.redress),
        "governance": None if decision.governance is None else plain(decision.governance),
        "decided_at": decision.decided_at.isoformat(),
    }


def _show_explanation(explanation: Explanation) -> None:
    table = Table("", "Rule", "Outcome", box=None, pad_edge=False)
    for step in explanation.steps:
        outcome = "yes" if step.failure is None else f"no: {step.failure.text}"
        table.add_row(str(step.number), step.title, outcome)
    to = console()
    to.print(table)
    to.print()
    show_decision(explanation.decision)


def _explanation_document(explanation: Explanation) -> dict[str, Any]:
    steps = [
        {"rule": step.number, "title": step.title, "ok": step.failure is None}
        | ({} if step.failure is None else {"failure": plain(step.failure)})
        for step in explanation.steps
    ]
    return {**decision_document(explanation.decision), "steps": steps}
