"""The scenes: what an employer asks, what a wallet answers, honest or not, and how it must end.

Honest wallets and employers are driven by their REST APIs, as a person's clicks would; cheats by their control APIs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wanderbuch.agents.demo.household import Household
from wanderbuch.agents.demo.outcome import Answer, Outcome, SceneResult
from wanderbuch.agents.demo.stage import DemoError, Stage
from wanderbuch.agents.machine import AgentHandle, AppError

WELDER, MECHANIC, COOK = "C7212", "C7231", "C5120"
_FINAL = ("DECIDED", "DECLINED", "NO_ANSWER")
# What goes wrong is told at once; this only ends the wait for what hangs, on the slowest machine.
_ANSWER_S = 180.0


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that an employer put."""

    employer: AgentHandle
    id: str
    invitation_url: str


class Play:
    """Plays the scenes on a stage, one after the other, and keeps how they ended."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.results: list[SceneResult] = []

    async def run(self) -> list[SceneResult]:
        """Play all scenes and return them in the order of their names."""
        await self._levels()
        await self._borders()
        await self._household()
        await self._mandates()
        stale = await self._governance()
        await self._mixing()
        await self._revocation()
        await self._silence()
        await self._staleness(stale)
        return sorted(self.results, key=lambda result: result.name)

    async def _levels(self) -> None:
        """Scenes a to c: a level shown without showing it, and one that is too low."""
        stage = self.stage
        stage.progress("The training centre issues to the welder")
        _, welder = await stage.give(stage.holder)
        await self._scene(
            "a", "Welder, NVQ 4, proves EQF 3 or more; the level stays hidden", Outcome.TRUSTED,
            lambda: self._honest(welder, {"occupation": WELDER, "min_eqf_level": 3}),
        )  # fmt: skip
        await self._scene(
            "b", "The same, by zero-knowledge predicate", Outcome.TRUSTED,
            lambda: self._honest(welder, {"occupation": WELDER, "min_eqf_level": 3, "level_proof": "predicate"}),
        )  # fmt: skip
        await self._scene(
            "c1", "Level too low: the honest wallet declines", Outcome.DECLINED,
            lambda: self._honest(welder, {"occupation": WELDER, "min_eqf_level": 5}),
        )  # fmt: skip
        _, low = await stage.give(stage.lying_wallet, framework_level="2")
        await self._scene(
            "c2", "Level too low: a lying wallet sends what it has", Outcome.NOT_TRUSTED,
            lambda: self._lie({"occupation": WELDER, "min_eqf_level": 3}, {"credential_id": low}),
        )  # fmt: skip
        self._low_welder = low
        self._welder = welder

    async def _borders(self) -> None:
        """Scene l: an employer whose own authority recognises the one that accredits the issuer."""
        self.stage.progress("Another employer trusts Malta's authority, which recognises Sri Lanka's")
        await self._scene(
            "l", "The employer's own authority recognises the issuer's", Outcome.TRUSTED,
            lambda: self._abroad({"occupation": WELDER, "min_eqf_level": 3}),
        )  # fmt: skip

    async def _household(self) -> None:
        """Scene m: somebody without an account asks at the authority's register."""
        self.stage.progress("A household asks at the authority's register, without an account")
        await self._scene(
            "m", "A household asks at the register, without an account or a name", Outcome.TRUSTED,
            self._at_the_register,
        )  # fmt: skip

    async def _at_the_register(self) -> Answer:
        """Let the worker scan the code of the page, and read the verdict on it."""
        household = Household(self.stage.authority, self.stage.machine.ca_file)
        page, address = await household.ask(WELDER, 3)
        wallet = self.stage.holder
        opened = await wallet.post("/invitations", {"url": address})
        shown = await wallet.get(f"/requests/{opened['id']}")
        await wallet.post(f"/requests/{opened['id']}/present", {"credential_id": self._welder})
        look, text = await household.verdict(page)
        return Answer(Outcome(look.upper()), (text,), asked=tuple(item["text"] for item in shown["asked"]))

    async def _mandates(self) -> None:
        """Scenes d and e: an issuer that counts, but not for this."""
        stage = self.stage
        stage.progress("A hotel school, accredited for cooks, signs for welders too")
        await self._scene(
            "d1", "Issuer for cooks only: an honest wallet refuses its offer", Outcome.NOT_TRUSTED,
            self._offered_by_rogue,
        )  # fmt: skip
        welder = await stage.give_rogue(stage.lying_wallet, eqf_level=4, occupation_isco08=WELDER)
        await self._scene(
            "d2", "Issuer for cooks only: a lying wallet shows the credential", Outcome.NOT_TRUSTED,
            lambda: self._lie({"occupation": WELDER, "min_eqf_level": 3}, {"credential_id": welder}),
        )  # fmt: skip
        early = await stage.give_rogue(
            stage.lying_wallet, eqf_level=4, occupation_isco08=COOK, awarded_on="20190610", expires_on=""
        )
        await self._scene(
            "e", "Awarded before the issuer's mandate began", Outcome.NOT_TRUSTED,
            lambda: self._lie({"occupation": COOK, "min_eqf_level": 3}, {"credential_id": early}),
        )  # fmt: skip

    async def _governance(self) -> OpenQuestion:
        """Scenes h and i: an altered file, then an older one. Returns the question of scene j, put in time."""
        stage = self.stage
        stage.progress("Between the second employer and the authority stands a mirror that lies")
        misled, mirror = await stage.ready_misled(), stage.mirror
        await self._scene(
            "i", "Somebody altered the governance file", Outcome.UNKNOWN,
            lambda: self._lie({"occupation": WELDER, "min_eqf_level": 3}, {}, employer=misled),
        )  # fmt: skip
        await mirror.post("/mode", {"mode": "PASS"})
        await stage.follow(misled, version=1)
        awarded = time.strftime("%Y%m%d", time.gmtime(time.time() - 7 * 86_400))
        cook = await stage.give_rogue(
            stage.lying_wallet, eqf_level=4, occupation_isco08=COOK, awarded_on=awarded, expires_on=""
        )
        stage.progress("The authority suspends the hotel school")
        await stage.suspend_hotel_school()
        await stage.follow(misled, version=2)
        await mirror.post("/mode", {"mode": "OLDER", "version": 1})
        question = {"occupation": COOK, "min_eqf_level": 3}
        await self._scene(
            "h", "An older, validly signed file, from before a suspension", Outcome.NOT_TRUSTED,
            lambda: self._lie(question, {"credential_id": cook}, employer=misled, precision="day", refresh=True),
        )  # fmt: skip
        await mirror.post("/mode", {"mode": "PASS"})
        await stage.follow(misled, version=2)
        await mirror.post("/mode", {"mode": "FROZEN"})
        return await self._ask({"occupation": WELDER, "min_eqf_level": 3}, employer=misled)

    async def _mixing(self) -> None:
        """Scene f1: one proof from two credentials."""
        stage = self.stage
        stage.progress("A wallet mixes a low welder's with a high mechanic's credential")
        _, mechanic = await stage.give(
            stage.lying_wallet, occupation_isco08=MECHANIC, framework_level="5", qualification_title="Diploma, Mechanic"
        )
        requirement = {"occupation": WELDER, "min_eqf_level": 5, "level_proof": "predicate"}
        await self._scene(
            "f1", "Two credentials mixed into one proof", Outcome.NOT_TRUSTED,
            lambda: self._mix(requirement, attributes_from=self._low_welder, predicates_from=mechanic),
        )  # fmt: skip

    async def _revocation(self) -> None:
        """Scenes f2 and g: a credential revoked, proven honestly, by an old status list, and against the newest."""
        stage = self.stage
        stage.progress("The training centre revokes two credentials")
        honest_offer, honest = await stage.give(stage.holder, occupation_isco08=MECHANIC)
        lying_offer, lying = await stage.give(stage.lying_wallet, framework_level="4")
        await asyncio.sleep(1.1)  # status lists are dated by the second
        before = int(time.time())
        await asyncio.gather(self._revoke(honest_offer), self._revoke(lying_offer))
        welder = {"occupation": WELDER, "min_eqf_level": 3}
        await self._scene(
            "f2", "A proof from a status list older than the revocation", Outcome.NOT_TRUSTED,
            lambda: self._lie(welder, {"credential_id": lying, "status_list_before": before}),
        )  # fmt: skip
        await self._scene(
            "g1", "Revoked: the honest wallet declines", Outcome.DECLINED,
            lambda: self._honest(honest, {"occupation": MECHANIC, "min_eqf_level": 3}),
        )  # fmt: skip
        await self._scene(
            "g2", "Revoked: a lying wallet proves against the newest list", Outcome.NOT_TRUSTED,
            lambda: self._lie(welder, {"credential_id": lying}),
        )  # fmt: skip

    async def _silence(self) -> None:
        """Scene k: nobody answers."""
        self.stage.progress("A wallet opens the question and says nothing")
        await self._scene("k", "The wallet does not answer", Outcome.NO_ANSWER, self._say_nothing)

    async def _staleness(self, question: OpenQuestion) -> None:
        """Scene j: the answer comes when the proof that the governance file is current has expired."""
        self.stage.progress("The mirror holds back the authority's newest word for a while")
        credentials = (await self.stage.holder.get("/credentials", revocation="true"))["items"]
        welder = next(
            credential["id"]
            for credential in credentials
            if credential["values"]["occupation_isco08"] == WELDER and credential["revocation"] != "revoked"
        )
        await question.employer.wait_for("/governance", "is_fresh", False, timeout_s=_ANSWER_S)
        await self._scene(
            "j", "The proof that the governance file is current has expired", Outcome.STALE,
            lambda: self._answer(question, welder),
        )  # fmt: skip

    async def _scene(self, name: str, title: str, expected: Outcome, play: Callable[[], Awaitable[Answer]]) -> None:
        self.stage.progress(f"Scene {name}: {title}")
        began = time.perf_counter()
        answer = await play()
        self.results.append(SceneResult(name, title, expected, answer, time.perf_counter() - began))

    async def _ask(
        self,
        requirement: Mapping[str, Any],
        *,
        employer: AgentHandle,
        deadline_s: int = 600,
        precision: str = "year",
    ) -> OpenQuestion:
        body = {
            "requirement": {"jurisdiction": "MLT", **requirement},
            "deadline_s": deadline_s,
            "award_precision": precision,
        }
        asked = await employer.post("/requests", body)
        return OpenQuestion(employer, asked["id"], asked["invitation_url"])

    async def _honest(self, credential: str, requirement: Mapping[str, Any]) -> Answer:
        question = await self._ask(requirement, employer=self.stage.verifier)
        return await self._answer(question, credential)

    async def _abroad(self, requirement: Mapping[str, Any]) -> Answer:
        """Show the welder's credential to the employer who trusts another authority."""
        question = await self._ask(requirement, employer=self.stage.employer_abroad)
        return await self._answer(question, self._welder)

    async def _answer(self, question: OpenQuestion, credential: str) -> Answer:
        """Answer as an honest person would: with the credential, if it fits, else with a no."""
        wallet = self.stage.holder
        opened = await wallet.post("/invitations", {"url": question.invitation_url})
        shown = await wallet.get(f"/requests/{opened['id']}")
        if any(fit["fits"] and fit["credential_id"] == credential for fit in shown["credentials"]):
            await wallet.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        else:
            await wallet.post(f"/requests/{opened['id']}/decline", {"reason": "NO_FITTING_CREDENTIAL"})
        return await self._ending(question, why_declined=shown["explanation"])

    async def _lie(
        self,
        requirement: Mapping[str, Any],
        forgery: Mapping[str, Any],
        *,
        employer: AgentHandle | None = None,
        precision: str = "year",
        refresh: bool = False,
    ) -> Answer:
        """Answer whatever was asked with the credential, whatever the request says."""
        employer = employer or self.stage.verifier
        if refresh:
            await employer.post("/governance/refresh")
        try:
            question = await self._ask(requirement, employer=employer, precision=precision)
        except AppError as err:
            return _without_asking(err)
        request = await self._open(question)
        await self.stage.lying_wallet.post(f"/requests/{request}/forge", forgery)
        return await self._ending(question)

    async def _mix(self, requirement: Mapping[str, Any], *, attributes_from: str, predicates_from: str) -> Answer:
        """Answer attributes from one credential and predicates from another."""
        question = await self._ask(requirement, employer=self.stage.verifier)
        request = await self._open(question)
        asked = (await self.stage.lying_wallet.get(f"/requests/{request}"))["proof_request"]
        chosen = dict.fromkeys(asked["requested_attributes"], attributes_from)
        chosen |= dict.fromkeys(asked["requested_predicates"], predicates_from)
        await self.stage.lying_wallet.post(f"/requests/{request}/forge", {"credentials": chosen})
        return await self._ending(question)

    async def _offered_by_rogue(self) -> Answer:
        """Return how an honest wallet judges the rogue's offer; it must also refuse to accept it."""
        wallet = self.stage.holder
        invitation = await self.stage.offer_rogue(eqf_level=4, occupation_isco08=WELDER)
        opened = await wallet.post("/invitations", {"url": invitation})
        try:
            accepted = await wallet.post(f"/offers/{opened['id']}/accept")
        except AppError as err:
            return _without_asking(err, "judgement")
        raise DemoError(f"the honest wallet took the rogue's offer: it is {accepted['state']}")

    async def _say_nothing(self) -> Answer:
        question = await self._ask({"occupation": WELDER}, employer=self.stage.verifier, deadline_s=3)
        await self._open(question)
        return await self._ending(question)

    async def _open(self, question: OpenQuestion) -> str:
        opened = await self.stage.lying_wallet.post("/invitations", {"url": question.invitation_url})
        return str(opened["id"])

    async def _ending(self, question: OpenQuestion, *, why_declined: str = "") -> Answer:
        """Return how the employer's question ended, as the employer's agent tells it."""
        path = f"/requests/{question.id}"
        ended = await question.employer.wait_for(path, "state", *_FINAL, timeout_s=_ANSWER_S)
        decision = ended["decision"]
        hidden = tuple(item["attribute"] for item in ended["hidden"])
        if decision is None:
            reasons = (why_declined,) if ended["state"] == "DECLINED" and why_declined else ()
            return Answer(Outcome(ended["state"]), reasons, asked=tuple(ended["words"]), hidden=hidden)
        governance = decision["governance"]
        return Answer(
            Outcome(decision["verdict"]),
            tuple(f"{reason['code']}: {reason['text']}" for reason in decision["reasons"]),
            asked=tuple(ended["words"]),
            seen={item["attribute"]: item["value"] for item in ended["seen"] or ()},
            hidden=hidden,
            governance=f"version {governance['version']}, {governance['digest'][:19]}…" if governance else None,
        )

    async def _revoke(self, offer: str) -> None:
        """Revoke the credential of an offer, and wait until everybody can know."""
        revoked = await self.stage.issuer.post(f"/credentials/{offer}/revoke")
        if revoked["published"]:
            return
        deadline = time.monotonic() + _ANSWER_S
        while not (await self.stage.issuer.get(f"/offers/{offer}"))["revocation"]["published"]:
            if time.monotonic() > deadline:
                raise DemoError("the revocation was not published in time")
            await asyncio.sleep(0.1)


def _without_asking(err: AppError, member: str = "decision") -> Answer:
    """Return the answer of an agent that decided before it went on; its problem details carry the decision."""
    decision = err.problem.get(member)
    if not isinstance(decision, Mapping):
        raise err
    reasons = tuple(f"{reason['code']}: {reason['text']}" for reason in decision["reasons"])
    return Answer(Outcome(decision["verdict"]), reasons)
