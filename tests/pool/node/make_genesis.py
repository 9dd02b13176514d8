"""Make keys and genesis files of four nodes: `make_genesis.py FOLDER HOST PORT×8`. Runs in the venv of the nodes."""

import json
import os
import sys

import settings
from indy_common.config_helper import ConfigHelper, NodeConfigHelper
from indy_common.txn_util import getTxnOrderedFields
from plenum.common.test_network_setup import TestNetworkSetup


def main(folder, host, ports):
    """Write all files; print the path of the pool's genesis file on the last line."""
    config = settings.settings(folder)
    settings.keys_without_bls()
    stewards, nodes = TestNetworkSetup.gen_defs(None, len(ports) // 2, 1)
    nodes = [
        node._replace(port=port, client_port=client)
        for node, port, client in zip(nodes, ports[::2], ports[1::2])  # noqa: B905 (Python 3.8)
    ]
    for number in range(1, len(nodes) + 1):
        # Each time all four are written; the keys are those of one.
        TestNetworkSetup.bootstrapTestNodesCore(
            config,
            settings.NETWORK,
            False,
            getTxnOrderedFields(),
            TestNetworkSetup.gen_trustee_def(1),
            stewards,
            nodes,
            [],
            number,
            "indy.env",
            ConfigHelper,
            NodeConfigHelper,
        )
    genesis = os.path.join(ConfigHelper(config).genesis_dir, f"{config.poolTransactionsFile}_genesis")
    with open(genesis) as file:
        lines = [json.loads(line) for line in file if line.strip()]
    for line in lines:
        data = line["txn"]["data"]["data"]
        data["node_ip"] = data["client_ip"] = host
        for name in ("blskey", "blskey_pop"):
            if not data.get(name):
                data.pop(name, None)
    with open(genesis, "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    print(genesis)


main(sys.argv[1], sys.argv[2], [int(port) for port in sys.argv[3:]])
