"""Ask a worker for a welder's qualification, wait for the answer without polling, decide, keep the receipt.

python ask_a_worker.py https://desk.example.org app.token
"""

import asyncio
import sys
from pathlib import Path

from wanderbuch.client import ApiError, Question, VerifierClient

QUESTION: Question = {
    "place": "Malta",
    "credentials": [{"ask": "qualification", "occupation": "welder", "level": {"at_least": "3"}}],
    "answer_within_s": 600,
}


async def main(url: str, token: str) -> int:
    async with VerifierClient(url, token) as verifier:
        try:
            asked = await verifier.ask(QUESTION)
        except ApiError as err:
            print(f"not asked: {err.message}", err.hint or "", err.problem_code, sep="\n  ")
            return 2
        print("show this as a QR code, or send it:", asked.short_url, flush=True)

        ended = await verifier.ended(asked.id)
        if ended.decision is None or ended.answer is None:
            print("no answer:", ended.state)
            return 1
        match ended.category:
            case "accepted":
                print("this worker may weld; it holds on", ended.answer.holds_on)
            case "refused":
                print("it does not hold:", *(reason.text for reason in ended.decision.reasons))
            case _:  # "not_checked" and "too_old" are no refusal
                print("it could not be checked; ask again:", *ended.answer.not_checked)
        receipt = await verifier.receipt(asked.id)
        print("receipt:", receipt.address)
        return 0 if ended.category == "accepted" else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_text().strip())))
