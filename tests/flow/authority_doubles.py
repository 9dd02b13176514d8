"""The cases of `test_doubles` that are about what an authority does with its file, its officials and its keys."""

import secrets
from typing import Any

from tests.flow.doubles import Calls, Case, Effect, Place

SUSPECT = "did:webvh:QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT:suspect.example.test:org"


async def publish(place: Place) -> Calls:
    current = (await place.authority.get("/identity"))["current"]["version"]
    payload = {**place.village.payload, "version": current + 1}

    async def check() -> None:
        listed = [version["version"] for version in (await place.authority.get("/versions"))["items"]]
        assert listed.count(current + 1) == 1
        assert max(listed) == current + 1

    return Calls("/versions", {"payload": payload}, check=check)


async def reissue(_: Place) -> Calls:
    return Calls("/freshness/reissue", {}, Effect.EACH)


async def add_official(_: Place) -> Calls:
    return Calls("/officials", {"id": f"o-{secrets.token_hex(3)}", "name": "O", "roles": ["editor"]}, Effect.ONCE)


async def one_more_official(place: Place) -> str:
    name = f"o-{secrets.token_hex(3)}"
    await place.authority.post("/officials", {"id": name, "name": "O", "roles": ["editor"]})
    return name


async def change_official(place: Place) -> Calls:
    return Calls(f"/officials/{await one_more_official(place)}", {"name": "Another"})


async def remove_official(place: Place) -> Calls:
    return Calls(f"/officials/{await one_more_official(place)}", effect=Effect.ANY)


async def invite_official(place: Place) -> Calls:
    return Calls(f"/officials/{await one_more_official(place)}/invitation", effect=Effect.ANY)


async def block_official(place: Place) -> Calls:
    return Calls(f"/officials/{await one_more_official(place)}/block")


async def unblock_official(place: Place) -> Calls:
    name = await one_more_official(place)
    await place.authority.post(f"/officials/{name}/block")
    return Calls(f"/officials/{name}/unblock")


async def renew_token(place: Place) -> Calls:
    return Calls(f"/officials/{await one_more_official(place)}/token", effect=Effect.EACH)


async def open_draft(place: Place) -> Calls:
    return Calls("/drafts", {"why": "a test", "id": secrets.token_hex(16)}, token=place.official)


async def edit_draft(place: Place) -> Calls:
    draft = await place.draft()
    body = {"header": {"name": "Skills"}, "revision": draft["revision"]}
    return Calls(f"/drafts/{draft['id']}", body, Effect.ONCE, place.official)


async def schedule_draft(place: Place) -> Calls:
    draft = await place.draft()
    return Calls(f"/drafts/{draft['id']}/schedule", {"not_before": "2030-01-01T00:00:00Z"}, token=place.official)


async def refuse_in_draft(place: Place) -> Calls:
    draft = await place.draft()
    body = {
        "applicant": SUSPECT,
        "id": "2026-017",
        "occupations": ["C7212"],
        "decision": "https://authority.example.test/decisions/17",
        "reason": "no workshop",
    }
    return Calls(f"/drafts/{draft['id']}/refusals", body, Effect.ANY, place.official)


async def submit_draft(place: Place) -> Calls:
    return Calls(f"/drafts/{(await place.draft())['id']}/submit", token=place.official)


async def approve_draft(place: Place) -> Calls:
    draft = await place.draft(submitted=True)
    before = (await place.authority.get("/identity"))["current"]["version"]

    async def check() -> None:
        assert (await place.at_desk("GET", f"/drafts/{draft['id']}"))["state"] == "PUBLISHED"
        assert (await place.authority.get("/identity"))["current"]["version"] == before + 1

    body = {"revision": draft["revision"]}
    return Calls(f"/drafts/{draft['id']}/approve", body, Effect.SAME, place.official, check)


async def reject_draft(place: Place) -> Calls:
    draft = await place.draft(submitted=True)
    return Calls(f"/drafts/{draft['id']}/reject", {"why": "no"}, Effect.SAME, place.official)


async def discard_draft(place: Place) -> Calls:
    return Calls(f"/drafts/{(await place.draft())['id']}/discard", effect=Effect.SAME, token=place.official)


async def rebase_draft(place: Place) -> Calls:
    draft = await place.draft(submitted=True)
    return Calls(f"/drafts/{draft['id']}/rebase", {}, Effect.ANY, place.official)


async def suspension(place: Place) -> tuple[str, dict[str, Any]]:
    """Return a centre that counts, and the body that suspends it once."""
    centre = await place.centre.get("/standing")
    return centre["did"], {
        "issuer": centre["did"],
        "why": "under investigation",
        "nothing_counts": True,
        "id": secrets.token_hex(16),
    }


async def suspend(place: Place) -> Calls:
    before = (await place.authority.get("/identity"))["current"]["version"]
    _, body = await suspension(place)

    async def check() -> None:
        assert (await place.authority.get("/identity"))["current"]["version"] == before + 1

    return Calls("/suspensions", body, token=place.official, check=check)


async def close_review(place: Place) -> Calls:
    open_reviews = (await place.at_desk("GET", "/reviews"))["items"]
    body = {"finding": "UPHELD", "note": "as it was"}
    return Calls(f"/reviews/{open_reviews[-1]['id']}/close", body, Effect.ANY, place.official)


async def rotate(place: Place) -> Calls:
    before = (await place.authority.get("/identity"))["current"]["version"]

    async def check() -> None:
        assert (await place.authority.get("/identity"))["current"]["version"] == before + 1

    return Calls("/keys/rotate", {"why": "a test", "id": secrets.token_hex(16)}, check=check)


async def add_witness_proof(_: Place) -> Calls:
    return Calls("/did/witness-proofs", {"proof": {}}, Effect.ANY)


async def withdraw(_: Place) -> Calls:
    return Calls("/did/witness-proofs/withdraw", effect=Effect.ANY)


async def sign(place: Place) -> Calls:
    draft = await place.draft(submitted=True)
    return Calls(f"/drafts/{draft['id']}/signatures", {"jws": "a.b.c"}, Effect.ANY)


# In this order: a suspension comes after everything that needs the centre.
AUTHORITY_CASES: list[tuple[str, str, str, Case]] = [
    ("authority", "POST", "/versions", publish),
    ("authority", "POST", "/freshness/reissue", reissue),
    ("authority", "POST", "/officials", add_official),
    ("authority", "PATCH", "/officials/{id}", change_official),
    ("authority", "DELETE", "/officials/{id}", remove_official),
    ("authority", "POST", "/officials/{id}/token", renew_token),
    ("authority", "POST", "/officials/{id}/invitation", invite_official),
    ("authority", "POST", "/officials/{id}/block", block_official),
    ("authority", "POST", "/officials/{id}/unblock", unblock_official),
    ("authority", "POST", "/drafts", open_draft),
    ("authority", "PATCH", "/drafts/{id}", edit_draft),
    ("authority", "POST", "/drafts/{id}/schedule", schedule_draft),
    ("authority", "POST", "/drafts/{id}/refusals", refuse_in_draft),
    ("authority", "POST", "/drafts/{id}/submit", submit_draft),
    ("authority", "POST", "/drafts/{id}/approve", approve_draft),
    ("authority", "POST", "/drafts/{id}/reject", reject_draft),
    ("authority", "POST", "/drafts/{id}/discard", discard_draft),
    ("authority", "POST", "/drafts/{id}/rebase", rebase_draft),
    ("authority", "POST", "/drafts/{id}/signatures", sign),
    ("authority", "POST", "/did/witness-proofs", add_witness_proof),
    ("authority", "POST", "/did/witness-proofs/withdraw", withdraw),
    ("authority", "POST", "/keys/rotate", rotate),
    ("authority", "POST", "/suspensions", suspend),
    ("authority", "POST", "/reviews/{id}/close", close_review),
]
