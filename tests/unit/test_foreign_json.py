"""Nobody reads foreign JSON but by `strict_json`: whoever adds another reader says here why that may be."""

import ast
import re
from pathlib import Path

import pytest

import wanderbuch

ROOT = Path(wanderbuch.__file__).parent
READERS = {"loads", "load", "decode", "Decoder", "raw_decode", "JSONDecoder", "parse_raw", "from_json"}
MODULES = {"json", "msgspec", "orjson", "simplejson", "ujson", "pydantic_core"}
METHODS = {"model_validate_json", "validate_json", "json", "from_json", "value_json"}
# Whoever reads names a module or a method; to parse all there is takes seconds.
MAY_READ = re.compile(rf"\b(?:{'|'.join(sorted(MODULES))})\b|\.\s*(?:{'|'.join(sorted(METHODS))})\b")

OWN_STORE = "what this agent wrote to its own encrypted store"
OWN_LOG = "a log that this wallet made itself"
SHIPPED = "a file of this package"
CANONICAL = "typed, and refused unless written again it is the same bytes: no member twice, one form"

STRICTLY = "what was read strictly a line before"
ATTACHED = "the text of an attachment that was read strictly when it came"
ALLOWED = {
    "strict_json.py:read_strict_json": "the reader",
    "strict_json.py:_mistake_in": "finds the place of a mistake, after depth and size were bounded",
    "strict_json.py:_twice_in": "finds the member that stands twice, after depth and size were bounded",
    "agents/authority/published.py:_records_in": "a part that this authority made and named by its digest",
    "agents/authority/published.py:read_root": "the payload that this authority signed",
    "agents/authority/statements.py:statement": "the statement that this authority signed",
    "agents/authority/trqp_description.py:_schema": SHIPPED,
    "agents/authority/trqp_didcomm.py:take": "the answer that was made a line before",
    "agents/mediator/pushing/subscriptions.py:_opened": "what we sealed under a key of our own",
    "agents/mediator/pushing/subscriptions.py:open_vapid_key": "our own key in the wallet store",
    "agents/cli/governance/answers.py:_read": "the answers that this command kept for itself",
    "agents/cli/governance/exporting.py:_signed": "what was made a line before",
    "agents/cli/tenant.py:_settings": "a file that the operator names on the command line",
    "agents/cli/witness.py:_read_memory": "the file that this witness keeps for itself",
    "agents/work/tenant_log.py:entries": "the lines that this tenant's people had written",
    "agents/verifier/pages/desk_asking.py:_read": "what the strict reader read, or what was made of a form",
    "agents/demo/abroad.py:abroad_payload": SHIPPED,
    "agents/demo/example.py:example_payload": SHIPPED,
    "agents/issuer/after_restore.py:_close_others": OWN_STORE,
    "agents/issuer/after_restore.py:close_registry": OWN_STORE,
    "agents/issuer/after_restore.py:_give_no_more": OWN_STORE,
    "agents/issuer/batches/claims.py:_unpacked": OWN_STORE,
    "agents/issuer/batches/claims.py:claim_in": OWN_STORE,
    "agents/issuer/batches/claims.py:replace_claim_in": OWN_STORE,
    "agents/issuer/batches/reached.py:forget_contact": OWN_STORE,
    "agents/issuer/batches/reached.py:read_contacts": OWN_STORE,
    "agents/issuer/mailing/mailing.py:mailed": OWN_STORE,
    "agents/issuer/mailing/mailing.py:mailed_rows": OWN_STORE,
    "agents/issuer/mailing/mailing.py:_change_page": OWN_STORE,
    "agents/issuer/personal_data.py:_look_for_erasure": OWN_STORE,
    "agents/issuer/closing.py:_give_no_more": OWN_STORE,
    "agents/issuer/places.py:_put_back": OWN_STORE,
    "agents/issuer/places.py:_take": OWN_STORE,
    "agents/issuer/places.py:_with_newest_list": OWN_STORE,
    "agents/issuer/registries.py:all": OWN_STORE,
    "agents/issuer/registries.py:used": OWN_STORE,
    "agents/holder/wallet.py:_held": OWN_STORE,
    "agents/holder/keeping.py:waiting_credential": OWN_STORE,
    "agents/authority/draft.py:as_read": "what was made a line before",
    "agents/holder/issuer_proofs.py:<module>": ATTACHED,
    "agents/holder/offer_text.py:_read": ATTACHED,
    "agents/holder/offer_text.py:read_text": OWN_STORE,
    "agents/holder/requesting.py:read_request": OWN_STORE,
    "store/upgrading.py:_is_old": OWN_STORE,
    "store/upgrading.py:_renew": OWN_STORE,
    "plugins/trust/verifying/seen.py:<module>": OWN_STORE,
    "plugins/trust/verifying/older_records.py:_verification": OWN_STORE,
    "plugins/exchange/connecting/acapy_entries.py:own_key_of": OWN_STORE,
    "plugins/exchange/connecting/acapy_entries.py:read_record": OWN_STORE,
    "plugins/exchange/connecting/adopting.py:_look": OWN_STORE,
    "plugins/exchange/connecting/reusing.py:_answer": OWN_STORE,
    "plugins/exchange/packing.py:pack": "the envelope that was made a line before",
    "plugins/exchange/payloads.py:read": OWN_STORE,
    "plugins/exchange/v2/own_peers.py:drop_peers": OWN_STORE,
    "plugins/exchange/v2/own_peers.py:kept_until": OWN_STORE,
    "agents/issuer/slip_sheets/drawing.py:main": "the order of the agent that started this process",
    "agents/issuer/slip_sheets/sheets.py:_drawn": "what a process of ours answers, which this one started",
    "agents/machine/app_client.py:_call": "the answer of an agent that this process started itself, on this machine",
    "agents/machine/prepared/requests.py:receive": "what the process that prepared this one asks of it",
    "agents/runtime/app_site.py:_body": "read by strict_json the line before; pydantic then types the same bytes",
    "agents/runtime/openapi.py:read_examples": "a file of ours, installed with the package",
    "agents/runtime/gate/kept.py:count": OWN_STORE,
    "agents/runtime/store_postgresql.py:_own": OWN_STORE,
    "agents/runtime/gate/senders.py:_invitation": OWN_STORE,
    "store/events.py:read": OWN_STORE,
    "store/markers.py:_read": OWN_STORE,
    "store/record.py:read": OWN_STORE,
    "store/revisions.py:_fetch": OWN_STORE,
    "store/work.py:_read": OWN_STORE,
    "governance/form/json_lines.py:<module>": "shows a line of what strict_json has judged; decides nothing",
    "governance/divided/record_form.py:<module>": CANONICAL,
    "governance/divided/record_form.py:value_of": CANONICAL,
    "plugins/trust/judgements.py:_read": OWN_STORE,
    "plugins/trust/following/kept.py:_further": OWN_STORE,
    "plugins/trust/following/kept.py:load": OWN_STORE,
    "plugins/exchange/v2/encrypting.py:_encrypt": "a key that was made a line before",
    "plugins/exchange/v2/sending.py:_forward": "the envelope that was made a line before",
    "plugins/exchange/endorsing/kept.py:subject_of": "a transaction that this agent made",
    "plugins/exchange/endorsing/messages.py:read_signature": "one signature of it is used, which is verified; its "
    "numbers are beyond 2^53",
    "plugins/indy/keeping.py:write_definition": OWN_STORE,
    "plugins/indy/keeping.py:write_registry": OWN_STORE,
    "plugins/indy/ledger.py:_ask": "bounded, and counts only where most nodes say the same; has numbers beyond 2^53",
    "plugins/indy/ledger.py:_opened": "what the library says of its own pool",
    "plugins/indy/ledger.py:read": "what was written anew of answers that were read strictly",
    "plugins/indy/registry.py:publish_kept_list": OWN_STORE,
    "plugins/trust/case_files/case_file.py:_content": STRICTLY,
    "plugins/trust/receipts/receipt.py:read_receipt": STRICTLY,
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
    if not MAY_READ.search(source):
        return set()
    readers: set[str] = set()
    tree = ast.parse(source)
    aliases = set(MODULES)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {name.asname for name in node.names if name.asname and name.name.split(".")[0] in MODULES}
    from_modules = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES
        for name in node.names
        if name.name in READERS
    }

    def walk(node: ast.AST, function: str) -> None:
        for child in ast.iter_child_nodes(node):
            inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            if isinstance(child, ast.Name) and child.id in from_modules:
                readers.add(inside)
            if isinstance(child, ast.Attribute):
                base = child.value
                while isinstance(base, ast.Attribute):
                    base = base.value
                of_module = isinstance(base, ast.Name) and base.id in aliases
                if (of_module and child.attr in READERS) or (not of_module and child.attr in METHODS):
                    readers.add(inside)
            walk(child, inside)

    walk(tree, "<module>")
    return readers


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
    readers = all_readers()
    assert readers - ALLOWED.keys() == set(), "read it with strict_json, or say here why it is not foreign"
    assert ALLOWED.keys() - readers == set(), "nothing there reads JSON any more: take the entry away"


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
