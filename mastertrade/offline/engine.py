"""The engine's side of everything but resources: what the program says to the person who runs it."""

from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from mastertrade.offline.evaluation import Diagnostic

__all__ = ["Engine", "EngineClient"]

_SEVERITIES = {engine_pb2.INFO: "info", engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}


class Engine(engine_pb2_grpc.EngineServicer):
    """Serves `Engine` for one run and keeps what the program logs."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._root = ""

    def Log(self, request: engine_pb2.LogRequest, context: grpc.ServicerContext) -> Empty:
        """One message."""
        severity = _SEVERITIES.get(request.severity)
        if severity and not request.ephemeral:
            self.diagnostics.append(Diagnostic(severity, request.message, request.urn))
        return Empty()

    def GetRootResource(self, request: engine_pb2.GetRootResourceRequest, context: grpc.ServicerContext) -> Any:
        """The stack's URN."""
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: engine_pb2.SetRootResourceRequest, context: grpc.ServicerContext) -> Any:
        """The stack's URN."""
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: engine_pb2.RequirePulumiVersionRequest, context: grpc.ServicerContext) -> Any:
        """Which CLI a program needs is for the CLI to decide."""
        return engine_pb2.RequirePulumiVersionResponse()


class EngineClient:
    """The program's way to the engine. Debug messages, several for each resource, end here: nobody reads them."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = engine_pb2_grpc.EngineStub(channel)

    def Log(self, request: engine_pb2.LogRequest) -> None:
        """Passes a message on."""
        if request.severity != engine_pb2.DEBUG:
            self._stub.Log(request)  # pyright: ignore[reportUnknownMemberType]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stub, name)
