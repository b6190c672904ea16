"""A PostgreSQL server from Debian's packages, and questions to it through psql."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.servers import LOOPBACK, Account, RefusedError, ask, free_ports, program, run, running

_PACKAGE = "postgresql"
_FOLDERS = "usr/lib/postgresql/*/bin"
_SUPERUSER = "postgres"
_END = "end of answer"


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

    def _client(self) -> list[str | Path]:
        connection = [f"--host={LOOPBACK}", f"--port={self.port}", f"--username={_SUPERUSER}", "--dbname=postgres"]
        return [self.psql, *connection, "--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--field-separator=\t"]

    def query(self, statement: str) -> list[list[str]]:
        """Rows of text. Raises `RefusedError`."""
        answer = ask([*self._client(), "--set=ON_ERROR_STOP=1", f"--command={statement}"])
        if answer.returncode != 0:
            raise RefusedError(answer.stderr.strip())
        return [line.split("\t") for line in answer.stdout.splitlines()]

    def run_file(self, path: Path) -> None:
        """Runs the statements of a file. Raises `RefusedError`."""
        answer = ask([*self._client(), "--set=ON_ERROR_STOP=1", f"--file={path}"])
        if answer.returncode != 0:
            raise RefusedError(answer.stderr.strip())

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """A connection that lasts for several statements."""
        command = self._client()
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                yield Session(process)
            finally:
                process.kill()

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


@dataclass(frozen=True)
class Session:
    """One connection, through a psql that reads statements from us."""

    process: subprocess.Popen[str]

    def query(self, statement: str) -> list[str]:
        """Lines of the answer, or of the server's refusal. Ends when the server has answered."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{statement};\n\\echo {_END}\n")
        self.process.stdin.flush()
        return list(iter(lambda: self.process.stdout.readline().rstrip("\n"), _END))  # pyright: ignore[reportOptionalMemberAccess]

    def vanish(self) -> None:
        """Ends without a word, as a process does that is killed."""
        self.process.kill()
        self.process.wait()


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
