"""Run one node until it is killed or its input ends: `run_node.py FOLDER NAME HOST PORT CLIENT_PORT`.

Runs in the venv of the nodes. Its input is held by the test's process: whatever ends that ends the node.
"""

import os
import sys
import threading

import settings
from indy_node.utils.node_runner import run_node


def end_with_input():
    """End this process, at once, when nobody holds the other end of its input any more."""
    while os.read(0, 1):
        pass
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
folder, name, host, port, client_port = sys.argv[1:]
run_node(settings.settings(folder), name, host, int(port), host, int(client_port))
