"""A Valkey server, or the Redis that it descends from, and commands to it through its own client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.servers import LOOPBACK, Account, RefusedError, ask, free_ports, program, running

_PACKAGE = "redis-server"


@dataclass(frozen=True)
class Valkey:
    """A running server."""

    client: Path
    port: int

    def command(self, *words: str) -> list[str]:
        """The lines of the answer. Raises `RefusedError`."""
        answer = ask([self.client, "-h", LOOPBACK, "-p", str(self.port), "-e", *words])
        if answer.returncode != 0:
            raise RefusedError((answer.stdout + answer.stderr).strip())
        return answer.stdout.splitlines()

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self.command("PING") == ["PONG"]
        except RefusedError:
            return False

    def parameter(self, name: str) -> str | None:
        """What the server holds for a parameter; nothing for one that it does not know."""
        return next(iter(self.command("CONFIG", "GET", name)[1:]), None)

    def add_user(self, name: str, access: str) -> None:
        """A user with the rules of an ElastiCache access string, and no password. Raises `RefusedError`."""
        self.command("ACL", "SETUSER", name, "nopass", *access.split())

    def may(self, user: str, *words: str) -> bool:
        """Whether the rules of a user allow a command. The command is not carried out."""
        return self.command("ACL", "DRYRUN", user, *words) == ["OK"]


@contextmanager
def valkey(parameters: Mapping[str, str]) -> Iterator[Valkey]:
    """A fresh server that was started with these parameters in its file. It keeps nothing."""
    server = program("valkey-server", "redis-server", package=_PACKAGE)
    client = program("valkey-cli", "redis-cli", package=_PACKAGE)
    account = Account.unprivileged("nobody")
    with account.folder() as folder:
        port, bus = free_ports(2)
        address = {"bind": LOOPBACK, "port": str(port), "cluster-port": str(bus), "save": '""', "appendonly": "no", "daemonize": "no"}
        file = folder / "server.conf"
        file.write_text("".join(f"{name} {value}\n" for name, value in (address | dict(parameters)).items()))
        file.chmod(0o644)
        store = Valkey(client, port)
        with running(account, [server, file], folder, store.is_ready):
            yield store
