"""A genesis file of nodes that nobody runs."""

import json

SEEDS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def genesis(size: int = 4) -> str:
    """Return the transactions of a pool, one a line."""
    return "".join(json.dumps(_node(number)) + "\n" for number in range(1, size + 1))


def _node(number: int) -> dict[str, object]:
    data = {
        "alias": f"Node{number}",
        "client_ip": "127.0.0.1",
        "client_port": 2 * number,
        "node_ip": "127.0.0.1",
        "node_port": 2 * number - 1,
        "services": ["VALIDATOR"],
    }
    return {
        "reqSignature": {},
        "txn": {
            "data": {"data": data, "dest": SEEDS[number] * 43},
            "metadata": {"from": SEEDS[number] * 22},
            "type": "0",
        },
        "txnMetadata": {"seqNo": number, "txnId": "0" * 64},
        "ver": "1",
    }
