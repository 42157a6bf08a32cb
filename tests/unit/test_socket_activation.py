"""A listening socket that a service manager holds: who comes during a restart waits and is not refused."""

import socket
import subprocess
import sys
from pathlib import Path

from appliance.commands.process import handed_socket

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import os, sys
sys.path.insert(0, sys.argv[1])
from appliance.commands.process import handed_socket
os.environ["LISTEN_PID"] = str(os.getpid())
given = handed_socket(os.environ, os.getpid())
assert "LISTEN_FDS" not in os.environ
connection, _ = given.accept()
connection.sendall(sys.argv[2].encode())
"""


def start(listening: socket.socket, word: str) -> "subprocess.Popen[bytes]":
    """A process that gets the socket as number 3, as systemd gives it."""
    script = f'exec 3<&{listening.fileno()}; exec "$0" -c "$1" "$2" "$3"'
    return subprocess.Popen(
        ["bash", "-c", script, sys.executable, CHILD, str(ROOT), word],
        env={"LISTEN_FDS": "1", "PATH": "/usr/bin:/bin"},
        pass_fds=[listening.fileno()],
    )


def test_who_comes_between_two_processes_is_answered_by_the_second() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        first = start(listening, "first")
        with socket.create_connection(address, timeout=60) as early:
            assert early.recv(10) == b"first"
        assert first.wait(timeout=60) == 0
        with socket.create_connection(address, timeout=60) as between:  # nobody is there now
            second = start(listening, "second")
            assert between.recv(10) == b"second"
        assert second.wait(timeout=60) == 0


def test_a_socket_for_another_process_is_not_taken() -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "OTHER": "kept"}
    assert handed_socket(environment, 4711) is None
    assert environment == {"OTHER": "kept"}
    assert handed_socket({}, 4711) is None
    assert handed_socket({"LISTEN_PID": "4711", "LISTEN_FDS": "0"}, 4711) is None
