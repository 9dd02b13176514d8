"""ACA-Py's DID resolver for did:webvh, on the HTTP edge and the log memory."""

import copy
import re
from collections.abc import Sequence
from typing import Any

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import BaseDIDResolver, DIDNotFound, ResolverError, ResolverType
from acapy_agent.resolver.default.webvh import WebvhDIDResolver
from acapy_agent.resolver.did_resolver import DIDResolver

from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.identifiers import IdentifierError, WebvhDid
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.own import own_did

_WEBVH = re.compile(r"did:webvh:.+")


class CheckedWebvhResolver(BaseDIDResolver):  # type: ignore[misc]  # acapy_agent has no types
    """Resolves did:webvh DIDs; those of the own wallet without asking the network."""

    def __init__(self, documents: WebvhDocuments) -> None:
        super().__init__(ResolverType.NATIVE)
        self._documents = documents

    async def setup(self, context: InjectionContext) -> None:
        """Do nothing: all that is needed was given."""

    @property
    def supported_did_regex(self) -> re.Pattern[str]:
        """Match every did:webvh DID."""
        return _WEBVH

    async def resolve(self, profile: Profile, did: str, service_accept: Sequence[str] | None = None) -> dict[str, Any]:
        """Resolve `did` past ACA-Py's cache, which would keep a rotated-out key for an hour."""
        return await self._resolve(profile, str(did), service_accept)

    async def _resolve(self, profile: Profile, did: str, service_accept: Sequence[str] | None = None) -> dict[str, Any]:
        own = await own_did(profile, did)
        if own is not None:
            return own.document
        try:
            document = await self._documents.resolve(WebvhDid.parse(did))
        except (IdentifierError, NotFoundError) as err:
            raise DIDNotFound(err.message) from err
        except ResolutionError as err:
            raise ResolverError(err.message) from err
        return copy.deepcopy(dict(document.content))


def take_over(resolver: DIDResolver, ours: CheckedWebvhResolver) -> None:
    """Put `ours` in the place of ACA-Py's own did:webvh resolver, which knows no limits and no memory."""
    others = [known for known in resolver.resolvers if not isinstance(known, WebvhDIDResolver | CheckedWebvhResolver)]
    resolver.resolvers = [ours, *others]
