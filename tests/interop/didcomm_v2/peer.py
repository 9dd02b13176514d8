"""Somebody who speaks DIDComm v2 with SICPA's `didcomm`: a line of JSON in, a line of JSON out.

    {"do": "new", "curve": "X25519", "endpoint": "https://…", "routing_keys": [], "signs": "Ed25519" or null}
                                                                                     -> {"did": …, "kid": …}
    {"do": "know", "document": {…}}                                                  -> {}
    {"do": "pack", "message": {…}, "to": did, "from": did or null, …}                -> {"packed": …}
    {"do": "unpack", "packed": …}                                                    -> {"message": …, "metadata": …}

Runs in a virtual environment of its own; knows nothing of Wanderbuch. Its DIDs are did:peer:2.
"""

import asyncio
import base64
import json
import sys
import warnings

warnings.simplefilter("ignore")

import base58
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from didcomm.common.resolvers import ResolversConfig
from didcomm.common.types import VerificationMaterial, VerificationMaterialFormat, VerificationMethodType
from didcomm.did_doc.did_doc import DIDDoc
from didcomm.did_doc.did_resolver import DIDResolver
from didcomm.pack_encrypted import PackEncryptedConfig, pack_encrypted
from didcomm.secrets.secrets_resolver import Secret, SecretsResolver
from didcomm.unpack import unpack

X25519, P256, ED25519 = b"\xec\x01", b"\x80\x24", b"\xed\x01"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes(32, "big"))


def jwk_of(multikey: str) -> dict:
    """A Multikey as a JWK: `didcomm` does not know Multikeys."""
    raw = base58.b58decode(multikey[1:])
    if raw[:2] == X25519:
        return {"kty": "OKP", "crv": "X25519", "x": b64(raw[2:])}
    if raw[:2] == ED25519:
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw[2:])}
    if raw[:2] == P256:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw[2:]).public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": number(point.x), "y": number(point.y)}
    return {}


class Documents(DIDResolver):
    def __init__(self) -> None:
        self.known = {}

    def know(self, document: dict) -> None:
        did, methods = document["id"], []

        def absolute(ref: str) -> str:
            return did + ref if ref.startswith("#") else ref

        for method in document["verificationMethod"]:
            if jwk := jwk_of(method["publicKeyMultibase"]):
                methods.append(
                    {"id": absolute(method["id"]), "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk}
                )
        services = []
        for service in document.get("service", []):
            if service["type"] == "DIDCommMessaging":
                told = service["serviceEndpoint"]
                services.append(
                    {
                        "id": absolute(service["id"]),
                        "type": "DIDCommMessaging",
                        "serviceEndpoint": told["uri"],
                        "accept": told["accept"],
                        "recipientKeys": [],
                        "routingKeys": told.get("routingKeys", []),
                    }
                )
        self.known[did] = DIDDoc.deserialize(
            {
                "id": did,
                "verificationMethod": methods,
                "keyAgreement": [absolute(key_id) for key_id in document["keyAgreement"]],
                "authentication": [absolute(key_id) for key_id in document.get("authentication", [])],
                "service": services,
            }
        )

    async def resolve(self, did):
        if did.startswith("did:peer:2") and did not in self.known:
            self.know(self.decoded(did))
        return self.known.get(did)

    def decoded(self, did: str) -> dict:
        """The document of a did:peer:2 of somebody else's: their keys; where they listen, the test knows."""
        keys = [element for element in did.split(".")[1:] if element[0] in "EV"]
        methods = [{"id": f"#key-{at}", "publicKeyMultibase": key[1:]} for at, key in enumerate(keys, 1)]
        agreement = [f"#key-{at}" for at, key in enumerate(keys, 1) if key[0] == "E"]
        return {"id": did, "verificationMethod": methods, "keyAgreement": agreement}


class Secrets(SecretsResolver):
    def __init__(self) -> None:
        self.known = {}

    async def get_key(self, kid):
        return self.known.get(kid)

    async def get_keys(self, kids):
        return [kid for kid in kids if kid in self.known]


class Peer:
    def __init__(self) -> None:
        self.documents, self.secrets = Documents(), Secrets()
        self.resolvers = ResolversConfig(self.secrets, self.documents)

    def fresh(self, curve: str) -> tuple[str, dict]:
        """A new key as a Multikey and as a secret JWK."""
        if curve == "P-256":
            key = ec.generate_private_key(ec.SECP256R1())
            multikey = P256 + key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
            secret = number(key.private_numbers().private_value)
        else:
            is_agreement = curve == "X25519"
            codec = X25519 if is_agreement else ED25519
            key = (x25519.X25519PrivateKey if is_agreement else ed25519.Ed25519PrivateKey).generate()
            multikey = codec + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            secret = b64(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
        text = "z" + base58.b58encode(multikey).decode()
        return text, {**jwk_of(text), "d": secret}

    def keep(self, kid: str, jwk: dict) -> None:
        self.secrets.known[kid] = Secret(
            kid,
            VerificationMethodType.JSON_WEB_KEY_2020,
            VerificationMaterial(VerificationMaterialFormat.JWK, json.dumps(jwk)),
        )

    async def new(self, curve: str, endpoint: str | None, routing_keys: list, signs: str | None) -> dict:
        text, jwk = self.fresh(curve)
        did = f"did:peer:2.E{text}"
        methods, authentication = [{"id": "#key-1", "publicKeyMultibase": text}], []
        if signs is not None:
            signing, signing_jwk = self.fresh(signs)
            did += f".V{signing}"
            methods.append({"id": "#key-2", "publicKeyMultibase": signing})
            authentication.append("#key-2")
        service = {"uri": endpoint, "accept": ["didcomm/v2"], "routingKeys": routing_keys}
        if endpoint is not None:
            told = {"t": "dm", "s": {"uri": endpoint, "a": ["didcomm/v2"], "r": routing_keys}}
            did += ".S" + b64(json.dumps(told, separators=(",", ":")).encode())
        kid = f"{did}#key-1"
        self.keep(kid, jwk)
        if signs is not None:
            self.keep(f"{did}#key-2", signing_jwk)
        services = [{"id": "#service", "type": "DIDCommMessaging", "serviceEndpoint": service}] if endpoint else []
        self.documents.know(
            {
                "id": did,
                "verificationMethod": methods,
                "authentication": authentication,
                "keyAgreement": ["#key-1"],
                "service": services,
            }
        )
        return {"did": did, "kid": kid}

    async def answer(self, told: dict) -> dict:
        match told["do"]:
            case "new":
                return await self.new(told["curve"], told["endpoint"], told["routing_keys"], told["signs"])
            case "know":
                self.documents.know(told["document"])
                return {}
            case "pack":
                packed = await pack_encrypted(
                    self.resolvers,
                    told["message"],
                    to=told["to"],
                    frm=told["from"],
                    sign_frm=told["signer"],
                    pack_config=PackEncryptedConfig(forward=told["forward"], protect_sender_id=told["hide"]),
                )
                return {"packed": packed.packed_msg}
            case "unpack":
                opened = await unpack(self.resolvers, told["packed"])
                unpacked = opened.metadata
                metadata = {
                    "from": str(unpacked.encrypted_from) if unpacked.encrypted_from else None,
                    "authenticated": unpacked.authenticated,
                    "anonymous": unpacked.anonymous_sender,
                }
                return {"message": opened.message.as_dict(), "metadata": metadata}
        raise ValueError(told["do"])


async def main() -> None:
    peer = Peer()
    for line in sys.stdin:
        try:
            answer = await peer.answer(json.loads(line))
        except Exception as err:  # noqa: BLE001 (the test is told)
            answer = {"error": f"{type(err).__name__}: {err}"}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
