"""What is different between two versions of a governance file, in words: who gained or lost what.

`differences` compares meaning, not text: occupations by the tree of ISCO-08, mandates day by day, statements by their
id wherever they stand in the file. Each `Difference` says what it does to trust; where all say `Effect.NONE`, no
decision comes out otherwise (`changes_trust`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from wanderbuch.governance.comparing.difference import ChangeSubject, Difference, Effect, changed_texts, matched
from wanderbuch.governance.comparing.scope_differences import (
    of_accreditations,
    of_listings,
    of_programmes,
    of_recognitions,
    of_refusals,
    of_regulations,
    of_successions,
    of_verifications,
)
from wanderbuch.governance.facts.file import Crosswalk, GovernanceFile, Participant
from wanderbuch.governance.facts.statements import Signatories

__all__ = ["Difference", "Effect", "changes_trust", "differences"]

_ORDER: Final = {Effect.LOSS: 0, Effect.CHANGE: 1, Effect.GAIN: 2, Effect.NONE: 3}


def differences(before: GovernanceFile | None, after: GovernanceFile) -> tuple[Difference, ...]:
    """Return what is different in `after`: losses first, then changes, gains, and what changes no trust.

    Args:
        before: the earlier version; None if there was none, so everything is gained.
        after: the later version.
    """
    changes = [
        *_of_files(before, after),
        *of_accreditations(before, after),
        *of_recognitions(before, after),
        *of_regulations(before, after),
        *of_successions(before, after),
        *of_verifications(before, after),
        *_of_crosswalks(before, after),
        *_of_signatories(before, after),
        *_of_participants(before, after),
        *of_programmes(before, after),
        *of_refusals(before, after),
        *of_listings(before, after),
    ]
    return tuple(sorted(changes, key=lambda difference: _ORDER[difference.effect]))


def changes_trust(changes: Iterable[Difference]) -> bool:
    """Return whether any decision could come out otherwise."""
    return any(difference.effect is not Effect.NONE for difference in changes)


def _of_files(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    file = ChangeSubject("file", after.id, after.name, "")
    if before is None:
        yield file.differs("first", Effect.NONE, f": this is the first version; its author is {after.author}")
    else:
        if before.id != after.id:
            text = (
                f": the file has another id: {after.id} in place of {before.id}; it is not a version of the same file"
            )
            yield file.differs("id-changed", Effect.CHANGE, text, before=before.id, after=after.id)
        if before.author != after.author:
            text = f": the author is now {after.author}, was {before.author}"
            yield file.differs("author-changed", Effect.CHANGE, text, before=before.author, after=after.author)
        if after.uri is not None and before.uri != after.uri:  # where others will look for what comes after
            text = f": it says now that it lies at {after.uri}, before: {before.uri or 'nowhere'}"
            yield file.differs("uri-changed", Effect.CHANGE, text, before=before.uri or "", after=after.uri)
        if before.version != after.version:
            text = f": version {after.version} follows version {before.version}"
            yield file.differs("version", Effect.NONE, text, before=before.version, after=after.version)
        texts = {
            name: (getattr(before, name), getattr(after, name)) for name in ("name", "description", "docs_uri", "ttl")
        }
        yield from changed_texts(file, texts)
    old_schemas = (
        frozenset()
        if before is None
        else frozenset((schema_listing.name, schema_listing.id) for schema_listing in before.schemas)
    )
    new_schemas = frozenset((schema_listing.name, schema_listing.id) for schema_listing in after.schemas)
    for name, schema in sorted(new_schemas - old_schemas):
        yield file.differs(
            "schema-listed", Effect.GAIN, f": {name} is listed: {schema}", credential_type=name, schema=schema
        )
    for name, schema in sorted(old_schemas - new_schemas):
        text = f": {name} is no longer listed: {schema}"
        yield file.differs("schema-removed", Effect.LOSS, text, credential_type=name, schema=schema)
    old_roles = {} if before is None else {role.name: role for role in before.roles}
    new_roles = {role.name: role for role in after.roles}
    changed = tuple(sorted(name for name in {*old_roles, *new_roles} if old_roles.get(name) != new_roles.get(name)))
    if changed:
        named = ", ".join(changed)
        text = f": what programs see that read the basic part alone changed: {named}; it grants nothing by itself"
        yield file.differs("roles-changed", Effect.NONE, text, roles=changed)


def _of_participants(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    old: Mapping[str, Participant] = (
        {} if before is None else {participant.did: participant for participant in before.participants}
    )
    new: Mapping[str, Participant] = {participant.did: participant for participant in after.participants}
    for did, was, now in matched(old, new):
        known = now or was
        participant = ChangeSubject("participant", did, (known.name if known else None) or did, "")
        if was is None:
            yield participant.differs("joined", Effect.NONE, f"is now in the file as {did}")
        elif now is None:
            yield participant.differs("left", Effect.NONE, f"is no longer in the file ({did})")
        else:
            if was.name != now.name:
                text = f"was called {was.name or 'nothing'} before"
                yield participant.differs("renamed", Effect.NONE, text, before=was.name or "", after=now.name or "")
            members = ("website", "email", "roles", "alias_dids")
            yield from changed_texts(participant, {name: (getattr(was, name), getattr(now, name)) for name in members})


def _of_crosswalks(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    def table(file: GovernanceFile | None) -> dict[tuple[str, str], Crosswalk]:
        return (
            {}
            if file is None
            else {(crosswalk.framework, crosswalk.version): crosswalk for crosswalk in file.crosswalks}
        )

    for (framework, version), was, now in matched(table(before), table(after)):
        crosswalk = ChangeSubject("crosswalk", framework, f"Levels of {framework}", version)
        if was is None:
            yield crosswalk.differs("added", Effect.GAIN, ": there is a new table to EQF")
        elif now is None:
            yield crosswalk.differs(
                "removed", Effect.LOSS, ": the table to EQF was removed; credentials that name it fail"
            )
        else:
            old_levels, new_levels = dict(was.levels), dict(now.levels)
            changed = tuple(
                level
                for level in dict.fromkeys((*old_levels, *new_levels))
                if old_levels.get(level, 0) != new_levels.get(level, 0)
            )
            if changed:
                rows = ", ".join(
                    f"{level} is {_eqf(new_levels.get(level, 0))}, was {_eqf(old_levels.get(level, 0))}"
                    for level in changed
                )
                yield crosswalk.differs("levels-changed", Effect.CHANGE, f": {rows}", levels=changed)
            elif tuple(old_levels) != tuple(new_levels):
                yield crosswalk.differs("levels-changed", Effect.CHANGE, ": the levels are others or in another order")
            if was.valid != now.valid:
                text = (
                    f": in force {now.valid.first} to {now.valid.last}, was {was.valid.first} to {was.valid.last}"
                ).replace("9999-12-31", "further notice")
                yield crosswalk.differs("days-changed", Effect.CHANGE, text)
            yield from changed_texts(crosswalk, {"source": (was.source, now.source)})


def _of_signatories(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    old = None if before is None else before.signatories
    new = after.signatories
    if old == new:
        return
    subject = ChangeSubject("signatories", after.author, "Who must sign", "")
    if new is None:
        yield subject.differs("removed", Effect.CHANGE, ": the author alone, as the file no longer names signatories")
        return
    text = f": {_signing(new)}; before: {_signing(old)}"
    dids = tuple(party.did for party in new.parties)
    yield subject.differs("changed", Effect.CHANGE, text, threshold=new.threshold, parties=dids)


def _signing(signatories: Signatories | None) -> str:
    if signatories is None:
        return "the author alone"
    # With their DIDs: whoever puts another key in the place of a party would keep its name.
    names = ", ".join(f"{party.name} ({party.kind.value}, {party.did})" for party in signatories.parties)
    return f"{signatories.threshold} of {len(signatories.parties)}: {names}"


def _eqf(level: int) -> str:
    return f"EQF {level}" if level else "without EQF level"
