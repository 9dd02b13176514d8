import contextlib
import gc
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.governance.conftest import NOW, fresh, payload_of
from tests.unit.governance.divided_files import Divided, Json, accreditation, divided_evenly, issuer, record

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.deciding.decision import decide, eligible_sources
from wanderbuch.governance.divided.bulk import PartError, load_divided, load_partly
from wanderbuch.governance.divided.division import DivisionError, canonical, divide, division_of
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import PartMissingError
from wanderbuch.governance.facts.question import DateSpan, Evidence, Requirement, Verdict
from wanderbuch.governance.facts.sources import Binding, SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.form.records import split
from wanderbuch.governance.form.validation import parse_file

WELDER = Requirement("C7212", "MLT", 3, not_revoked=False)
EVERYBODY = tuple(issuer(number) for number in range(12))


@pytest.fixture(params=["a part for each bucket", "even parts"])
def divided(example: Json, request: pytest.FixtureRequest) -> Divided:
    """The example file and twelve more issuers: in eight parts of one bucket, or in three of several."""
    records = [record(number, accreditation(number, status=[])) for number in range(12)]
    if request.param == "even parts":
        return divided_evenly(example, *records, parts=3)
    made = Divided(*divide(example, 3))
    made.put(*records)
    return made


def evidence(number: int) -> Evidence:
    definition = accreditation(number)["sources"][0]
    return Evidence(
        issuer=issuer(number),
        source=SourceId.parse(definition),
        credential_type="qualification/1.0",
        occupation="C7212",
        proven_eqf_level=3,
        framework="LK-NVQ",
        crosswalk_version="example-nvq-eqf-1",
        awarded=DateSpan.of_year(2024),
        expires_on=None,
        status=StatusId.parse(definition),
        binding=Binding.LINK_SECRET,
    )


def verdict(file: GovernanceFile, number: int) -> Verdict:
    return decide(WELDER, evidence(number), fresh(file), at=NOW).verdict


def test_a_divided_file_says_what_the_whole_file_says(example: Json) -> None:
    whole = parse_file(payload_of(example))
    loaded = Divided(*divide(example, 3)).load()
    assert set(loaded.accreditations) == set(whole.accreditations)
    assert set(loaded.participants) == set(whole.participants)
    assert loaded.crosswalks == whole.crosswalks
    assert loaded.index.by_issuer == whole.index.by_issuer
    assert loaded.index.exclusions == whole.index.exclusions
    assert loaded.index.participants == whole.index.participants
    assert loaded.is_complete


def test_all_of_our_statements_come_through(example: Json) -> None:
    from tests.unit.governance.conftest import EXAMPLE

    document = json.loads(EXAMPLE.read_bytes())
    whole, loaded = parse_file(payload_of(document)), Divided(*divide(document, 2)).load()
    assert whole.programmes
    assert whole.verifications
    assert whole.refusals
    for name in ("programmes", "verifications", "refusals", "accreditations", "participants", "recognitions"):
        assert set(getattr(loaded, name)) == set(getattr(whole, name)), name
    assert loaded.regulations == whole.regulations


def test_decisions_on_a_divided_file(divided: Divided) -> None:
    loaded = divided.load()
    assert [verdict(loaded, number) for number in range(12)] == [Verdict.TRUSTED] * 12
    assert verdict(loaded, 13) is Verdict.NOT_TRUSTED  # every part was read, so nobody accredits this one
    assert len(eligible_sources(WELDER, fresh(loaded), at=NOW)) == 13


def test_whoever_stands_in_a_part_that_was_not_read_is_unknown(divided: Divided) -> None:
    partly = divided.load_partly(issuer(0))
    other = next(number for number in range(1, 12) if divided.number_of(issuer(number)) != divided.number_of(issuer(0)))
    assert not partly.is_complete
    assert verdict(partly, 0) is Verdict.TRUSTED
    assert verdict(partly, other) is Verdict.UNKNOWN
    nobody = next(
        number for number in range(13, 40) if divided.number_of(issuer(number)) == divided.number_of(issuer(0))
    )
    assert verdict(partly, nobody) is Verdict.NOT_TRUSTED


def test_of_a_did_on_a_ledger_the_parts_of_both_names_have_to_be_read(divided: Divided) -> None:
    partly = divided.load_partly(issuer(0))
    read = divided.number_of(issuer(0))
    letters = "abcdefghijkmnopqrstuvwxyz123456789"
    nyms = [f"V4SGRU86Z58d6TV7PBUe{first}{second}" for first in letters for second in letters]
    pairs = [(Did(f"did:sov:{nym}"), Did(f"did:indy:sovrin:{nym}")) for nym in nyms]
    same_bucket = [new for old, new in pairs if divided.number_of(new) == read == divided.number_of(old)]
    half = [new for old, new in pairs if divided.number_of(new) == read != divided.number_of(old)]
    assert same_bucket
    assert half
    assert all(map(partly.holds, same_bucket))
    assert not any(map(partly.holds, half))  # what stands under did:sov may exclude it
    assert not any(partly.holds(old) for old, _ in pairs)  # what excludes it may stand under any ledger's name
    whole = divided.load()
    assert all(whole.holds(old) for old, _ in pairs)
    assert divided.load_partly(half[0]).holds(half[0])  # whoever reads parts for it reads both


def test_tables_of_missing_parts_never_answer_by_absence(divided: Divided) -> None:
    partly = divided.load_partly(issuer(0))
    missing = next(did for did in EVERYBODY if not partly.holds(did))
    for table in (partly.index.by_issuer, partly.index.exclusions):
        with pytest.raises(PartMissingError):
            table.get(missing, ())
        with pytest.raises(PartMissingError):
            table[missing]
        with pytest.raises(PartMissingError):
            _ = missing in table
        assert table.get(issuer(0), ()) is not None
    with pytest.raises(PartMissingError):
        list(partly.index.concerning("C7212"))


def test_a_root_alone_knows_nobody(divided: Divided) -> None:
    root = divided.signed().file
    assert verdict(root, 0) is Verdict.UNKNOWN


def test_loading_partly_reads_only_the_parts_it_needs(divided: Divided) -> None:
    read: list[str] = []

    def read_part(digest: str) -> bytes:
        read.append(digest)
        return divided.parts[digest]

    dids = [issuer(0), issuer(1)]
    load_partly(divided.signed(), read_part, dids)
    assert sorted(read) == sorted({division_of(divided.root).part_of(did).digest for did in dids})


def test_refuses_another_content_under_a_signed_digest(divided: Divided) -> None:
    division = division_of(divided.root)
    part = division.part_of(issuer(0))
    forged = json.loads(divided.parts[part.digest])
    forged[0]["description"]["name"] = "Another"
    for content in (canonical(forged), divided.parts[part.digest][:-1], divided.parts[part.digest] + b" ", b"", b"[]"):
        with pytest.raises(DivisionError):
            load_divided(divided.signed(), (divided.parts | {part.digest: content}).__getitem__)


def test_a_part_that_cannot_be_read_is_no_word_against_the_file(divided: Divided) -> None:
    del divided.parts[division_of(divided.root).part_of(issuer(0)).digest]
    with pytest.raises(KeyError):
        divided.load()


def test_refuses_parts_in_each_others_place(divided: Divided) -> None:
    parts = divided.stated()["parts"]
    first, second = (
        divided.number_of(did)
        for did in (issuer(0), next(did for did in EVERYBODY if divided.number_of(did) != divided.number_of(issuer(0))))
    )
    parts[first], parts[second] = parts[second], parts[first]
    with pytest.raises(PartError, match="bucket"):
        divided.load()


@pytest.mark.parametrize("change", [lambda parts: parts.pop(), lambda parts: parts.append(parts[0])])
def test_refuses_a_root_with_a_part_too_few_or_too_many(divided: Divided, change: Callable[[list[Json]], Any]) -> None:
    change(divided.stated()["parts"])
    with pytest.raises(GovernanceError, match="expected parts of"):
        divided.load()


@pytest.mark.parametrize("moved", [1, -1])
def test_refuses_a_root_that_moves_where_a_part_ends(example: Json, moved: int) -> None:
    divided = divided_evenly(example, *(record(number) for number in range(12)), parts=3)
    first, second, *_ = divided.stated()["parts"]
    before = [divided.number_of(did) for did in EVERYBODY]
    while [divided.number_of(did) for did in EVERYBODY] == before:
        first["buckets"] += moved
        second["buckets"] -= moved
    with pytest.raises(PartError, match="bucket"):
        divided.load()


def test_refuses_a_whole_file(example: Json) -> None:
    with pytest.raises(DivisionError, match="whole"):
        Divided(example, {}).load()


def contents(divided: Divided, *numbers: int) -> tuple[int, list[Json]]:
    """Return a bucket and its records, with those of some issuers that belong to it."""
    bucket = divided.number_of(issuer(numbers[0]))
    return bucket, json.loads(divided.content(bucket))


def test_refuses_records_out_of_order_or_twice(divided: Divided) -> None:
    bucket, records = next(filled for number in range(12) if len((filled := contents(divided, number))[1]) > 1)
    divided.replace_part(bucket, canonical(records))
    divided.load()
    for wrong in (records[::-1], [*records, records[-1]], [records[0], *records]):
        divided.replace_part(bucket, canonical(wrong))
        with pytest.raises(PartError, match="sorted"):
            divided.load()


@pytest.mark.parametrize(
    "other",
    [
        lambda text: text.replace(b'"did":', b'"did": ', 1),
        lambda text: text.replace(b'"LKA"', b'"\\u004cKA"', 1),
        lambda text: text + b"\n",
        lambda text: text.replace(b'"description":', b'"description":{"name":"Twice"},"description":', 1),
        lambda text: text.replace(
            b'"level_range":', b'"level_range":{"framework":"EQF","max":"8","min":"1"},"level_range":', 1
        ),
        lambda text: text.replace(
            b'{"framework":"LK-NVQ","max":"4","min":"2"}', b'{"framework":"LK-NVQ","min":"2","max":"4"}', 1
        ),
        lambda text: text.replace(b'"max":"4",', b'"max":"8","max":"4",', 1),
        lambda text: text.replace(b'"name":"Centre 0"', b'"name":"Twice","name":"Centre 0"', 1),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text[:-1],
        lambda text: text.replace(b"Centre 0", b"Centre \xff", 1),
        lambda text: text.replace(b"Centre 0", b"Centre \\ud800", 1),
    ],
)
def test_refuses_every_form_but_the_canonical_one(example: Json, other: Callable[[bytes], bytes]) -> None:
    divided = Divided(*divide(example, 1))
    divided.put(record(0, accreditation(0)))
    divided.load()
    bucket = divided.number_of(issuer(0))
    content = divided.content(bucket)
    assert other(content) != content
    divided.replace_part(bucket, other(content))
    with pytest.raises(PartError):
        divided.load()


@pytest.mark.parametrize("content", [b"{}", b"null", b"1", b"[1]", b"[{}]", b"[" * 100_000, b'[{"did":1}]', b""])
def test_refuses_what_is_no_list_of_records(divided: Divided, content: bytes) -> None:
    divided.replace_part(0, content)
    with pytest.raises(GovernanceError):
        divided.load()


def test_an_empty_part_says_nothing(example: Json) -> None:
    divided = Divided(*divide(example, 1))
    divided.replace_part(0, b"[]")
    divided.replace_part(1, b"[]")
    assert divided.load().accreditations == ()


def test_refuses_an_id_that_stands_in_two_parts(divided: Divided) -> None:
    other = next(number for number in range(1, 12) if divided.number_of(issuer(number)) != divided.number_of(issuer(0)))
    divided.put(record(other, accreditation(other, id="TA-0000", status=[])))
    with pytest.raises(PartError, match="id of an accreditation once"):
        divided.load()


def test_refuses_a_record_both_in_the_root_and_in_a_part(divided: Divided) -> None:
    author = divided.root["author"]
    divided.put({"did": author, "description": {"name": "Another"}})
    with pytest.raises(PartError, match="in the root too"):
        divided.load()


def test_who_is_only_mentioned_in_the_root_may_have_a_record(divided: Divided) -> None:
    assert divided.root["author"] in split(divided.root)[1]
    divided.root["participants"]["entries"]["https://example.org/unknown.json"] = {str(issuer(0)): {"anything": True}}
    assert verdict(divided.load(), 0) is Verdict.TRUSTED


def test_the_collector_is_as_it_was(divided: Divided) -> None:
    divided.load()
    assert gc.isenabled()
    divided.replace_part(0, b"{}")
    with pytest.raises(PartError):
        divided.load()
    assert gc.isenabled()


def test_values_that_repeat_are_the_same_object(divided: Divided) -> None:
    divided.put(record(20, accreditation(20)), record(21, accreditation(21)))
    by_issuer = divided.load().index.by_issuer
    one, other = by_issuer[issuer(20)][0], by_issuer[issuer(21)][0]
    for name in ("occupations", "jurisdictions", "intervals", "level_range", "accrediting_agent", "redress"):
        assert getattr(one, name) is getattr(other, name), name


@settings(max_examples=examples(100), deadline=None)
@given(st.data())
def test_no_bytes_are_taken_without_the_signed_digest_and_none_crash(data: st.DataObject) -> None:
    good = canonical([record(0, accreditation(0))])
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 20)))
    changed = good[:start] + data.draw(st.binary(max_size=12)) + good[end:]
    divided = FUZZED
    digest = divided.stated()["parts"][divided.number_of(issuer(0))]["digest"]
    signed = divided.signed()
    if changed != divided.parts[digest]:
        with pytest.raises(DivisionError):
            load_partly(signed, {digest: changed}.__getitem__, [issuer(0)])
    resigned = Divided(json.loads(json.dumps(divided.root)), dict(divided.parts))
    resigned.replace_part(divided.number_of(issuer(0)), changed)
    with contextlib.suppress(PartError):  # the author may sign anything: it is read, or refused by name
        resigned.load_partly(issuer(0))


def _fuzzed() -> Divided:
    from tests.unit.governance.conftest import EXAMPLE

    divided = Divided(*divide(json.loads(EXAMPLE.read_bytes()), 1))
    divided.put(record(0, accreditation(0)))
    return divided


FUZZED = _fuzzed()
