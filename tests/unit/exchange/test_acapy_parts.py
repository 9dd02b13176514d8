"""The parts of ACA-Py whose behaviour we mirror, or write entries for, are the ones that we read (docs/adr/0034).

Digests are of the code without comments and docstrings. After an upgrade of ACA-Py this test names each part that has
changed, and what of ours rests on it: look at that, then write the new digest here. All of them anew:

    python -m tests.unit.exchange.test_acapy_parts
"""

import ast
import hashlib
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

_ROOT: Final = Path(__file__).parents[3]
_PATH: Final = re.compile(r"\b(?:agents|docs|governance|plugins|schemas)/[\w./-]*\w")
_VERIFYING: Final = (
    "plugins/trust/verifying/anoncreds/cryptography.py and docs/adr/0034's table: every check of ACA-Py's verifier"
)
_RESOLVING: Final = "plugins/exchange/anoncreds/objects.py: what registries return, in which form"
_CONNECTIONS: Final = "plugins/exchange/connecting/acapy_entries.py: the entries of a connection that we write and read"
_SENDERS: Final = "agents/runtime/gate/senders.py: how ACA-Py finds the connection of a pair of keys"
_ISSUING: Final = "agents/issuer: registries, their places and lists, and the record of what was issued"
_HOLDING: Final = "agents/holder: the link secret, and the form in which credentials are kept"
_RUNNING: Final = "agents/runtime: what starts, what is bound, and which messages go on to ACA-Py's dispatcher"
_STORING: Final = (
    "agents/runtime/store.py: sessions and profiles, which are opened, kept and watched in a way of our own"
)
_PACKING: Final = (
    "plugins/exchange/packing.py and agents/runtime/gate/envelope.py: envelopes as ACA-Py makes and opens them"
)
_REGISTERING: Final = "plugins/webvh and plugins/indy: registries and resolvers under ACA-Py's own"

PARTS: Final[dict[str, tuple[str, str]]] = {
    "acapy_agent.anoncreds.verifier:AnonCredsVerifier.verify_presentation": ("372ee98a468608d7", _VERIFYING),
    "acapy_agent.anoncreds.verifier:AnonCredsVerifier.non_revoc_intervals": ("a5d60539f4f7028c", _VERIFYING),
    "acapy_agent.anoncreds.verifier:AnonCredsVerifier.check_timestamps": ("b6df3b5919d172d3", _VERIFYING),
    "acapy_agent.anoncreds.verifier:AnonCredsVerifier.pre_verify": ("8e7fe949d6c6ed02", _VERIFYING),
    "acapy_agent.anoncreds.verifier:AnonCredsVerifier.process_pres_identifiers": ("85c4e1d57dc0aeb5", _VERIFYING),
    "acapy_agent.anoncreds.verifier:PresVerifyMsg": ("d0b6ba13f4f42a3a", _VERIFYING),
    "acapy_agent.anoncreds.models.utils:extract_non_revocation_intervals_from_proof_request": (
        "d81cc45112ab3b95",
        _VERIFYING,
    ),
    "acapy_agent.messaging.util:encode": ("70e9a473e4fd26b1", _VERIFYING),
    "acapy_agent.messaging.util:canon": ("45741adb9d463356", _VERIFYING),
    "acapy_agent.anoncreds.registry:AnonCredsRegistry._resolver_for_identifier": ("eb326eab21a6dcf7", _RESOLVING),
    "acapy_agent.anoncreds.registry:AnonCredsRegistry.get_schema": ("2ba2acc5be29319e", _RESOLVING),
    "acapy_agent.anoncreds.registry:AnonCredsRegistry.get_credential_definition": ("f1785311c720494e", _RESOLVING),
    "acapy_agent.anoncreds.registry:AnonCredsRegistry.get_revocation_registry_definition": (
        "c0b13b43d4de991b",
        _RESOLVING,
    ),
    "acapy_agent.anoncreds.registry:AnonCredsRegistry.get_revocation_list": ("1c687211c464ff94", _RESOLVING),
    "acapy_agent.anoncreds.models.schema:AnonCredsSchema": ("8b4e5eaa1235a43b", _RESOLVING),
    "acapy_agent.anoncreds.models.schema:AnonCredsSchemaSchema": ("7b547f694524b908", _RESOLVING),
    "acapy_agent.anoncreds.models.credential_definition:CredDef": ("f8f8eb792659c726", _RESOLVING),
    "acapy_agent.anoncreds.models.credential_definition:CredDefSchema": ("db2b5b67e4cd94e6", _RESOLVING),
    "acapy_agent.anoncreds.models.credential_definition:CredDefValue": ("8d18e3a4ba2cf5c4", _RESOLVING),
    "acapy_agent.anoncreds.models.credential_definition:CredDefValueSchemaAnonCreds": ("6f26043e7796b1f3", _RESOLVING),
    "acapy_agent.anoncreds.models.revocation:RevRegDef": ("482c025b9887d6f5", _RESOLVING),
    "acapy_agent.anoncreds.models.revocation:RevRegDefSchema": ("51458cb5fedba870", _RESOLVING),
    "acapy_agent.anoncreds.models.revocation:RevRegDefValue": ("e8f96868fa9da7f7", _RESOLVING),
    "acapy_agent.anoncreds.models.revocation:RevRegDefValueSchema": ("d1c6db72004c19e6", _RESOLVING),
    "acapy_agent.anoncreds.models.revocation:RevList": ("e0ab48a6012a7bba", _RESOLVING),
    "acapy_agent.anoncreds.models.revocation:RevListSchema": ("e50fca5974732ea8", _RESOLVING),
    "acapy_agent.messaging.models.base:BaseModel.serialize": ("b5f3b5993e7a9018", _RESOLVING),
    "acapy_agent.messaging.models.base:BaseModel.deserialize": ("c171209ca1802d9b", _RESOLVING),
    "acapy_agent.connections.models.conn_record:ConnRecord": ("0d1481b5eeed2367", _CONNECTIONS),
    "acapy_agent.connections.models.conn_record:ConnRecordSchema": ("b22bc67d7842a1f1", _CONNECTIONS),
    "acapy_agent.messaging.models.base_record:BaseRecord.save": ("937b2c781961e4ed", _CONNECTIONS),
    "acapy_agent.messaging.models.base_record:BaseRecord.from_storage": ("f2f9bb8417c9a469", _CONNECTIONS),
    "acapy_agent.messaging.models.base_record:BaseRecord.prefix_tag_filter": ("a47f3e0f4107ad04", _CONNECTIONS),
    "acapy_agent.connections.base_manager:BaseConnectionManager.record_keys_for_resolvable_did": (
        "d9453c2d213c0846",
        _CONNECTIONS,
    ),
    "acapy_agent.connections.base_manager:BaseConnectionManager.add_key_for_did": ("60a22d790a9f7ae9", _CONNECTIONS),
    "acapy_agent.connections.base_manager:BaseConnectionManager.remove_keys_for_did": (
        "ed1c9a0acc4d3c17",
        _CONNECTIONS,
    ),
    "acapy_agent.connections.base_manager:BaseConnectionManager.RECORD_TYPE_DID_KEY": (
        "534e174ad3528db4",
        _CONNECTIONS,
    ),
    "acapy_agent.connections.base_manager:BaseConnectionManager.RECORD_TYPE_DID_DOC": (
        "cc0d882fcace8474",
        _CONNECTIONS,
    ),
    "acapy_agent.wallet.askar:AskarWallet.create_local_did": ("f932069e133eeaff", _CONNECTIONS),
    "acapy_agent.wallet.askar:AskarWallet._load_did_entry": ("da56a0489d94dc20", _CONNECTIONS),
    "acapy_agent.wallet.askar:CATEGORY_DID": ("55853000f09e7ddd", _CONNECTIONS),
    "acapy_agent.connections.base_manager:BaseConnectionManager.find_inbound_connection": (
        "108010d113095558",
        _SENDERS,
    ),
    "acapy_agent.connections.base_manager:BaseConnectionManager.find_did_for_key": ("6ea33204e5ef5156", _SENDERS),
    "acapy_agent.connections.base_manager:BaseConnectionManager.resolve_inbound_connection": (
        "4430da10479ef6cc",
        _SENDERS,
    ),
    "acapy_agent.anoncreds.issuer:AnonCredsIssuer.create_credential_offer": ("a73b2a45de6eb4da", _ISSUING),
    "acapy_agent.anoncreds.issuer:AnonCredsIssuer.create_credential": ("621469f5688f1315", _ISSUING),
    "acapy_agent.anoncreds.issuer:AnonCredsIssuer.cred_def_supports_revocation": ("6985bc6db0ba57ca", _ISSUING),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.get_or_create_active_registry": (
        "58bcf4c22703c503",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.get_created_revocation_registry_definition": (
        "2560942a5ed414ed",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation._create_credential": (
        "0103c000fc1e5042",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.create_credential": ("90f43189905454a8", _ISSUING),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation._create_credential_helper": (
        "ae75875bd8c509c5",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.update_revocation_list": (
        "718b03dbd32ee8cd",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.revoke_pending_credentials": (
        "f015710c05278e50",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.mark_pending_revocations": (
        "e73755771b8e3cb9",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.constants:CATEGORY_REV_LIST": ("1cd8e61fe3f4a16c", _ISSUING),
    "acapy_agent.anoncreds.constants:CATEGORY_REV_REG_DEF": ("b43736bcaa80f0b2", _ISSUING),
    "acapy_agent.anoncreds.constants:CATEGORY_REV_REG_DEF_PRIVATE": ("80be5536c0956a07", _ISSUING),
    "acapy_agent.revocation.models.issuer_cred_rev_record:IssuerCredRevRecord": ("b00b32804a28caf6", _ISSUING),
    "acapy_agent.anoncreds.holder:AnonCredsHolder.get_master_secret": ("c88187eb2928d742", _HOLDING),
    "acapy_agent.anoncreds.holder:AnonCredsHolder.create_credential_request": ("70fd6e1b7ed0741d", _HOLDING),
    "acapy_agent.anoncreds.holder:AnonCredsHolder.store_credential": ("b5cc990dfad8faa0", _HOLDING),
    "acapy_agent.anoncreds.holder:AnonCredsHolder._finish_store_credential": ("6dd1141812ed01ac", _HOLDING),
    "acapy_agent.anoncreds.holder:AnonCredsHolder.create_presentation": ("74ae0377a0b594ef", _HOLDING),
    "acapy_agent.anoncreds.holder:AnonCredsHolder.create_revocation_state": ("a2676b23a6c79c90", _HOLDING),
    "acapy_agent.anoncreds.holder:AnonCredsHolder.get_credentials_for_presentation_request_by_referent": (
        "f6120e2d3992f544",
        _HOLDING,
    ),
    "acapy_agent.anoncreds.holder:CATEGORY_CREDENTIAL": ("3b98270912310f10", _HOLDING),
    "acapy_agent.anoncreds.holder:CATEGORY_MASTER_SECRET": ("45ae5b48ed5674d5", _HOLDING),
    "acapy_agent.transport.inbound.session:InboundSession.receive_inbound": ("b11a485937379e54", _RUNNING),
    "acapy_agent.transport.inbound.session:InboundSession.process_inbound": ("a417ee11b58e911a", _RUNNING),
    "acapy_agent.core.dispatcher:Dispatcher.handle_v1_message": ("d6f90a9c408a8e0f", _RUNNING),
    "acapy_agent.core.dispatcher:Dispatcher.make_message": ("7a63a140a27310fa", _RUNNING),
    "acapy_agent.core.conductor:Conductor.setup": ("5c1a516b295c3b09", _RUNNING),
    "acapy_agent.core.conductor:Conductor.start": ("392fb8fd74ca5fb0", _RUNNING),
    "acapy_agent.core.conductor:Conductor.stop": ("82c7e5a0f1b1cf5c", _RUNNING),
    "acapy_agent.anoncreds.base:BaseAnonCredsResolver": ("93fcef95a2321711", _REGISTERING),
    "acapy_agent.anoncreds.base:BaseAnonCredsRegistrar": ("3ba871140b5c96c4", _REGISTERING),
    "acapy_agent.resolver.base:BaseDIDResolver": ("b193d3c9e6c3cdbd", _REGISTERING),
    "acapy_agent.resolver.did_resolver:DIDResolver": ("665efed290b50bf5", _REGISTERING),
    "acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record:V20CredExRecord.RECORD_TYPE": (
        "9577300a18186d31",
        _SENDERS,
    ),
    "acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record:V20CredExRecord.TAG_NAMES": (
        "e1e2e7534a634ac1",
        _SENDERS,
    ),
    "acapy_agent.protocols.present_proof.v2_0.models.pres_exchange:V20PresExRecord.RECORD_TYPE": (
        "801d99781b7673c4",
        _SENDERS,
    ),
    "acapy_agent.protocols.present_proof.v2_0.models.pres_exchange:V20PresExRecord.TAG_NAMES": (
        "e1e2e7534a634ac1",
        _SENDERS,
    ),
    "acapy_agent.protocols.out_of_band.v1_0.models.oob_record:OobRecord.RECORD_TYPE": ("d63700c567abc6be", _SENDERS),
    "acapy_agent.protocols.out_of_band.v1_0.models.oob_record:OobRecord.TAG_NAMES": ("b290ff7ba901b13b", _SENDERS),
    "acapy_agent.anoncreds.issuer:AnonCredsIssuer.create_and_register_credential_definition": (
        "f8a30997e7ac8a05",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.issuer:AnonCredsIssuer.finish_cred_def": ("8bd8e94234f589d8", _ISSUING),
    "acapy_agent.anoncreds.issuer:AnonCredsIssuer.get_created_credential_definitions": ("26b4515a120686ff", _ISSUING),
    "acapy_agent.anoncreds.issuer:AnonCredsIssuer.match_created_credential_definitions": ("65b69d8971e98fd0", _ISSUING),
    "acapy_agent.anoncreds.issuer:AnonCredsIssuer.notify": ("11e552d18b89263d", _ISSUING),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.create_and_register_revocation_registry_definition": (  # noqa: E501
        "fdd6b729ea8b2266",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.store_revocation_registry_definition": (
        "63525cb24c11fb87",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.finish_revocation_registry_definition": (
        "e1868976259aa5d5",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.set_active_registry": (
        "a50566434828f9c8",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.create_and_register_revocation_list": (
        "e09fa071e1148984",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.store_revocation_registry_list": (
        "6bada7ee47c5f41a",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.generate_public_tails_uri": (
        "f457567c89d2dd4e",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.get_local_tails_path": (
        "39e6306b95b3af69",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.upload_tails_file": ("fe168db20e71e1a1", _ISSUING),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.retrieve_tails": ("33bf35c98942fd4b", _ISSUING),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.get_or_fetch_local_tails_path": (
        "88c5f7f927245657",
        _ISSUING,
    ),
    "acapy_agent.anoncreds.revocation.revocation:AnonCredsRevocation.notify": ("df42a07c60ebe9a4", _ISSUING),
    "acapy_agent.anoncreds.revocation.revocation_setup:DefaultRevocationSetup.on_registry_create_requested": (
        "6033709661783db3",
        _ISSUING,
    ),
    "acapy_agent.core.conductor:Conductor.inbound_message_router": ("8022782e1c8f3a70", _RUNNING),
    "acapy_agent.core.conductor:Conductor.dispatch_complete": ("73049f906b8a9314", _RUNNING),
    "acapy_agent.core.dispatcher:DispatcherResponder": ("cb32e0b861eade34", _RUNNING),
    "acapy_agent.transport.inbound.message:InboundMessage": ("c6548b9beb3c5b15", _RUNNING),
    "acapy_agent.transport.inbound.receipt:MessageReceipt": ("8e7442bc7ce5b522", _RUNNING),
    "acapy_agent.transport.inbound.manager:InboundTransportManager.register": ("d5136adb0cda591a", _RUNNING),
    "acapy_agent.transport.inbound.manager:InboundTransportManager.create_session": ("8d8a9995c237bbe2", _RUNNING),
    "acapy_agent.transport.inbound.base:BaseInboundTransport": ("f355f20fe437c6f0", _RUNNING),
    "acapy_agent.transport.outbound.base:BaseOutboundTransport": ("20d33e25ff945521", _RUNNING),
    "acapy_agent.messaging.responder:BaseResponder": ("ba7ed20a5397b35b", _RUNNING),
    "acapy_agent.config.provider:BaseProvider": ("32f6b10d61c4f074", _RUNNING),
    "acapy_agent.config.default_context:DefaultContextBuilder.bind_providers": ("cd19cbb39052dd13", _RUNNING),
    "acapy_agent.cache.in_memory:InMemoryCache": ("6f79035bb7055b01", _RUNNING),
    "acapy_agent.askar.profile_anon:AskarAnonCredsProfile": ("f1b04893a6c80d44", _STORING),
    "acapy_agent.askar.profile_anon:AskarAnonCredsProfileSession": ("a0d35df3d7a8a1bf", _STORING),
    "acapy_agent.core.profile:Profile": ("4a0d274d2be25ae1", _STORING),
    "acapy_agent.core.profile:ProfileSession": ("5183386803c9b45d", _STORING),
    "acapy_agent.core.profile:ProfileManager": ("4cf978a2e8adb648", _STORING),
    "acapy_agent.askar.store:AskarOpenStore": ("04174cdcb5c97541", _STORING),
    "acapy_agent.storage.askar:AskarStorage.__init__": ("5a74cb423dd19ed3", _STORING),
    "acapy_agent.wallet.askar:AskarWallet.__init__": ("5a74cb423dd19ed3", _STORING),
    "acapy_agent.askar.didcomm.v1:pack_message": ("fa3e6d4b0d519963", _PACKING),
    "acapy_agent.askar.didcomm.v1:unpack_message": ("01cc8b7c3a316282", _PACKING),
    "acapy_agent.askar.didcomm.v1:_extract_payload_key": ("29dfae3fd02481d4", _PACKING),
}


def digest_of(part: str) -> str:
    """Return the digest of a part: "module:Class.function"."""
    module, _, path = part.partition(":")
    part_of_acapy: Any = importlib.import_module(module)
    for name in path.split("."):
        part_of_acapy = getattr(part_of_acapy, name)
    if not callable(part_of_acapy):
        return _shortened(repr(sorted(part_of_acapy) if isinstance(part_of_acapy, set | frozenset) else part_of_acapy))
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(part_of_acapy))))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and _has_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return _shortened(ast.dump(tree))


def _has_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def _shortened(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rows() -> Iterator[str]:
    """Yield the rows of `PARTS` as they would have to be now."""
    names = {value: name for name, value in globals().items() if name.startswith("_") and isinstance(value, str)}
    for part, (_, rests) in PARTS.items():
        yield f'    "{part}": ("{digest_of(part)}", {names[rests]}),'


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_acapy_that_we_rely_on_is_the_one_that_we_read(part: str) -> None:
    wanted, rests = PARTS[part]
    digest = digest_of(part)
    assert digest == wanted, f"{part} has changed: look at {rests}; then write {digest} in its place"


def test_what_of_ours_rests_on_a_part_is_where_the_hint_says() -> None:
    named = {path for _, rests in PARTS.values() for path in _PATH.findall(rests)}
    assert len(named) > 10
    assert {path for path in named if not (_ROOT / path).exists() and not any(_ROOT.glob(f"{path}-*.md"))} == set()


def test_every_class_of_acapy_that_ours_derive_from_is_among_the_parts() -> None:
    known = {part.partition(":")[0] + ":" + part.partition(":")[2].split(".")[0] for part in PARTS}
    derived = dict(derivations())
    assert len(derived) > 10
    assert {base: ours for base, ours in derived.items() if base not in known} == {}


def derivations() -> Iterator[tuple[str, str]]:
    """Yield the classes of ACA-Py from which ours derive, as in `PARTS`, and one of ours; errors are none."""
    for folder in ("agents", "plugins"):
        for file in sorted((_ROOT / folder).rglob("*.py")):
            tree = ast.parse(file.read_text())
            imported = dict(_imported_from_acapy(tree))
            for node in ast.walk(tree):
                for base in node.bases if isinstance(node, ast.ClassDef) else ():
                    name, *rest = ast.unparse(base).split(".")
                    if name in imported and not name.endswith("Error"):
                        module, of_module = imported[name]
                        part = f"{module}.{of_module}:{rest[0]}" if rest else f"{module}:{of_module}"
                        yield part, f"{file.relative_to(_ROOT)}: {getattr(node, 'name', '')}"


def _imported_from_acapy(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("acapy_agent"):
            for name in node.names:
                yield name.asname or name.name, (str(node.module), name.name)


def test_a_digest_sees_code_and_neither_comments_nor_docstrings() -> None:
    module = "tests.unit.exchange.test_acapy_parts"
    digests = {digest_of(f"{module}:{name}") for name in ("_one", "_one_with_words")}
    assert len(digests) == 2  # the names differ
    assert digest_of(f"{module}:_Words.same") == digest_of(f"{module}:_Silent.same")
    assert digest_of(f"{module}:_Words.same") != digest_of(f"{module}:_Other.same")


def _one() -> int:
    return 1


def _one_with_words() -> int:
    """Return one."""
    return 1  # always


class _Words:
    def same(self) -> int:
        """Return one."""
        # always
        return 1


class _Silent:
    def same(self) -> int:
        return 1


class _Other:
    def same(self) -> int:
        return 2


if __name__ == "__main__":
    print("\n".join(rows()))
