"""Nobody reads foreign JSON but by `strict_json`: whoever adds another reader says here why that may be."""

import ast
from pathlib import Path

import pytest

import wanderbuch

ROOT = Path(wanderbuch.__file__).parent
READERS = {"loads", "load", "decode", "Decoder", "raw_decode", "JSONDecoder", "parse_raw", "from_json"}
MODULES = {"json", "msgspec", "orjson", "simplejson", "ujson", "pydantic_core"}
METHODS = {"model_validate_json", "validate_json", "json", "from_json", "value_json"}

OWN_STORE = "what this agent wrote to its own encrypted store"
OWN_LOG = "a log that this wallet made itself"
SHIPPED = "a file of this package"
CANONICAL = "typed, and refused unless written again it is the same bytes: no member twice, one form"

ALLOWED = {
    "strict_json.py:read_strict_json": "the reader",
    "strict_json.py:_mistake_in": "finds the place of a mistake, after depth and size were bounded",
    "strict_json.py:_twice_in": "finds the member that stands twice, after depth and size were bounded",
    "agents/authority/pages/languages.py:catalogue": SHIPPED,
    "agents/authority/published.py:_records_in": "a part that this authority made and named by its digest",
    "agents/authority/published.py:read_root": "the payload that this authority signed",
    "agents/authority/statements.py:statement": "the statement that this authority signed",
    "agents/authority/trqp_description.py:_schema": SHIPPED,
    "agents/cli/governance/answers.py:_read": "the answers that this command kept for itself",
    "agents/cli/governance/exporting.py:_signed": "what was made a line before",
    "agents/cli/tenant.py:_settings": "a file that the operator names on the command line",
    "agents/cli/witness.py:_read_memory": "the file that this witness keeps for itself",
    "agents/demo/abroad.py:abroad_payload": SHIPPED,
    "agents/demo/example.py:example_payload": SHIPPED,
    "agents/issuer/registries.py:all": OWN_STORE,
    "agents/issuer/registries.py:used": OWN_STORE,
    "agents/holder/reading.py:_read_all": OWN_STORE,
    "agents/holder/wallet.py:_with_revocation": OWN_STORE,
    "agents/machine/app_client.py:_call": "the answer of an agent that this process started itself, on this machine",
    "agents/runtime/app_site.py:_body": "read by strict_json the line before; pydantic then types the same bytes",
    "agents/runtime/gate/kept.py:count": OWN_STORE,
    "agents/runtime/store_postgresql.py:_own": OWN_STORE,
    "agents/runtime/gate/senders.py:_invitation": OWN_STORE,
    "store/events.py:read": OWN_STORE,
    "store/markers.py:_read": OWN_STORE,
    "store/record.py:read": OWN_STORE,
    "store/revisions.py:_fetch": OWN_STORE,
    "store/work.py:_read": OWN_STORE,
    "governance/json_lines.py:<module>": "looks for a line to show in what strict_json has judged; decides nothing",
    "governance/record_form.py:<module>": CANONICAL,
    "governance/record_form.py:value_of": CANONICAL,
    "plugins/trust/holding_messages.py:_size_of": "no reader: counts what ACA-Py has read already",
    "plugins/trust/judgements.py:_read": OWN_STORE,
    "plugins/trust/kept.py:_further": OWN_STORE,
    "plugins/trust/kept.py:load": OWN_STORE,
    "plugins/webvh/memory.py:_seen": OWN_STORE,
    "plugins/webvh/own.py:_parse": OWN_STORE,
    "plugins/webvh/own.py:document": OWN_LOG,
    "plugins/webvh/own.py:entries": OWN_LOG,
    "plugins/webvh/own.py:version_id": OWN_LOG,
    "plugins/webvh/own_resources.py:_parse": OWN_STORE,
    "plugins/webvh/registry.py:publish_kept_list": OWN_STORE,
    "schemas/data_file.py:read_json": SHIPPED,
}


def readers_in(source: str) -> set[str]:
    """Return the names of the functions that read JSON other than by `strict_json`; "<module>" outside of any."""
    found: set[str] = set()
    tree = ast.parse(source)
    aliases = set(MODULES)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {each.asname for each in node.names if each.asname and each.name.split(".")[0] in MODULES}
    from_modules = {
        each.asname or each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES
        for each in node.names
        if each.name in READERS
    }

    def walk(node: ast.AST, function: str) -> None:
        for child in ast.iter_child_nodes(node):
            inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            if isinstance(child, ast.Name) and child.id in from_modules:
                found.add(inside)
            if isinstance(child, ast.Attribute):
                base = child.value
                while isinstance(base, ast.Attribute):
                    base = base.value
                of_module = isinstance(base, ast.Name) and base.id in aliases
                if (of_module and child.attr in READERS) or (not of_module and child.attr in METHODS):
                    found.add(inside)
            walk(child, inside)

    walk(tree, "<module>")
    return found


def all_readers() -> set[str]:
    files = [
        path for part in ("agents", "plugins", "store", "governance", "schemas") for path in (ROOT / part).rglob("*.py")
    ]
    return {
        f"{path.relative_to(ROOT).as_posix()}:{function}"
        for path in [*files, *ROOT.glob("*.py")]
        for function in readers_in(path.read_text())
    }


def test_only_what_is_our_own_is_read_without_the_strict_reader() -> None:
    found = all_readers()
    assert found - ALLOWED.keys() == set(), "read it with strict_json, or say here why it is not foreign"
    assert ALLOWED.keys() - found == set(), "nothing there reads JSON any more: take the entry away"


@pytest.mark.parametrize(
    "source",
    [
        "import json\ndef f(x): return json.loads(x)",
        "import json as j\ndef f(x): return j.loads(x)",
        "from json import loads\ndef f(x): return loads(x)",
        "from json import loads as read\ndef f(x): return map(read, x)",
        "import msgspec\ndef f(x): return msgspec.json.decode(x)",
        "import orjson\ndef f(x): return orjson.loads(x)",
        "async def f(x): return await x.json()",
        "def f(x): return Model.model_validate_json(x)",
    ],
)
def test_a_raw_reader_is_seen(source: str) -> None:
    assert readers_in(source) == {"f"}


def test_writing_is_not_reading() -> None:
    assert readers_in("import json\ndef f(x): return json.dumps(x)") == set()
