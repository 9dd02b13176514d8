"""ACA-Py's revocation operations for issuers on Indy ledgers: tails files lie among the agent's own public files.

A registry definition on a ledger names an https address for good: where `[public]` serves its `tails` when the
registry is made. Issuers of other methods are served as `WebvhRevocation` does.
"""

from urllib.parse import urlsplit

from acapy_agent.anoncreds.models.revocation import RevRegDef
from acapy_agent.anoncreds.revocation.revocation import AnonCredsRevocationError

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.indy import IndyDid
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.revocation import WebvhRevocation
from wanderbuch.plugins.webvh.tails import checked_tails_hash, put_tails


class PublishedRevocation(WebvhRevocation):
    """Registry operations whose tails files are public files of the agent, for issuers on did:webvh and on Indy."""

    def generate_public_tails_uri(self, rev_reg_def: RevRegDef) -> str:
        """Return where the tails file will be served."""
        if not _is_indy(rev_reg_def):
            return super().generate_public_tails_uri(rev_reg_def)
        return f"{self._tails_base_url}/{checked_tails_hash(rev_reg_def.value.tails_hash)}"

    async def upload_tails_file(self, rev_reg_def: RevRegDef) -> None:
        """Publish the tails file.

        Raises:
            AnonCredsRevocationError: it is not there, or could not be published.
        """
        if not _is_indy(rev_reg_def):
            await super().upload_tails_file(rev_reg_def)
            return
        folder = urlsplit(self._tails_base_url).path.strip("/")
        try:
            await put_tails(folder, rev_reg_def.value.tails_hash, self.profile.inject(Publisher))
        except WanderbuchError as err:
            raise AnonCredsRevocationError(err.message) from err

    @property
    def _tails_base_url(self) -> str:
        base = self.profile.settings.get("tails_server_base_url")
        if not isinstance(base, str) or not base.startswith("https://"):
            raise AnonCredsRevocationError("tails_server_base_url is not an https address")
        return base.rstrip("/")


def _is_indy(rev_reg_def: RevRegDef) -> bool:
    try:
        IndyDid.parse(rev_reg_def.issuer_id)
    except IdentifierError:
        return False
    return True
