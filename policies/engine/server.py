"""Serves a pack to Pulumi's engine, over the protocol of policy analyzers."""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from mastertrade.values import Properties, from_struct
from policies.engine.account import VERDICTS_METHOD, VERDICTS_SERVICE, account
from policies.engine.configuration import ConfigurationError
from policies.engine.control import Control, Enforcement, Pack, Severity, State
from policies.engine.judging import Verdict
from policies.engine.resources import Resource
from policies.engine.run import Run
from policies.engine.waivers import WAIVER_TYPE, WaiverError

__all__ = ["serve"]

_ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_LEVELS = {
    Enforcement.ADVISORY: analyzer_pb2.ADVISORY,
    Enforcement.MANDATORY: analyzer_pb2.MANDATORY,
    Enforcement.DISABLED: analyzer_pb2.DISABLED,
}
_SEVERITIES = {
    Severity.LOW: analyzer_pb2.POLICY_SEVERITY_LOW,
    Severity.MEDIUM: analyzer_pb2.POLICY_SEVERITY_MEDIUM,
    Severity.HIGH: analyzer_pb2.POLICY_SEVERITY_HIGH,
    Severity.CRITICAL: analyzer_pb2.POLICY_SEVERITY_CRITICAL,
}


def serve(pack: Pack) -> NoReturn:
    """Answers the engine until it ends the process. The first line that is printed is the port, on loopback."""
    # one thread: the engine asks about several resources at once, and controls are pure computation
    server = grpc.server(ThreadPoolExecutor(max_workers=1), options=_ANY_SIZE)
    analyzer = _Analyzer(pack)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(analyzer, server)
    # beside the engine's protocol: texts in JSON, so that nothing has to be generated
    methods: dict[str, Any] = {VERDICTS_METHOD: grpc.unary_unary_rpc_method_handler(analyzer.verdicts)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(VERDICTS_SERVICE, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()
    sys.exit(0)


class _Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """One pack."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._dry_run = os.environ.get("PULUMI_DRY_RUN") == "true"
        self._not_about: dict[str, analyzer_pb2.AnalyzeResponse] = {}
        self._run = self._new_run(os.environ.get("PULUMI_PROJECT", ""), os.environ.get("PULUMI_STACK", ""))

    def _new_run(self, project: str, stack: str) -> Run:
        return Run(self._pack, project, stack, datetime.datetime.now(datetime.UTC).date())

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802 - the protocol's name
        return plugin_pb2.PluginInfo(version=self._pack.version)

    def GetAnalyzerInfo(self, request: Any, context: grpc.ServicerContext) -> analyzer_pb2.AnalyzerInfo:  # noqa: N802
        return analyzer_pb2.AnalyzerInfo(
            name=self._pack.name,
            version=self._pack.version,
            displayName=self._pack.name,
            description=self._pack.description,
            supportsConfig=True,
            policies=[_info(control) for control in self._pack.controls],
        )

    def ConfigureStack(  # noqa: N802
        self, request: analyzer_pb2.AnalyzerStackConfigureRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzerStackConfigureResponse:
        self._dry_run = request.dry_run
        self._run = self._new_run(request.project, request.stack)
        self._not_about.clear()
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Configure(self, request: analyzer_pb2.ConfigureAnalyzerRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        stated: dict[str, dict[str, Any]] = {
            name: {**from_struct(each.properties), "enforcementLevel": _level(each.enforcementLevel)}
            for name, each in request.policyConfig.items()
        }
        self._not_about.clear()
        try:
            self._run.configure(stated)
        except (ConfigurationError, WaiverError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return empty_pb2.Empty()

    def Analyze(self, request: analyzer_pb2.AnalyzeRequest, context: grpc.ServicerContext) -> analyzer_pb2.AnalyzeResponse:  # noqa: N802
        response = analyzer_pb2.AnalyzeResponse()
        resource = _resource(request)
        response.CopyFrom(self._others(resource.type))
        for verdict in self._judged(context, lambda: self._run.judge_alone(resource)):
            # what is unknown alone may be told by what it is computed from
            if verdict.state is State.UNKNOWN:
                response.not_applicable.add(policy_name=verdict.control.id, reason="judged together with the whole stack")
            else:
                self._answer(response, verdict)
        return response

    def AnalyzeStack(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeStackRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzeResponse:
        response = analyzer_pb2.AnalyzeResponse()
        resources = [_stacked(each, self._run.declared(each.urn)) for each in request.resources]
        for verdict in self._judged(context, lambda: self._run.judge_stack(resources)):
            self._answer(response, verdict)
        return response

    def Remediate(self, request: Any, context: grpc.ServicerContext) -> analyzer_pb2.RemediateResponse:  # noqa: N802
        return analyzer_pb2.RemediateResponse()

    def verdicts(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        """What the protocol of analyzers has no words for: every verdict on the stack, passes too, and what the controls are."""
        del request, context
        return json.dumps(account(self._pack, self._run)).encode()

    def _others(self, type_: str) -> analyzer_pb2.AnalyzeResponse:
        """Every control that is not about a type, made once for each: what an answer does not name counts as passed."""
        found = self._not_about.get(type_)
        if found is None:
            about = {control.id for control in self._run.controls_of_type(type_)}
            found = self._not_about[type_] = analyzer_pb2.AnalyzeResponse(
                not_applicable=[
                    analyzer_pb2.PolicyNotApplicable(policy_name=each.id) for each in self._pack.controls if each.id not in about
                ]
            )
        return found

    def _judged(self, context: grpc.ServicerContext, verdicts: Callable[[], list[Verdict]]) -> list[Verdict]:
        try:
            return verdicts()
        except WaiverError as error:
            # of an engine that does not configure packs: nothing was read before
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    def _answer(self, response: analyzer_pb2.AnalyzeResponse, verdict: Verdict) -> None:
        control = verdict.control
        if verdict.state is State.NOT_APPLICABLE:
            response.not_applicable.add(policy_name=control.id, reason=verdict.reason)
        elif verdict.state is not State.PASS:
            level = self._run.settings[control.id].enforcement
            if verdict.state is State.WAIVED or (verdict.state is State.UNKNOWN and self._dry_run):
                # a preview cannot know; the deployment asks again, with what exists by then
                level = Enforcement.ADVISORY
            response.diagnostics.add(
                policyName=control.id,
                policyPackName=self._pack.name,
                policyPackVersion=self._pack.version,
                description=control.title,
                message=verdict.message(),
                enforcementLevel=_LEVELS[level],
                severity=_SEVERITIES[control.severity],
                # a waiver is no resource: what is said of it is said of the stack
                urn="" if verdict.resource.type == WAIVER_TYPE else verdict.resource.urn,
            )


def _info(control: Control) -> analyzer_pb2.PolicyInfo:
    return analyzer_pb2.PolicyInfo(
        name=control.id,
        displayName=control.title,
        description=control.rationale,
        enforcementLevel=_LEVELS[control.enforcement],
        severity=_SEVERITIES[control.severity],
        policy_type=analyzer_pb2.POLICY_TYPE_RESOURCE,
        remediation_steps=control.remediation,
        url=control.references[0] if control.references else "",
    )


def _level(level: analyzer_pb2.EnforcementLevel.ValueType) -> str:
    # nothing is changed for anybody here: a pack that is told to remediate refuses
    return "mandatory" if level == analyzer_pb2.REMEDIATE else analyzer_pb2.EnforcementLevel.Name(level).lower()


def _resource(request: analyzer_pb2.AnalyzeRequest) -> Resource:
    return Resource(
        urn=request.urn,
        type_=request.type,
        name=request.name,
        properties=from_struct(request.properties),
        protect=request.options.protect,
        parent=request.options.parent,
        provider=from_struct(request.provider.properties),
    )


def _stacked(stated: analyzer_pb2.AnalyzerResource, inputs: Properties | None) -> Resource:
    """With what the program declares, where the resource was asked about before: the stack's question mixes in what the cloud computes."""
    outputs = from_struct(stated.properties)
    return Resource(
        urn=stated.urn,
        type_=stated.type,
        name=stated.name,
        properties=outputs if inputs is None else inputs,
        outputs=outputs,
        protect=stated.options.protect,
        parent=stated.parent,
        provider=from_struct(stated.provider.properties),
        dependencies=tuple(stated.dependencies),
        property_dependencies={name: tuple(each.urns) for name, each in stated.propertyDependencies.items()},
    )
