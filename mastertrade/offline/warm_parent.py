"""A process that has imported what policy packs import, and forks each pack from itself.

The engine starts an interpreter for each pack; most of what that costs is importing the same modules again. A pack that is forked
runs the same entry of the SDK (`python -m pulumi.policy`) in its own process, folder and environment.
"""

import contextlib
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

__all__ = ["WarmParent", "warm_parent"]

_LENGTH = 4


@dataclass(frozen=True, slots=True)
class WarmParent:
    """Forks packs of this project."""

    _socket: socket.socket

    @contextlib.contextmanager
    def pack(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> Generator[TextIO]:
        """Runs a module of Python in a process of its own, until the block is left. `command` is what follows `python -m`.

        Yields what the process prints.
        """
        reading, writing = os.pipe()
        request = json.dumps({"command": command, "folder": str(folder), "environment": dict(environment)}).encode()
        try:
            # the descriptor has to travel with the first bytes
            socket.send_fds(self._socket, [len(request).to_bytes(_LENGTH)], [writing])
        finally:
            os.close(writing)
        self._socket.sendall(request)
        pid = int.from_bytes(_received(self._socket, _LENGTH))
        with open(reading, encoding="utf-8") as printed:  # noqa: PTH123 - a descriptor
            try:
                yield printed
            finally:
                self._socket.sendall((0).to_bytes(_LENGTH) + pid.to_bytes(_LENGTH))


@contextlib.contextmanager
def warm_parent(modules: Sequence[str] = ()) -> Generator[WarmParent | None]:
    """Starts the process; it ends with the block, and all that it forked. None where forking is not safe or not known.

    To be called before anything has started a thread, but after the imports. `modules` are imported in it as well.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1:
        yield None
        return
    sys.stdout.flush()
    sys.stderr.flush()
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _serve(theirs, modules)
    theirs.close()
    try:
        yield WarmParent(ours)
    finally:
        ours.close()
        os.waitpid(pid, 0)


def _serve(requests: socket.socket, modules: Sequence[str]) -> NoReturn:
    """Forks what is asked for until whoever asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for module in modules:
        # what cannot be imported here fails in the pack that needs it, which says so
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    running: set[int] = set()
    with contextlib.suppress(EOFError, OSError):
        while True:
            header, descriptors, _, _ = socket.recv_fds(requests, _LENGTH, 1)
            if not header:
                break
            length = int.from_bytes(header)
            if not length:
                _end(int.from_bytes(_received(requests, _LENGTH)), running)
                continue
            request: dict[str, Any] = json.loads(_received(requests, length))
            pid = os.fork()
            if pid == 0:
                requests.close()
                _run(request, descriptors[0])
            running.add(pid)
            os.close(descriptors[0])
            requests.sendall(pid.to_bytes(_LENGTH))
    for pid in tuple(running):
        _end(pid, running)
    os._exit(0)


def _end(pid: int, running: set[int]) -> None:
    running.discard(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)


def _run(request: Mapping[str, Any], output: int) -> NoReturn:
    """As `python -u -m COMMAND` in its folder would."""
    code = 1
    try:
        os.dup2(output, 1)
        os.close(output)
        sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115 - a descriptor that lasts
        os.chdir(request["folder"])
        os.environ.update(request["environment"])
        sys.argv = request["command"]
        sys.path[0] = request["folder"]
        runpy.run_module(request["command"][0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _received(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        more = connection.recv(length - len(received))
        if not more:
            raise EOFError
        received += more
    return received
