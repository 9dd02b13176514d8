"""Settings of indy-node for a pool of tests. Runs on Python 3.8 or 3.9, in the venv of the nodes.

indy-node reads its folders from a file in /etc unless told otherwise, waits seconds for a batch to fill, and RocksDB
sets 64 MB aside for each of its files. No library for BLS signatures is on PyPI: the nodes sign without, so that the
pool gives **no state proofs**, and its readers need the same answer from two nodes of four.
"""

import os

import indy_common.config
import plenum.config
from indy_common.config_helper import ConfigHelper
from plenum.bls.bls_crypto_factory import BlsFactoryIndyCrypto
from plenum.common import keygen_utils, test_network_setup

NETWORK = "wanderbuch"


def settings(folder):
    """Return the configuration of all nodes, whose files lie below a folder."""
    os.makedirs(folder, exist_ok=True)
    for module in (plenum.config, indy_common.config):
        module.GENERAL_CONFIG_DIR = folder
    with open(os.path.join(folder, "indy_config.py"), "w") as file:
        file.write(f"NETWORK_NAME = {NETWORK!r}\n")
        file.writelines(
            f"{name}_DIR = {os.path.join(folder, name.lower())!r}\n"
            for name in ("LEDGER", "LOG", "KEYS", "GENESIS", "BACKUP", "PLUGINS", "NODE_INFO")
        )
        file.write(f"CLI_BASE_DIR = {folder!r}\nCLI_NETWORK_DIR = {folder!r}\n")
        file.write("Max3PCBatchWait = 0.1\nUPGRADE_ENABLED = False\nENABLED_PLUGINS = []\n")
    for module in (plenum.config, indy_common.config):
        for name, value in vars(module).items():
            if name.startswith("rocksdb_"):
                value["write_buffer_size"] = 1 << 20
    BlsFactoryIndyCrypto.create_bls_crypto_verifier = lambda self: None
    from indy_common.config_util import getConfig  # reads what was set above

    config = getConfig(general_config_dir=folder)
    helper = ConfigHelper(config)
    for path in (helper.node_info_dir, helper.log_dir, helper.ledger_data_dir, helper.backup_dir):
        os.makedirs(path, exist_ok=True)
    return config


def keys_without_bls():
    """Let the keys of nodes be made without those for BLS."""
    make = keygen_utils.initNodeKeysForBothStacks
    test_network_setup.initNodeKeysForBothStacks = lambda *args, **kwargs: make(*args, **{**kwargs, "use_bls": False})
    test_network_setup.init_bls_keys = lambda *args: (None, None)
