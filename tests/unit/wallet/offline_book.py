"""A worker's book with one certificate, ready for a place without a network."""

import json
from typing import Any

import anoncreds
from tests.unit.trust.ecosystem import WELDER_VALUES, Issuer
from tests.unit.wallet.wallet_process import WalletProcess

type Row = list[Any]


def book_rows(wallet: WalletProcess, issuer: Issuer, *, is_ready: bool = True) -> list[Row]:
    """Have the wallet take a certificate, and return the rows of its book, by kind and id.

    Args:
        wallet: which makes keys and checks.
        issuer: the centre.
        is_ready: with the witness of the newest status list, as a visit with a network keeps it.
    """
    secret = wallet.call("new_link_secret")
    definition = {"id": str(issuer.cred_def_id), "json": issuer.cred_def.to_dict()}
    registry = {"id": str(issuer.registry_id), "json": issuer.registry.to_dict()}
    offer = anoncreds.CredentialOffer.create(issuer.schema_id, issuer.cred_def_id, issuer._proof)
    asked = wallet.call("request", offer=offer.to_dict(), definition=definition, link_secret=secret)
    issuer._next += 1
    place = anoncreds.CredentialRevocationConfig(
        issuer.registry, issuer._registry_private, issuer.list_in_force, issuer._next
    )
    request = anoncreds.CredentialRequest.load(asked["request"])
    credential = anoncreds.Credential.create(
        issuer.cred_def, issuer._private, offer, request, dict(WELDER_VALUES), None, place
    )
    sealed = wallet.call(
        "receive",
        credential=json.loads(credential.to_json()),
        secrets=asked["secrets"],
        link_secret=secret,
        definition=definition,
        registry=registry,
    )
    rows = [
        ["link-secret", "it", {"sealed": secret}],
        ["credential", "welder", {"sealed": sealed, "at": 1, "issuer": str(issuer.did), "revoked": False}],
        ["object", definition["id"], {"content": definition["json"]}],
        ["object", registry["id"], {"content": registry["json"]}],
    ]
    if is_ready:
        choice = {
            "credential": sealed,
            "definition": definition,
            "registry": registry,
            "lists": [issuer.list_in_force.to_dict()],
            "tails": issuer.registry.tails_location,
            "is_made_anew": True,
        }
        rows.append(["object", "witness welder", wallet.call("sealed_witness", choice=choice)])
    return rows
