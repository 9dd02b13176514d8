"""Really signed material, changed as hosts might change it: nothing crashes, nothing is taken that was not signed.

`tests/unit/governance/test_any_input.py` does the same for any bytes and for files before they are signed.
"""

import asyncio
import contextlib
import itertools
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.abuse.mutations import mutated_jws, spelt, with_bytes_changed, with_json_changed
from tests.unit.governance import divided_files
from tests.unit.governance.conftest import EXAMPLE, NOW, KeyHolder, fresh
from tests.unit.governance.divided_files import Divided
from tests.unit.governance.signed.test_cosigning import Table
from tests.unit.trust.ecosystem import FileHost, payload
from tests.unit.trust.offline.test_stapling import Holder
from tests.unit.trust.publishers import PublishedAuthority, PublishedCentre
from tests.welders import accreditation

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.deciding.trqp import answer_authorization, parse_query
from wanderbuch.governance.divided.bulk import load_divided, load_partly
from wanderbuch.governance.divided.division import divide
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.bundle import Bundle, BundleError, read_bundle_file, write_bundle_file
from wanderbuch.governance.signed.freshness import FreshnessStatement, sign_freshness, verify_freshness
from wanderbuch.governance.signed.history import (
    Head,
    HistoryEntry,
    HistoryError,
    entries_match,
    head_of,
    read_entries,
    write_entries,
)
from wanderbuch.governance.signed.jws import unverified_payload
from wanderbuch.governance.signed.merkle import leaf_hash
from wanderbuch.governance.signed.signing import SignedGovernanceFile, missing_parties, sign_file, verify_file
from wanderbuch.governance.signed.stapling import read_staple


def by_chance(times: int) -> Callable[[Callable[[Random], None]], Callable[[], None]]:
    def wrap(test: Callable[[Random], None]) -> Callable[[], None]:
        return settings(max_examples=times, deadline=None)(given(st.integers(0, 2**48).map(Random))(test))

    return wrap


def finished[T](work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


# Signed files


@dataclass
class Signed:
    """Everything that was ever signed: by an author with one or two parties, or alone, and by a stranger.

    Args:
        forms: each signed text with who signed it, in its one form.
    """

    table: Table
    forms: dict[bytes, tuple[bytes, tuple[Did, ...]]]
    strangers: bytes
    before: GovernanceFile

    @property
    def donors(self) -> list[bytes]:
        return [*self.forms, self.strangers]


@cache
def signed() -> Signed:
    example = json.loads(EXAMPLE.read_bytes())
    table = Table(KeyHolder(example["author"]), example)
    payloads = [table.payload(threshold=2), table.payload(threshold=3, version=2), table.payload(parties=(), version=3)]
    forms = {}
    for one in payloads:
        parties = (table.employers, table.workers) if b"threshold" in one else ()
        for number in range(len(parties) + 1):
            for others in itertools.combinations(parties, number):
                jws = finished(table.signed(one, *others))
                forms[jws] = (one, (table.authority.did, *(other.did for other in others)))
    theirs = json.dumps(example).replace(table.authority.did, table.stranger.did).encode()
    strangers = finished(sign_file(theirs, table.stranger.kid, table.stranger.sign))
    return Signed(table, forms, strangers, parse_file(payloads[0]))


def read_mutated(chance: Random) -> str:
    """Verify a changed file and check what came of it; return which answer it was."""
    material = signed()
    changed = mutated_jws(chance, chance.choice(material.donors), material.donors)
    previous = chance.choice([None, material.before])
    legitimate = material.forms.get(changed)
    try:
        read = finished(material.table.verify(changed, previous))
    except WanderbuchError as err:
        if legitimate is not None:  # then it was refused for nothing but too few signatures
            assert missing_parties(legitimate[1], parse_file(legitimate[0]), previous)
        return err.code
    assert legitimate is not None, "what was taken was never signed so"
    content, signers = legitimate
    assert set(read.signers) == set(signers)
    assert not missing_parties(signers, read.file, previous)
    assert unverified_payload(read.jws) == content
    assert read.file == parse_file(content)
    return "accepted"


@by_chance(400)
def test_a_changed_file_is_refused_or_says_what_was_signed(chance: Random) -> None:
    read_mutated(chance)


def test_the_changes_reach_every_answer() -> None:
    answers = Counter(read_mutated(Random(seed)) for seed in range(200))  # noqa: S311
    assert answers["accepted"] > 10
    assert answers["governance.threshold"] > 3
    assert answers["governance.signature"] > 100


# Freshness statements


@cache
def statements() -> tuple[Signed, dict[bytes, FreshnessStatement], list[bytes]]:
    material = signed()
    author, stranger = material.table.authority, material.table.stranger
    made = {}
    for number, jws in enumerate(material.forms):
        file = (
            finished(verify_file(jws, author=author.did, resolve_key=material.table.resolve_key))
            if (not missing_parties(material.forms[jws][1], parse_file(material.forms[jws][0]), None))
            else None
        )
        if file is None:
            continue
        head = Head(number, "sha256:" + f"{number:x}" * 64) if number % 2 else None
        at = NOW - timedelta(minutes=number)
        one = FreshnessStatement.for_file(file.ref, at=at, lifetime=timedelta(hours=1), history=head)
        made[finished(sign_freshness(one, author.kid, author.sign))] = one
    theirs = finished(sign_freshness(next(iter(made.values())), stranger.kid, stranger.sign))
    return material, made, [*made, theirs, *material.donors]


@by_chance(500)
def test_a_changed_statement_is_refused_or_says_what_was_signed(chance: Random) -> None:
    material, made, donors = statements()
    changed = mutated_jws(chance, chance.choice(donors[: len(made) + 1]), donors)  # ours, and the stranger's
    table = material.table
    try:
        read = finished(verify_freshness(changed, author=table.authority.did, resolve_key=table.resolve_key, at=NOW))
    except WanderbuchError:
        assert changed not in made
    else:
        assert made[changed] == read


# Divided files


@cache
def divisions() -> tuple[KeyHolder, dict[bytes, tuple[Divided, GovernanceFile]], dict[str, bytes]]:
    """Two versions of one divided file, really signed: by their bytes; and all parts of both."""
    document = json.loads(EXAMPLE.read_bytes())
    author = KeyHolder(document["author"])
    versions: dict[bytes, tuple[Divided, GovernanceFile]] = {}
    parts: dict[str, bytes] = {}
    for version in (1, 2):
        payload = document | {"version": version}  # the first in a part for each bucket, the second in even ones
        made = Divided(*(divide(payload, 2) if version == 1 else divide(payload, 6, parts=2)))
        for number in range(6):
            changed = {"occupations": ["C51"], "excluded_occupations": []} if version == 2 and number == 3 else {}
            made.put(divided_files.record(number, divided_files.accreditation(number, **changed)))
        jws = finished(sign_file(json.dumps(made.root).encode(), author.kid, author.sign))
        root = finished(verify_file(jws, author=author.did, resolve_key=author.resolve_key))
        versions[jws] = made, load_divided(root, made.parts.__getitem__)
        parts |= made.parts
    return author, versions, parts


@by_chance(200)
def test_changed_parts_of_a_signed_root_are_refused_or_say_what_was_signed(chance: Random) -> None:
    author, versions, parts = divisions()
    jws = chance.choice(list(versions))
    sent = mutated_jws(chance, jws, list(versions)) if chance.random() < 0.2 else jws
    served = dict(versions[jws][0].parts)
    for _ in range(chance.choice([0, 1, 1, 2])):
        digest = chance.choice(list(served))
        match chance.randrange(4):
            case 0:
                served[digest] = parts[chance.choice(list(parts))]  # another bucket's, or the other version's
            case 1:
                served[digest] = with_bytes_changed(chance, served[digest], list(parts.values()))
            case 2 if served[digest][:1] == b"[":
                with contextlib.suppress(ValueError):
                    served[digest] = with_json_changed(chance, served[digest])
            case _:
                other = chance.choice(list(served))
                served[digest], served[other] = served[other], served[digest]
    one = divided_files.issuer(chance.randrange(6))
    try:
        root = finished(verify_file(sent, author=author.did, resolve_key=author.resolve_key))
        whole = load_divided(root, lambda digest: served.get(digest, b""))
        partly = load_partly(root, lambda digest: served.get(digest, b""), [one])
    except WanderbuchError:
        assert sent != jws or served != versions[jws][0].parts
        return
    assert whole == versions[sent][1]
    assert partly.index.by_issuer[one] == whole.index.by_issuer[one]


@by_chance(150)
def test_whatever_the_author_signs_as_a_part_is_read_or_refused_by_name(chance: Random) -> None:
    _, versions, _ = divisions()
    made, _ = chance.choice(list(versions.values()))
    resigned = Divided(json.loads(json.dumps(made.root)), dict(made.parts))
    bucket = chance.randrange(len(resigned.stated()["parts"]))
    resigned.replace_part(bucket, with_json_changed(chance, resigned.content(bucket)))
    with contextlib.suppress(WanderbuchError):
        resigned.load()


# Histories


def _history(why: str, entries: int) -> list[HistoryEntry]:
    digest = "sha256:" + "0" * 64
    return [
        HistoryEntry(n, NOW + timedelta(hours=n), "perera", "publication", f"{why} {n}: ගාල්ල", n + 1, digest)
        for n in range(entries)
    ]


HISTORY, OTHER_HISTORY = _history("a decision", 6), _history("another decision", 8)
HEADS = {size: head_of([leaf_hash(entry.line) for entry in HISTORY[:size]]) for size in (4, 6)}


@by_chance(500)
def test_a_changed_history_does_not_match_the_signed_head(chance: Random) -> None:
    lines = [entry.line for entry in HISTORY]
    for _ in range(chance.choice([0, 1, 2])):
        place = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                lines[place] = chance.choice(OTHER_HISTORY).line
            case 1:
                lines.insert(place, chance.choice(lines))
            case 2 if len(lines) > 1:
                del lines[place]
            case 3:
                lines[place] = spelt(chance, json.loads(lines[place]), 0.2).encode()
            case 4:
                chance.shuffle(lines)
            case _:
                lines[place] = with_bytes_changed(chance, lines[place], [entry.line for entry in OTHER_HISTORY])
                break  # what is no JSON any more is not changed any further
    received = b"".join(line + b"\n" for line in lines)
    if chance.random() < 0.2:
        received = with_bytes_changed(chance, received, [write_entries(OTHER_HISTORY)])
    size = chance.choice(list(HEADS))
    try:
        entries = read_entries(received, size=size)
    except HistoryError:
        assert received != write_entries(HISTORY)
        return
    assert entries_match(entries, HEADS[size]) == (entries == HISTORY[:size])


# Bundles and staples


@dataclass
class Stapled:
    """Two versions of one authority's file, of which the second no longer accredits, and another authority's."""

    holder: Holder
    staples: list[bytes]
    files: dict[tuple[str, datetime], GovernanceFile]  # by digest and until when its author vouches for it


@cache
def stapled() -> Stapled:
    return finished(_staple())


async def _staple() -> Stapled:
    now, staples, said_so = datetime.now(UTC).replace(microsecond=0), [], {}
    holders = []
    for _ in range(2):
        host = FileHost()
        authority = PublishedAuthority("authority", host.files, at=now)
        centre = PublishedCentre("centre", host.files, at=now)
        await centre.open(at=now)
        await authority.open(centre, at=now)
        holders.append(Holder(authority, centre, host, now))
    holder, other = holders
    for version in (1, 2):
        holder.now = now + timedelta(minutes=version)
        changed = {"occupations": ["C51"]} if version == 2 else {}
        one = accreditation([holder.centre.cred_def_id], **changed)
        await holder.serve(holder.authority, payload({holder.centre.did: [one]}, version=version))
        staples.append(await holder.staple())
        snapshot = await holder.open(staples[-1])
        assert snapshot.fresh_until is not None
        said_so[snapshot.digest, snapshot.fresh_until] = snapshot.file
    return Stapled(holder, [*staples, await other.staple()], said_so)


@by_chance(400)
def test_a_changed_archive_is_refused_or_holds_what_was_put_in(chance: Random) -> None:
    staples = stapled().staples
    received = chance.choice(staples)
    changed = received
    for _ in range(chance.choice([1, 1, 2, 3])):
        changed = with_bytes_changed(chance, changed, staples)
    with contextlib.suppress(BundleError):
        assert read_bundle_file(changed) in [read_bundle_file(staple) for staple in staples]


def test_an_archive_that_does_not_unpack_is_refused() -> None:
    """A broken deflate stream is an error of its own in Python's library, beside the one of a wrong checksum."""
    files = {f"https://x.test/{number}": b"%d" % number for number in range(20)}
    whole = Bundle(FILE.author, "https://x.test", NOW, (), files)
    received = write_bundle_file(whole)
    assert read_bundle_file(received) == whole
    begins = 30 + len("manifest.json")  # after the header of the first file
    causes: Counter[type] = Counter()
    for place in range(begins, begins + 400):
        with pytest.raises(BundleError) as refused:
            read_bundle_file(received[:place] + bytes([received[place] ^ 0xFF]) + received[place + 1 :])
        causes[type(refused.value.__cause__)] += 1
    assert causes[zlib.error] > 0
    assert causes[zipfile.BadZipFile] > 0


@by_chance(40)
def test_a_staple_with_files_exchanged_or_changed_is_refused_or_says_what_was_signed(chance: Random) -> None:
    material = stapled()
    bundles = [read_staple(staple) for staple in material.staples]
    bundle = chance.choice(bundles[:2])
    files = dict(bundle.files)
    for _ in range(chance.choice([0, 1, 1, 2])):
        url, other = chance.choice(list(files)), chance.choice(bundles)
        match chance.randrange(5):
            case 0:
                files[url] = next(body for name, body in other.files.items() if name.rpartition("/")[2] == _name(url))
            case 1:
                second = chance.choice(list(files))
                files[url], files[second] = files[second], files[url]
            case 2:
                files[url] = with_bytes_changed(chance, files[url], list(other.files.values()))
            case 3 if url.endswith(".jws") and files[url][:2] == b"ey":
                donors = [body for bundle in bundles for name, body in bundle.files.items() if name.endswith(".jws")]
                files[url] = mutated_jws(chance, files[url], donors)
            case _ if len(files) > 1:
                del files[url]
    changed = write_bundle_file(_relabelled(chance, replace(bundle, files=files), bundles))
    try:
        snapshot = finished(material.holder.open(changed))
    except WanderbuchError:
        assert files != bundle.files or read_bundle_file(changed).url != bundle.url
        return
    assert snapshot.fresh_until is not None
    assert material.files[snapshot.digest, snapshot.fresh_until] == snapshot.file


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _relabelled(chance: Random, bundle: Bundle, others: list[Bundle]) -> Bundle:
    """Say now and then that it is another's, from another place or time: the maker's word, which proves nothing."""
    if chance.random() < 0.8:
        return bundle
    other = chance.choice(others)
    return replace(bundle, author=other.author, url=chance.choice([bundle.url, other.url]), made_at=NOW)


# Questions


FILE = parse_file(EXAMPLE.read_bytes())
CENTRES = {accreditation.issuer for accreditation in FILE.accreditations}
QUESTIONS = [
    {"entity_id": did, "authority_id": FILE.author, "action": action, "resource": resource, "context": context}
    for did in sorted(participant.did for participant in FILE.participants)
    for action, resource in (("issue", "occupation=C7212;place=MLT;eqf=3"), ("verify", "reveal=award_year"))
    for context in ({}, {"time": "2025-06-30T00:00:00Z"})
]


@by_chance(500)
def test_a_changed_question_is_refused_or_answered_as_it_was_read(chance: Random) -> None:
    bodies = [json.dumps(question).encode() for question in QUESTIONS]
    changed = spelt(chance, chance.choice(QUESTIONS), chance.choice([0.0, 0.1, 0.4])).encode()
    for _ in range(chance.choice([0, 0, 1])):
        changed = with_bytes_changed(chance, changed, bodies)
    try:
        answer = answer_authorization(parse_query(changed), fresh(FILE), at=NOW).answer
    except WanderbuchError:
        assert changed not in bodies
        return
    asked = json.loads(changed)
    assert {name: asked[name] for name in ("entity_id", "authority_id", "action", "resource")} == {
        "entity_id": answer.entity_id,
        "authority_id": FILE.author,
        "action": answer.action,
        "resource": answer.resource,
    }
    if answer.authorized and answer.action == "issue":
        assert answer.entity_id in CENTRES
    elif answer.authorized:
        assert answer.entity_id in {verification.verifier for verification in FILE.verifications}


def test_the_questions_are_answered_both_ways() -> None:
    answers = {answer_authorization(parse_query(json.dumps(question).encode()), fresh(FILE), at=NOW).answer.authorized
               for question in QUESTIONS}  # fmt: skip
    assert answers == {True, False}


def test_the_material_is_really_signed() -> None:
    """What every test above starts from is accepted as it is."""
    material, made, _ = statements()
    assert len(made) >= 3
    assert len(material.forms) == 9
    assert all(isinstance(statement, FreshnessStatement) for statement in made.values())
    assert len(stapled().files) == 2
    table = material.table
    one = next(jws for jws, (content, signers) in material.forms.items() if len(signers) == 3)
    assert isinstance(finished(table.verify(one)), SignedGovernanceFile)
