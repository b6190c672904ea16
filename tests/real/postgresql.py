"""A PostgreSQL server from Debian's packages, and questions to it through psql."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.servers import LOOPBACK, Account, RefusedError, ask, free_ports, program, run, running

_PACKAGE = "postgresql"
_FOLDERS = "usr/lib/postgresql/*/bin"
_SUPERUSER = "postgres"


@dataclass(frozen=True)
class Parameter:
    """What the server holds: `value` in the unit of the parameter, `context` who may change it and when."""

    value: str
    kind: str
    context: str

    def holds(self, wanted: str) -> bool:
        """Whether the value means the same as one that is written otherwise: `1` is `on`, `60000` is `60000.0`."""
        match self.kind:
            case "bool":
                return self.value == ("on" if wanted.lower() in ("1", "on", "true", "yes") else "off")
            case "integer" | "real":
                return float(self.value) == float(wanted)
            case _:
                return self.value == wanted


@dataclass(frozen=True)
class PostgreSQL:
    """A running server."""

    psql: Path
    port: int

    def query(self, statement: str) -> list[list[str]]:
        """Rows of text. Raises `RefusedError`."""
        connection = [f"--host={LOOPBACK}", f"--port={self.port}", f"--username={_SUPERUSER}", "--dbname=postgres"]
        form = ["--no-psqlrc", "--no-align", "--tuples-only", "--field-separator=\t", "--set=ON_ERROR_STOP=1"]
        answer = ask([self.psql, *connection, *form, f"--command={statement}"])
        if answer.returncode != 0:
            raise RefusedError(answer.stderr.strip())
        return [line.split("\t") for line in answer.stdout.splitlines()]

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self.query("SELECT 1") == [["1"]]
        except RefusedError:
            return False

    def parameter(self, name: str) -> Parameter:
        """What the server holds for a parameter."""
        (row,) = self.query(f"SELECT setting, vartype, context FROM pg_settings WHERE name = '{name}'")
        return Parameter(*row)

    def set(self, name: str, value: str) -> None:
        """Writes a parameter for the next start; the server checks its name and value now. Raises `RefusedError`."""
        self.query(f"ALTER SYSTEM SET {name} = '{value}'")


@contextmanager
def postgresql(parameters: Mapping[str, str]) -> Iterator[PostgreSQL]:
    """A fresh server that was started with these parameters."""
    initdb, server, psql = (program(name, package=_PACKAGE, folders=_FOLDERS) for name in ("initdb", "postgres", "psql"))
    account = Account.unprivileged(_SUPERUSER)
    with account.folder() as folder:
        data = folder / "data"
        run(
            account,
            [initdb, f"--pgdata={data}", f"--username={_SUPERUSER}", "--auth=trust", "--locale=C", "--encoding=UTF8", "--no-sync"],
            folder,
        )
        (port,) = free_ports(1)
        address = {"listen_addresses": LOOPBACK, "port": str(port), "unix_socket_directories": "", "fsync": "off"}
        flags = [f"-c{name}={value}" for name, value in (address | dict(parameters)).items()]
        database = PostgreSQL(psql, port)
        with running(account, [server, "-D", data, *flags], folder, database.is_ready):
            yield database
