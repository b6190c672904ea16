"""Real servers for the length of some tests: on loopback, on a free port, in a folder of their own, stopped by process."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

LOOPBACK = "127.0.0.1"
REQUIRED = "MASTERTRADE_REQUIRE_REAL_SERVERS"
"""Set to 1, a missing server is a failure instead of a reason to skip."""

_READY_SECONDS = 60
_STOP_SECONDS = 30
_POLL_SECONDS = 0.05
_TOOL_SECONDS = 60


def program(*names: str, package: str, folders: str = "") -> Path:
    """The first of these programs on PATH, or in the newest of the `folders` (a pattern). Without any, the test is skipped.

    `package` is what Debian calls it.
    """
    for name in names:
        if found := shutil.which(name):
            return Path(found)
        if folders and (versions := sorted(Path("/").glob(f"{folders}/{name}"), key=_version)):
            return versions[-1]
    missing(f"{' or '.join(names)} is not installed (Debian: apt install {package})")


def _version(path: Path) -> list[int]:
    return [int(part) for part in path.parts if part.isdigit()]


def missing(reason: str) -> NoReturn:
    """Skips the test that needs what is missing, or fails it where nothing may be skipped."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason}, and {REQUIRED}=1 allows no skipping")
    pytest.skip(reason)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nothing listens on."""
    probes = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class RefusedError(Exception):
    """A server refused what it was told; its own words."""


@dataclass(frozen=True)
class Account:
    """Whom a server runs as: ourselves, unless we are root, whom PostgreSQL refuses."""

    user: int | None = None
    group: int | None = None

    @classmethod
    def unprivileged(cls, preferred: str) -> "Account":
        """For root the preferred account where it exists, or else nobody."""
        if os.geteuid() != 0:
            return cls()
        accounts = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = accounts.get(preferred, accounts["nobody"])
        return cls(entry.pw_uid, entry.pw_gid)

    def start(self, command: Sequence[str | Path], folder: Path, log: Path) -> subprocess.Popen[bytes]:
        """Starts a program in a folder; what it prints goes to a log."""
        with log.open("ab") as output:
            return subprocess.Popen([*self._become(), *command], cwd=folder, stdout=output, stderr=output)

    def _become(self) -> list[str]:
        """Another program changes the account: Python would have to fork for it, and what gRPC does in a fork's child may end it."""
        if self.user is None:
            return []
        setpriv = program("setpriv", package="util-linux")
        return [str(setpriv), f"--reuid={self.user}", f"--regid={self.group}", "--clear-groups", "--"]

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A temporary folder of the account. Not pytest's own, which other accounts cannot enter."""
        with tempfile.TemporaryDirectory(prefix="mastertrade-") as name:
            if self.user is not None and self.group is not None:
                os.chown(name, self.user, self.group)
            yield Path(name)


def run(account: Account, command: Sequence[str | Path], folder: Path) -> None:
    """Runs a program to its end; fails with what it printed."""
    log = folder / "setup.log"
    process = account.start(command, folder, log)
    if process.wait(_TOOL_SECONDS) != 0:
        pytest.fail(f"{command[0]} ended with exit code {process.returncode}:\n{log.read_text()}")


@contextmanager
def running(account: Account, command: Sequence[str | Path], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """Starts a server, waits until it is ready, and stops it afterwards. Fails with its log if it never is."""
    log = folder / "server.log"
    process = account.start(command, folder, log)
    try:
        _await(ready, process, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not ready():
        try:
            process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            pytest.fail(f"the server is not ready after {_READY_SECONDS} s:\n{log.read_text()}")
        pytest.fail(f"the server ended with exit code {process.returncode}:\n{log.read_text()}")


def ask(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """What a client prints. Its exit code is for the caller to judge."""
    return subprocess.run(command, capture_output=True, text=True, timeout=_TOOL_SECONDS, check=False)
