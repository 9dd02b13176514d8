"""AnonCreds objects on Indy ledgers, looked through before anybody computes with them.

What nodes agree on was written by somebody who may be hostile: an issuer's object is checked for its form as one on
did:webvh is (`webvh/anoncreds_content.py`). Schemas, definitions and registries never change and are cached for a
while; the state of a registry is asked for each time.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from indy_vdr import ledger as requests

from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.indy import IndyId, Kind
from wanderbuch.plugins.indy.errors import LedgerAnswerError, NotOnLedgerError
from wanderbuch.plugins.indy.ledger import IndyLedgers
from wanderbuch.plugins.webvh.cache import ExpiringCache
from wanderbuch.plugins.webvh.errors import TailsError
from wanderbuch.plugins.webvh.tails import MAX_REGISTRY_SIZE, checked_tails_hash

_LIFETIME_S: Final = 300.0
_MAX_OBJECTS: Final = 500
_MAX_ATTRIBUTES: Final = 125
_MAX_TEXT: Final = 1024
_DOMAIN: Final = "DOMAIN"  # the ledger of schemas and definitions, of a pool's several ledgers
_BY_DEFAULT: Final = "ISSUANCE_BY_DEFAULT"
_ON_DEMAND: Final = "ISSUANCE_ON_DEMAND"


@dataclass(frozen=True, slots=True)
class LedgerSchema:
    """A schema.

    Args:
        content: as AnonCreds has it.
        number: the ledger's own, which credential definitions name.
    """

    content: dict[str, Any]
    number: int


@dataclass(frozen=True, slots=True)
class LedgerRegistry:
    """A revocation registry definition.

    Args:
        content: as AnonCreds has it.
        on_demand: whether its places count as revoked until they are given out.
    """

    content: dict[str, Any]
    on_demand: bool

    @property
    def size(self) -> int:
        """Return how many places it has."""
        return int(self.content["value"]["maxCredNum"])


class LedgerObjects:
    """Schemas, credential definitions, revocation registries and their states."""

    def __init__(self, ledgers: IndyLedgers) -> None:
        self._ledgers = ledgers
        self._objects: ExpiringCache[str, Any] = ExpiringCache(max_entries=_MAX_OBJECTS, lifetime_s=_LIFETIME_S)

    async def schema(self, schema_id: IndyId) -> LedgerSchema:
        """Return a schema; errors as with `status_list`."""
        made = await self._objects.get(schema_id.text, lambda: self._schema(schema_id))
        return _of_kind(made, LedgerSchema)

    async def credential_definition(self, cred_def_id: IndyId) -> dict[str, Any]:
        """Return a credential definition as AnonCreds has it; errors as with `status_list`."""
        return _of_kind(await self._objects.get(cred_def_id.text, lambda: self._cred_def(cred_def_id)), dict)

    async def registry(self, registry_id: IndyId) -> LedgerRegistry:
        """Return a revocation registry definition; errors as with `status_list`."""
        made = await self._objects.get(registry_id.text, lambda: self._registry(registry_id))
        return _of_kind(made, LedgerRegistry)

    async def status_list(self, registry_id: IndyId, *, at: int | None = None) -> dict[str, Any]:
        """Return the status list of a registry in force at an instant (seconds since 1970; None: now).

        Raises:
            NotOnLedgerError: the nodes agree that there is none.
            LedgerSilentError: the nodes did not answer, or not alike.
            LedgerError, GenesisError, HttpError: it could not be read, or is malformed.
        """
        registry = await self.registry(registry_id)
        to = int(time.time()) if at is None else at
        answer = await self._ledgers.of(registry_id.issuer.namespace).read(
            lambda: requests.build_get_revoc_reg_delta_request(None, registry_id.old, None, to)
        )
        if not answer.get("data"):
            raise NotOnLedgerError(f"the ledger has no status list of {registry_id.text} that was in force then")
        return _status_list(registry_id, registry, answer["data"])

    def forget(self, object_id: IndyId) -> None:
        """Ask the ledger at the next question."""
        self._objects.forget(object_id.text)

    async def _schema(self, schema_id: IndyId) -> LedgerSchema:
        ledger = self._ledgers.of(schema_id.issuer.namespace)
        answer = await ledger.read(lambda: requests.build_get_schema_request(None, schema_id.old))
        if answer.get("seqNo") is None:
            raise NotOnLedgerError(f"there is no schema {schema_id.text} on the Indy ledger {ledger.name}")
        data = answer.get("data")
        if not isinstance(data, dict) or type(answer["seqNo"]) is not int:
            raise _improper(schema_id, "data")
        names = data.get("attr_names")
        if not isinstance(names, list) or not 0 < len(names) <= _MAX_ATTRIBUTES or not all(map(_is_text, names)):
            raise _improper(schema_id, "attr_names")
        if len(set(names)) < len(names):
            raise _improper(schema_id, "attr_names")
        content = {"issuerId": schema_id.issuer.text, "attrNames": names}
        return LedgerSchema(content | {name: data.get(name) for name in ("name", "version")}, answer["seqNo"])

    async def _schema_id(self, of: IndyId) -> str:
        """Return the id of the schema that a credential definition names by its number."""
        ledger, number = self._ledgers.of(of.issuer.namespace), of.schema_number
        answer = await ledger.read(lambda: requests.build_get_txn_request(None, _DOMAIN, number or 0))
        try:
            schema_id = IndyId.parse(answer["data"]["txnMetadata"]["txnId"], Kind.SCHEMA)
        except (KeyError, TypeError, IdentifierError) as err:
            raise _improper(of, "schema: there is none of that number") from err
        if of.issuer.namespace is None:
            return schema_id.text
        _, _, name, version = schema_id.old.split(":")
        return f"did:indy:{of.issuer.namespace}:{schema_id.issuer.nym}/anoncreds/v0/SCHEMA/{name}/{version}"

    async def _cred_def(self, cred_def_id: IndyId) -> dict[str, Any]:
        ledger = self._ledgers.of(cred_def_id.issuer.namespace)
        answer = await ledger.read(lambda: requests.build_get_cred_def_request(None, cred_def_id.old))
        value = answer.get("data")
        if not value:
            raise NotOnLedgerError(
                f"there is no credential definition {cred_def_id.text} on the Indy ledger {ledger.name}"
            )
        if not isinstance(value, dict) or not isinstance(value.get("primary"), dict):
            raise _improper(cred_def_id, "value")
        return {
            "issuerId": cred_def_id.issuer.text,
            "schemaId": await self._schema_id(cred_def_id),
            "type": "CL",
            "tag": cred_def_id.tag,
            "value": value,
        }

    async def _registry(self, registry_id: IndyId) -> LedgerRegistry:
        ledger = self._ledgers.of(registry_id.issuer.namespace)
        answer = await ledger.read(lambda: requests.build_get_revoc_reg_def_request(None, registry_id.old))
        data = answer.get("data")
        if not data:
            raise NotOnLedgerError(f"there is no registry {registry_id.text} on the Indy ledger {ledger.name}")
        value = data.get("value") if isinstance(data, dict) else None
        if not isinstance(value, dict) or data.get("credDefId") != registry_id.cred_def.old:
            raise _improper(registry_id, "value")
        if data.get("revocDefType") != "CL_ACCUM" or value.get("issuanceType") not in {_BY_DEFAULT, _ON_DEMAND}:
            raise _improper(registry_id, "revocDefType")
        if type(value.get("maxCredNum")) is not int or not 0 < value["maxCredNum"] <= MAX_REGISTRY_SIZE:
            raise _improper(registry_id, "maxCredNum")
        if not isinstance(value.get("publicKeys"), dict) or not _is_text(value.get("tailsLocation")):
            raise _improper(registry_id, "publicKeys or tailsLocation")
        if not _is_text(data.get("tag")):
            raise _improper(registry_id, "tag")
        try:
            checked_tails_hash(value.get("tailsHash"))
        except TailsError as err:
            raise _improper(registry_id, "tailsHash") from err
        content = {
            "issuerId": registry_id.issuer.text,
            "revocDefType": "CL_ACCUM",
            "credDefId": registry_id.cred_def.text,
            "tag": data["tag"],
            "value": {name: value[name] for name in ("maxCredNum", "publicKeys", "tailsHash", "tailsLocation")},
        }
        return LedgerRegistry(content, value["issuanceType"] == _ON_DEMAND)


def _status_list(registry_id: IndyId, registry: LedgerRegistry, data: Any) -> dict[str, Any]:
    try:
        state = data["value"]["accum_to"]
        accumulator, timestamp = state["value"]["accum"], state["txnTime"]
        listed = data["value"]["issued" if registry.on_demand else "revoked"]
    except (KeyError, TypeError) as err:
        raise _improper(registry_id, "state") from err
    if not isinstance(accumulator, str) or type(timestamp) is not int or not isinstance(listed, list):
        raise _improper(registry_id, "state")
    if not all(type(index) is int and 0 <= index <= registry.size for index in listed):
        raise _improper(registry_id, "place")
    marked = set(listed)
    bits = [int((index in marked) is not registry.on_demand) for index in range(registry.size + 1)]
    return {
        "issuerId": registry_id.issuer.text,
        "revRegDefId": registry_id.text,
        "revocationList": bits,
        "currentAccumulator": accumulator,
        "timestamp": timestamp,
    }


def _of_kind[T](made: Any, kind: type[T]) -> T:
    if not isinstance(made, kind):
        raise LedgerAnswerError("expected another kind of object under this id")
    return made


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT


def _improper(object_id: IndyId, member: str) -> LedgerAnswerError:
    return LedgerAnswerError(f"expected a proper {member} in {object_id.text} on its Indy ledger")
