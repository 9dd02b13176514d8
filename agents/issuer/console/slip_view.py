"""What stands on a slip."""

from collections.abc import Mapping

from markupsafe import Markup

from wanderbuch.agents.runtime.qr import qr_svg


def slip_of(name: str, claim: Mapping[str, str], address: str) -> Mapping[str, object]:
    """Return what a slip shows: the name and the title, and neither number nor day of birth, which may be asked for.

    Args:
        name: of the person.
        claim: as claims, or as credentials, have it.
        address: that the slip leads to.
    """
    title = claim.get("qualification_title", claim.get("employer", ""))
    return {
        "name": name,
        "title": title.removeprefix("#"),
        "address": address,
        "code": Markup(qr_svg(address)),  # noqa: S704 (made here, of an address of ours)
    }
