"""The processes of policy packs: started as the engine starts them, or forked from a warm parent."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

import grpc
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from mastertrade.offline.evaluation import Evaluation
from mastertrade.offline.warm_parent import WarmParent

__all__ = ["PACK_FILE", "PackError", "RunningPack", "running_pack"]

PACK_FILE = "PulumiPolicy.yaml"
_ACCOUNT = "/mastertrade.Pack/Verdicts"
"""What `policies/engine/account.py` names; packs of other origins do not have it."""
_LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 10
_ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_OWN_FOLDER = Path(__file__).resolve().parents[2]


class PackError(Exception):
    """A pack that cannot be run. Its text is for whoever named or wrote the pack."""


@dataclass(frozen=True, slots=True)
class RunningPack:
    """A pack's analyzer process."""

    folder: Path
    _printed: TextIO
    _channels: list[grpc.Channel]
    _info: list[analyzer_pb2.AnalyzerInfo] = field(default_factory=list[analyzer_pb2.AnalyzerInfo])

    @contextlib.contextmanager
    def analyzer(self) -> Generator[Any]:
        """Its analyzer, once the process says where it listens. Raises `PackError`."""
        if not self._channels:
            port = self._printed.readline().strip()
            if not port.isdigit():
                raise PackError(f"{self.folder}: the pack ended before it could be asked{f'; it said: {port}' if port else ''}")
            self._channels.append(grpc.insecure_channel(f"{_LOOPBACK}:{port}", options=_ANY_SIZE))
        yield analyzer_pb2_grpc.AnalyzerStub(self._channels[0])

    def info(self) -> analyzer_pb2.AnalyzerInfo:
        """What it says of itself and of its policies: the same for every stack, so that it is asked once. Raises `PackError`."""
        if not self._info:
            with self.analyzer() as analyzer:
                self._info.append(analyzer.GetAnalyzerInfo(empty_pb2.Empty(), wait_for_ready=True))
        return self._info[0]

    def account(self) -> dict[str, Any]:
        """The pack's account of the stack that it was asked about; nothing from packs that keep none."""
        call = cast("Any", self._channels[0].unary_unary(_ACCOUNT))
        try:
            return json.loads(call(b""))
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return {}
            raise


@contextlib.contextmanager
def running_pack(
    folder: Path, evaluation: Evaluation, configuration: Mapping[str, str], warm: WarmParent | None = None
) -> Generator[RunningPack]:
    """The pack's process, in the pack's folder, with the environment that the engine gives it."""
    told = {
        "PULUMI_PROJECT": evaluation.project,
        "PULUMI_STACK": evaluation.stack,
        "PULUMI_ORGANIZATION": "organization",
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps(dict(configuration)),
    }
    # the address of the engine: packs are given one, and Python's do not use it
    command = ["pulumi.policy", f"{_LOOPBACK}:0", str(folder)]
    python = _interpreter(folder)
    # what this process has imported is right for packs of this project alone
    is_own = folder.resolve().is_relative_to(_OWN_FOLDER) and _is_this(python)
    process = warm.pack(command, folder, told) if warm and is_own else _spawned([python, "-u", "-m", *command], folder, told)
    with process as printed:
        channels: list[grpc.Channel] = []
        try:
            yield RunningPack(folder, printed, channels)
        finally:
            for channel in channels:
                channel.close()


@contextlib.contextmanager
def _spawned(command: list[str], folder: Path, environment: Mapping[str, str]) -> Generator[TextIO]:
    process = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # noqa: S101 - asked for above
    try:
        yield cast("TextIO", process.stdout)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _is_this(python: str) -> bool:
    """Whether an interpreter is of the environment that this process runs in."""
    return Path(python).parent.resolve() == Path(sys.executable).parent.resolve()


def _interpreter(pack: Path) -> str:
    """Python of the environment that the pack names, as far as that is there; or else ours."""
    try:
        stated: Any = yaml.safe_load((pack / PACK_FILE).read_text(encoding="utf-8"))
    except OSError:
        raise PackError(f"{pack}: no policy pack, it has no {PACK_FILE}") from None
    except yaml.YAMLError as error:
        raise PackError(f"{pack / PACK_FILE}: not YAML: {' '.join(str(error).split())}") from None
    runtime = cast("dict[str, Any]", stated).get("runtime") if isinstance(stated, dict) else None
    name, options = (runtime.get("name"), runtime.get("options") or {}) if isinstance(runtime, dict) else (runtime, {})  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if name != "python":
        raise PackError(f"{pack / PACK_FILE}: runtime: found {name!r}; allowed: python. Other runtimes need Pulumi's command line")
    environment = cast("dict[str, Any]", options).get("virtualenv")
    python = pack / str(environment) / "bin" / "python" if environment else None
    return str(python) if python and python.exists() else sys.executable
