"""Whatever a stranger puts in the place of a value, what it stands in is read or refused in our own words."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.webvh.foreign_log import NOW, ForeignLog
from tests.unit.webvh.test_moved import Centre

from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.webvh.document import DidDocument
from wanderbuch.plugins.webvh.log import check_log
from wanderbuch.plugins.webvh.resources import ResourceType, verify_resource

ODD: list[Any] = [None, True, 0, 1.5, "", "\u0000é", [], {}, [["x"]], [{}], {"a": {}}, 10**15]


def changed(value: Any) -> Iterator[Any]:
    """Yield a JSON value with each of its parts, and itself, replaced by each odd value."""
    for path in _paths(value):
        for odd in ODD:
            copied = [copy.deepcopy(value)]
            inside: Any = copied
            for step in (0, *path)[:-1]:
                inside = inside[step]
            inside[(0, *path)[-1]] = odd
            yield copied[0]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in parts:
        yield from _paths(part, (*path, step))


def refused(values: Iterator[Any], read: Callable[[Any], object]) -> int:
    count = 0
    for value in values:
        try:
            read(value)
        except WanderbuchError:
            count += 1
    return count


@pytest.fixture
def centre() -> Centre:
    return Centre()


def test_a_document_of_any_form_names_only_proper_keys(centre: Centre) -> None:
    key = {"controller": centre.old, "type": "Multikey", "publicKeyMultibase": centre.key.multikey}
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}
    document = {
        "verificationMethod": [{**key, "id": "#1"}, {**key, "id": "#2", "type": "JsonWebKey", "publicKeyJwk": jwk}],
        "assertionMethod": ["#1", "#2", {**key, "id": "#3"}],
    }
    assert len(DidDocument.of(centre.old, "1-x", document).assertion_keys) == 3
    for value in changed(document):
        if isinstance(value, dict):
            assert len(DidDocument.of(centre.old, "1-x", value).assertion_keys) <= 3


async def test_an_object_of_any_form_is_read_or_refused(centre: Centre) -> None:
    schema_id, body = await centre.schema(kid=f"{centre.old}#{centre.key.multikey}")
    log = centre.log.check()
    document = DidDocument.of(centre.old, log.version_id, log.document, log.names)

    def read(value: Any) -> None:
        received = json.dumps(value).encode()
        verify_resource(received, resource_id=schema_id, kind=ResourceType.SCHEMA, document=document, at=NOW)

    read(json.loads(body))
    values = list(changed(json.loads(body)))
    assert refused(iter(values), read) == len(values)


def test_an_entry_of_any_form_is_refused(centre: Centre) -> None:
    entry = centre.log.entries[0]
    values = [variant for variant in changed(entry) if variant != entry]
    assert refused(iter(values), lambda variant: check_log(centre.old, json.dumps(variant).encode(), at=NOW)) == len(
        values
    )


def test_parameters_of_any_form_are_read_or_refused_although_they_are_signed(centre: Centre) -> None:
    rule = {"threshold": 1, "witnesses": [{"id": centre.key.did}]}
    stated = {"updateKeys": ["x"], "nextKeyHashes": ["x"], "witness": rule, "watchers": ["x"], "ttl": 5}

    def read(value: Any) -> None:
        log = ForeignLog()
        log.add(parameters=value or {"x": value})
        log.check()

    assert refused(changed(stated), read) > 0


def test_a_document_of_any_form_is_read_or_refused_although_it_is_signed() -> None:
    document = {"alsoKnownAs": ["x"], "service": [{"id": "#x", "type": "x", "serviceEndpoint": "x"}]}

    def read(value: Any) -> None:
        log = ForeignLog()
        state = {"id": log.did, **value} if isinstance(value, dict) else {"id": value}
        log.add(state=state)
        verified = log.check()
        DidDocument.of(log.did, verified.version_id, verified.document, verified.names)

    assert refused(changed(document), read) > 0
