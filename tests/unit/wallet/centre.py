"""Issuers, holders and verifiers of the Python library `anoncreds`: what the wallet is compared with."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from anoncreds import (
    AnoncredsError,
    Credential,
    CredentialDefinition,
    CredentialDefinitionPrivate,
    CredentialOffer,
    CredentialRequest,
    CredentialRevocationConfig,
    CredentialRevocationState,
    KeyCorrectnessProof,
    Presentation,
    PresentationRequest,
    PresentCredentials,
    RevocationRegistryDefinition,
    RevocationRegistryDefinitionPrivate,
    RevocationStatusList,
    Schema,
)
from tests.unit.wallet.wallet_process import WalletProcess

PLACES: Final = 24
FIRST_LIST: Final = 1_000

type Json = dict[str, Any]


@dataclass
class Centre:
    """A training centre with one credential definition and, if it is revocable, one registry."""

    name: str
    schema: Schema
    definition: CredentialDefinition
    private: CredentialDefinitionPrivate
    proof: KeyCorrectnessProof
    registry: RevocationRegistryDefinition | None = None
    registry_private: RevocationRegistryDefinitionPrivate | None = None
    lists: list[RevocationStatusList] = field(default_factory=list)
    next_place: int = 1

    @classmethod
    def make(cls, name: str, attributes: list[str], tails: Path | None) -> Self:
        """Make its keys; with a folder for tails, a registry of 24 places too."""
        schema = Schema.create("test", "1.0", name, attributes)
        definition, private, proof = CredentialDefinition.create(
            f"{name}/schema", schema, name, "tag", "CL", support_revocation=tails is not None
        )
        centre = cls(name, schema, definition, private, proof)
        if tails is not None:
            centre.registry, centre.registry_private = RevocationRegistryDefinition.create(
                centre.definition_id, definition, name, "tag", "CL_ACCUM", PLACES, tails_dir_path=str(tails)
            )
            centre.lists = [
                RevocationStatusList.create(
                    definition, centre.registry_id, centre.registry, centre.registry_private, name, True, FIRST_LIST
                )
            ]
        return centre

    @property
    def definition_id(self) -> str:
        return f"{self.name}/definition"

    @property
    def registry_id(self) -> str:
        return f"{self.name}/registry"

    @property
    def attributes(self) -> list[str]:
        return list(self.schema.to_dict()["attrNames"])

    @property
    def tails(self) -> str:
        assert self.registry is not None
        return str(self.registry.to_dict()["value"]["tailsLocation"])

    def told(self) -> Json:
        """What the wallet is told of it, as if it had resolved it."""
        told = {"definition": {"id": self.definition_id, "json": self.definition.to_dict()}}
        if self.registry is not None:
            told["registry"] = {"id": self.registry_id, "json": self.registry.to_dict()}
        return told

    def offer(self) -> CredentialOffer:
        return CredentialOffer.create(f"{self.name}/schema", self.definition_id, self.proof)

    def issue(self, offer: Json, request: Json, values: dict[str, str]) -> Credential:
        """Sign; the first free place of the registry is taken."""
        revocation = None
        if self.registry is not None:
            revocation = CredentialRevocationConfig(
                self.registry, self.registry_private, self.lists[-1], self.next_place
            )
            self.next_place += 1
        return Credential.create(
            self.definition,
            self.private,
            CredentialOffer.load(offer),
            CredentialRequest.load(request),
            values,
            None,
            revocation,
        )

    def revoke(self, *places: int) -> None:
        """Publish a list in which these are revoked, too."""
        self._publish(None, list(places))

    def restore(self, *places: int) -> None:
        """Publish a list in which these count again."""
        self._publish(list(places), None)

    def publish_again(self) -> None:
        """Publish a list in which nothing is another, at another time."""
        self._publish(None, None)

    def _publish(self, issued: list[int] | None, revoked: list[int] | None) -> None:
        timestamp = FIRST_LIST + 100 * len(self.lists)
        self.lists.append(
            self.lists[-1].update(self.definition, self.registry, self.registry_private, issued, revoked, timestamp)
        )


@dataclass
class Entry:
    """A credential that somebody has, as the library writes it after it was received."""

    centre: Centre
    link_secret: str
    credential: Json
    values: dict[str, str]

    @property
    def place(self) -> int | None:
        signature = self.credential["signature"]["r_credential"]
        return int(signature["i"]) if signature else None


def issue_to_wallet(wallet: WalletProcess, centre: Centre, link_secret: str, values: dict[str, str]) -> Entry:
    """Let the wallet ask for a credential and receive it."""
    offer = centre.offer().to_dict()
    asked = wallet.call("request", offer=offer, definition=centre.told()["definition"], link_secret=link_secret)
    issued = centre.issue(offer, asked["request"], values).to_dict()
    received = wallet.call(
        "receive", credential=issued, secrets=asked["secrets"], link_secret=link_secret, **centre.told()
    )
    return Entry(centre, link_secret, received, values)


def issue_to_library(centre: Centre, link_secret: str, values: dict[str, str]) -> Entry:
    """Let the library ask for a credential and receive it."""
    offer = centre.offer()
    request, secrets = CredentialRequest.create("entropy", None, centre.definition, link_secret, "default", offer)
    issued = centre.issue(offer.to_dict(), request.to_dict(), values)
    received = issued.process(secrets, link_secret, centre.definition, centre.registry)
    return Entry(centre, link_secret, received.to_dict(), values)


@dataclass
class Answer:
    """One credential of an answer, and the referents that it answers."""

    entry: Entry
    revealed: list[str] = field(default_factory=list)
    unrevealed: list[str] = field(default_factory=list)
    predicates: list[str] = field(default_factory=list)
    proves_non_revocation: bool = False
    lists: list[Json] | None = None
    is_made_anew: bool = True


def present_by_wallet(
    wallet: WalletProcess,
    request: Json,
    answers: list[Answer],
    self_attested: dict[str, str],
    link_secret: str,
) -> Json:
    """Let the wallet answer."""
    presented: Json = wallet.call(
        "present", request=request, choices=choices_of(answers), self_attested=self_attested, link_secret=link_secret
    )
    return presented


def choices_of(answers: list[Answer]) -> list[Json]:
    """Return answers as the wallet is told them."""
    choices = []
    for answer in answers:
        centre = answer.entry.centre
        choice = {
            "credential": answer.entry.credential,
            "revealed": answer.revealed,
            "unrevealed": answer.unrevealed,
            "predicates": answer.predicates,
            **centre.told(),
        }
        if answer.proves_non_revocation:
            lists = answer.lists or [centre.lists[-1].to_dict()]
            choice |= {"lists": lists, "tails": centre.tails, "is_made_anew": answer.is_made_anew}
        choices.append(choice)
    return choices


def present_by_library(request: Json, answers: list[Answer], self_attested: dict[str, str], link_secret: str) -> Json:
    """Let the library answer."""
    chosen = PresentCredentials()
    for answer in answers:
        centre, credential = answer.entry.centre, Credential.load(answer.entry.credential)
        state = {}
        if answer.proves_non_revocation:
            newest = centre.lists[-1]
            state = {
                "timestamp": newest.to_dict()["timestamp"],
                "rev_state": CredentialRevocationState.create(
                    centre.registry, newest, answer.entry.place, centre.tails
                ),
            }
        chosen.add_attributes(credential, *answer.revealed, reveal=True, **state)
        chosen.add_attributes(credential, *answer.unrevealed, reveal=False, **state)
        chosen.add_predicates(credential, *answer.predicates, **state)
    centres = [answer.entry.centre for answer in answers]
    presented: Json = Presentation.create(
        PresentationRequest.load(request),
        chosen,
        self_attested,
        link_secret,
        {f"{centre.name}/schema": centre.schema for centre in centres},
        {centre.definition_id: centre.definition for centre in centres},
    ).to_dict()
    return presented


def is_verified(request: Json, presentation: Json, centres: list[Centre]) -> bool:
    """Let the library verify; what it cannot read does not verify either."""
    revocable = [centre for centre in centres if centre.registry is not None]
    try:
        return bool(
            Presentation.load(json.dumps(presentation)).verify(
                PresentationRequest.load(request),
                {f"{centre.name}/schema": centre.schema for centre in centres},
                {centre.definition_id: centre.definition for centre in centres},
                {centre.registry_id: centre.registry for centre in revocable},
                [published for centre in revocable for published in centre.lists],
            )
        )
    except AnoncredsError:
        return False
