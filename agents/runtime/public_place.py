"""Where the public files of an agent lie: in a folder, or in a bucket."""

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.public_files import FolderFiles, PublicFiles


def public_files(config: AgentConfig) -> PublicFiles:
    """Return where the public files of an agent lie."""
    objects, secret = config.public.objects, config.objects_secret
    if objects is None or secret is None:
        return FolderFiles(config.public_folder)
    # Only here: the library takes 4 MB, which an agent without a bucket need not have.
    from wanderbuch.agents.runtime.public_objects import ObjectFiles

    return ObjectFiles(objects, secret.get_secret_value())
