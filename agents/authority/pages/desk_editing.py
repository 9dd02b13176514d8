"""Editing at the desk: what a draft says of one institution or authority, statement by statement, without JSON."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from wanderbuch.agents.authority.cte_roles import role_of_issuer
from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.authority.draft_changes import Base
from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.authority.pages.author_forms import FRAMEWORKS, as_kept, as_shown, names_of_parties
from wanderbuch.agents.authority.pages.beginnings import begun
from wanderbuch.agents.authority.pages.desk import BASE, DeskPages, DeskVisit
from wanderbuch.agents.authority.pages.draft_view import place_of, statements_of
from wanderbuch.agents.authority.pages.listed_forms import as_edited, as_listed, forms_for
from wanderbuch.agents.authority.pages.search import Query
from wanderbuch.agents.authority.pages.statement_form import StatementForm
from wanderbuch.agents.authority.pages.statement_forms import DESCRIPTION_FORM
from wanderbuch.agents.authority.suspension import is_suspended, lists_to_lift, reinstated
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.fields import (
    Shown,
    all_countries,
    all_occupations,
    place_findings,
    read,
    shown,
)
from wanderbuch.agents.site.folding import folded
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.site.sections import in_sections
from wanderbuch.agents.work.case import check_why
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.findings import Finding, Severity
from wanderbuch.governance.form.present_form import as_written, record_in_present_form
from wanderbuch.governance.form.records import is_register_id
from wanderbuch.store.records import NotFoundError

_NEW: Final = "new"


class DeskEditing:
    """The handlers of the editor.

    Args:
        desk: lets only officials in, and shows pages.
    """

    def __init__(self, desk: DeskPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        draft = f"{BASE}/{{language}}/draft/{{id}}"
        served = self._desk.served
        return {
            ("GET", f"{draft}/record"): served(self._record),
            ("POST", f"{draft}/record"): served(self._save_description),
            ("POST", f"{draft}/trusted"): served(self._save_trusted),
            ("POST", f"{draft}/lift"): served(self._lift),
            ("GET", f"{draft}/statement"): served(self._statement),
            ("POST", f"{draft}/statement"): served(self._save_statement),
        }

    async def _record(self, visit: DeskVisit) -> web.StreamResponse:
        draft, did = await visit.draft(), _did(visit.request.query.get("did", ""))
        record, header, _ = await _now(visit, did)
        fields = shown(DESCRIPTION_FORM, record.get("description") or {}, visit.words)
        findings = [finding for finding in await visit.parts.drafts.findings(draft.id) if place_of(finding).did == did]
        own = [(place_of(finding).path, finding) for finding in findings if not place_of(finding).member]
        placed, hints = _sorted_out(fields, own)
        listed = [
            (
                form,
                statements_of(form, record, header, did),
                [finding for finding in findings if place_of(finding).member == form.member],
            )
            for form in forms_for(did, str(visit.parts.author)).values()
        ]
        return self._desk.show(
            visit,
            "desk_record.html",
            draft=draft,
            did=did,
            name=(record.get("description") or {}).get("name"),
            fields=fields,
            placed=placed,
            hints=hints,
            listed=listed,
            editable=draft.state is DraftState.OPEN,
            saved="saved" in visit.request.query,
            may_lift=is_suspended(record),
            frameworks=FRAMEWORKS,
            trusted=next(
                (trusted.get("uri", "") for trusted in _trusted(header) if trusted.get("publisher") == did), ""
            ),
        )

    async def _save_description(self, visit: DeskVisit) -> web.StreamResponse:
        draft, did = await visit.draft(), _did(visit.text("did"))
        record, _, base = await _now(visit, did)
        before = record.get("description")
        record["description"] = read(
            DESCRIPTION_FORM, visit.sent, before if isinstance(before, dict) else {}, visit.words
        )
        await visit.parts.drafts.edit(
            draft.id, visit.official, records={did: as_listed(did, record)}, revision=_revision(visit), base=base
        )
        return visit.go(f"/draft/{draft.id}/record", did=did, saved=1)

    async def _save_trusted(self, visit: DeskVisit) -> web.StreamResponse:
        """Say where another authority's file is, or, with an empty address, that it is not read."""
        draft, did = await visit.draft(), _did(visit.text("did"))
        _, header, base = await _now(visit, did)
        listed = [entry for entry in _trusted(header) if entry.get("publisher") != did]
        if uri := visit.text("uri"):
            listed.append({"publisher": str(did), "uri": uri})
        changes = {"trusted_governance": listed or None}
        await visit.parts.drafts.edit(draft.id, visit.official, header=changes, revision=_revision(visit), base=base)
        return visit.go(f"/draft/{draft.id}/record", did=did, saved=1)

    async def _lift(self, visit: DeskVisit) -> web.StreamResponse:
        """Lift the suspension of what is suspended, in this draft; it is approved and published as any other."""
        visit.official.must(OfficialRole.EDITOR)
        draft, did, reason = await visit.draft(), _did(visit.text("did")), check_why(visit.text("why"))
        named = [line.strip() for line in visit.text("statuses").splitlines() if line.strip()]
        listed = await visit.parts.desk.lists_of(did)
        record, _, base = await _now(visit, did)
        today = visit.parts.desk.publication.clock().date()
        lists = lists_to_lift(record, listed, named)
        lifted = reinstated(record, decided_on=today, effective_from=today, statuses=lists, reason=reason)
        await visit.parts.drafts.edit(
            draft.id, visit.official, records={did: as_listed(did, lifted)}, revision=_revision(visit), base=base
        )
        return visit.go(f"/draft/{draft.id}/record", did=did, saved=1)

    async def _statement(self, visit: DeskVisit) -> web.StreamResponse:
        query = visit.request.query
        did = _did(query.get("did", ""))
        form = _form_of(visit, query.get("kind", ""), did)
        record, header, _ = await _now(visit, did)
        others = statements_of(form, record, header, did)
        number, statement = _chosen(others, query.get("at", _NEW))
        if number is None:
            asked = query.get("framework", "")
            statement = await begun(visit.parts, form, record, others, framework=asked if asked in FRAMEWORKS else "")
        return await self._statement_page(visit, form, did, number, statement, saved="saved" in query)

    async def _statement_page(
        self,
        visit: DeskVisit,
        form: StatementForm,
        did: str,
        number: int | None,
        statement: Mapping[str, Any],
        *,
        extra: str = "",
        saved: bool = False,
    ) -> web.StreamResponse:
        draft = await visit.draft()
        record, _, _ = await _now(visit, did)
        fields = shown(form.fields, as_shown(form, statement), visit.words, extra=extra)
        findings: list[tuple[str, Finding]] = []
        if number is not None and not extra:
            for finding in await visit.parts.drafts.findings(draft.id):
                place = place_of(finding)
                if (place.did, place.member, place.number) == (did, form.member, number):
                    findings.append((place.path, finding))
        placed, hints = _sorted_out(fields, findings)
        return self._desk.show(
            visit,
            "desk_statement.html",
            draft=draft,
            did=did,
            name=(record.get("description") or {}).get("name"),
            form=form,
            number=number,
            sections=in_sections(form.sections, fields, extra=extra),
            placed=placed,
            hints=hints,
            occupations=all_occupations(visit.words),
            countries=all_countries(visit.words),
            editable=draft.state is DraftState.OPEN,
            saved=saved,
            extra=extra,
        )

    async def _save_statement(self, visit: DeskVisit) -> web.StreamResponse:
        did = _did(visit.text("did"))
        form = _form_of(visit, visit.text("kind"), did)
        draft = await visit.draft()
        record, header, base = await _now(visit, did)
        statements = statements_of(form, record, header, did)
        number, before = _chosen(statements, visit.text("at") or _NEW)
        statement = read(form.fields, visit.sent, before, visit.words)
        if form.member == "accreditations":
            statement = as_written(statement)
        others = [other for position, other in enumerate(statements) if position != number]
        named = await _named(visit, names_of_parties(form, statement))
        statement = as_kept(form, statement, others, named)
        if extra := visit.text("add"):
            return await self._statement_page(visit, form, did, number, statement, extra=extra)
        if visit.text("remove"):
            if number is None:
                return visit.go(f"/draft/{draft.id}/record", did=did)
            del statements[number]
        elif form.is_single:
            statements, number = [statement], 0
        elif number is None:
            statements.append(statement)
            number = len(statements) - 1
        else:
            statements[number] = statement
        if form.is_header:
            await self._keep_in_header(visit, draft.id, form, header, did, statements, base)
        else:
            changed = {member: value for member, value in record.items() if member != form.member}
            if statements:
                changed[form.member] = statements
            if form.member == "accreditations" and statements and "roles" not in record and not is_register_id(did):
                changed |= role_of_issuer(statements, header)
            kept = as_listed(did, changed)
            await visit.parts.drafts.edit(
                draft.id, visit.official, records={did: kept}, revision=_revision(visit), base=base
            )
        if visit.text("remove"):
            return visit.go(f"/draft/{draft.id}/record", did=did, saved=1)
        return visit.go(f"/draft/{draft.id}/statement", did=did, kind=form.member, at=number, saved=1)

    async def _keep_in_header(
        self,
        visit: DeskVisit,
        draft_id: str,
        form: StatementForm,
        header: Mapping[str, Any],
        did: str,
        statements: list[Any],
        base: Base,
    ) -> None:
        statement = dict(header.get("participants", {}).get("entries", {}).get(form.schema, {}))
        statement.pop(did, None)
        if statements:
            statement[did] = statements[0] if form.is_single else {form.member: statements}
        await visit.parts.drafts.edit(
            draft_id, visit.official, header={form.schema: statement or None}, revision=_revision(visit), base=base
        )


def _trusted(header: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = header.get("trusted_governance")
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


async def _named(visit: DeskVisit, names: Sequence[str]) -> dict[str, str]:
    """Return the DIDs of participants by their names, of those names that one participant has."""
    facts = await visit.parts.register.facts() if names else None
    if facts is None:
        return {}
    named: dict[str, str] = {}
    for name in names:
        dids = [did for did in facts.tables.find(Query(name=name)).dids if not is_register_id(did)]
        alike = [did for did in dids if folded(facts.tables.name_of(did) or "") == folded(name)]
        if len(alike) == 1:
            named[name] = str(alike[0])
    return named


def _sorted_out(
    fields: Sequence[Shown], findings: Sequence[tuple[str, Finding]]
) -> tuple[list[tuple[Shown | None, Finding]], list[Finding]]:
    """Put mistakes at their fields and return them, and beside them what is only worth a second look."""
    mistakes = [(path, finding) for path, finding in findings if finding.severity is Severity.ERROR]
    hints = [finding for _, finding in findings if finding.severity is not Severity.ERROR]
    return place_findings(fields, mistakes), hints


async def _now(visit: DeskVisit, did: str) -> tuple[dict[str, Any], dict[str, Any], Base]:
    """Return the record of a participant and the header as the draft has them, and the version of the file below."""
    drafts, draft_id = visit.parts.drafts, visit.request.match_info["id"]
    base = await drafts.base()
    record, header = await drafts.record(draft_id, did, base=base), await drafts.header(draft_id, base=base)
    if is_register_id(did):
        return copy.deepcopy(as_edited(did, record)), header, base
    return copy.deepcopy(record_in_present_form(record or {"did": str(did)})), header, base


def _chosen(statements: list[Any], asked: str) -> tuple[int | None, dict[str, Any]]:
    """Return the number and the statement that the address names; None and an empty one for a new one."""
    if asked == _NEW:
        return None, {}
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else -1
    if not 0 <= number < len(statements):
        raise NotFoundError("there is no such statement in this draft")
    statement = statements[number]
    return number, dict(statement) if isinstance(statement, dict) else {}


def _form_of(visit: DeskVisit, kind: str, did: str) -> StatementForm:
    form = forms_for(did, str(visit.parts.author)).get(kind)
    if form is None:
        raise MalformedError("expected a kind of statement that can be edited here")
    return form


def _revision(visit: DeskVisit) -> int:
    """Return the revision that the editor saw, so that nobody overwrites what another wrote meanwhile."""
    text = visit.text("revision")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise MalformedError("expected the revision that was read")
    return int(text)


def _did(text: str) -> str:
    """Return the DID or the register id that an address or a form names."""
    asked = text.strip()
    return asked if asked and is_register_id(asked) else Did.parse(asked)
