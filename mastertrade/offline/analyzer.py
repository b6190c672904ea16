"""Runs policy packs over an evaluated stack: each as the analyzer process that the engine would start, over its protocol."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from mastertrade.offline.evaluation import Evaluation, Resource
from mastertrade.values import HIDDEN_SECRET, fill_struct, secret_texts

__all__ = ["PackError", "PackResult", "Questions", "Violation", "analyze", "ask", "connected", "pack_process"]

PACK_FILE = "PulumiPolicy.yaml"
_LEVELS = {"mandatory": analyzer_pb2.MANDATORY, "advisory": analyzer_pb2.ADVISORY, "disabled": analyzer_pb2.DISABLED}
_LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 10
_ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class PackError(Exception):
    """A pack that cannot be run. Its text is for whoever named or wrote the pack."""


@dataclass(frozen=True)
class Violation:
    """One thing that a policy found: what, where, and whether it stops a deployment."""

    policy: str
    enforcement: str
    """`advisory` or `mandatory`."""
    message: str
    urn: str
    """Empty for the stack as a whole."""
    severity: str
    """`low` to `critical`, or empty."""


@dataclass(frozen=True)
class PackResult:
    """What one pack said of a stack."""

    name: str
    version: str
    policies: tuple[str, ...]
    violations: tuple[Violation, ...]
    """In the order of the resources, those of the whole stack last."""

    @property
    def is_violated(self) -> bool:
        """Whether a mandatory policy is."""
        return any(each.enforcement == "mandatory" for each in self.violations)


def analyze(evaluation: Evaluation, packs: Sequence[Path], configuration: Mapping[str, str]) -> tuple[PackResult, ...]:
    """Asks each pack about every resource, then about the stack. Packs start side by side. Raises `PackError`."""
    questions = Questions(evaluation)
    with contextlib.ExitStack() as running:
        started = [running.enter_context(pack_process(pack, evaluation, configuration)) for pack in packs]
        results: list[PackResult] = []
        for pack, process in zip(packs, started, strict=True):
            with connected(pack, process) as analyzer:
                results.append(ask(pack, analyzer, questions))
        return tuple(results)


@contextlib.contextmanager
def pack_process(pack: Path, evaluation: Evaluation, configuration: Mapping[str, str]) -> Generator[subprocess.Popen[str]]:
    """The pack's analyzer, in the pack's folder, with the environment that the engine gives it."""
    told = {
        "PULUMI_PROJECT": evaluation.project,
        "PULUMI_STACK": evaluation.stack,
        "PULUMI_ORGANIZATION": "organization",
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps(dict(configuration)),
    }
    # the address of the engine: packs are given one, and Python's do not use it
    command = [_interpreter(pack), "-u", "-m", "pulumi.policy", f"{_LOOPBACK}:0", str(pack)]
    process = subprocess.Popen(command, cwd=pack, env=os.environ | told, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


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


@contextlib.contextmanager
def connected(pack: Path, process: subprocess.Popen[str]) -> Generator[Any]:
    """The pack's analyzer, once its process says where it listens. Raises `PackError`."""
    port = process.stdout.readline().strip() if process.stdout else ""
    if not port.isdigit():
        raise PackError(f"{pack}: the pack ended before it could be asked{f'; it said: {port}' if port else ''}")
    with grpc.insecure_channel(f"{_LOOPBACK}:{port}", options=_ANY_SIZE) as channel:
        yield analyzer_pb2_grpc.AnalyzerStub(channel)


class Questions:
    """What every pack is asked about a stack, put into messages once."""

    def __init__(self, evaluation: Evaluation) -> None:
        by_urn = {resource.urn: resource for resource in evaluation.resources}
        self.stack = analyzer_pb2.AnalyzerStackConfigureRequest(
            stack=evaluation.stack, project=evaluation.project, organization="organization", dry_run=True
        )
        self.urns = (*by_urn, "")
        """Of the resources, in their order; empty for the stack as a whole."""
        self.about_resources = [_question(resource, by_urn) for resource in evaluation.resources]
        self.about_stack = _stack_question(evaluation, by_urn)
        self.secrets = {text for resource in evaluation.resources for text in secret_texts([resource.inputs, resource.outputs])}
        """Packs see secrets in plain, and may say them."""


def ask(pack: Path, analyzer: Any, questions: Questions) -> PackResult:
    """Asks a pack about every resource, then about the stack. May be repeated. Raises `PackError`."""
    try:
        info: analyzer_pb2.AnalyzerInfo = analyzer.GetAnalyzerInfo(empty_pb2.Empty(), wait_for_ready=True)
        analyzer.ConfigureStack(questions.stack)
        analyzer.Configure(_configuration(pack, questions.stack.stack, info))
        answers: list[analyzer_pb2.AnalyzeResponse] = [analyzer.Analyze(each) for each in questions.about_resources]
        answers.append(analyzer.AnalyzeStack(questions.about_stack))
    except grpc.RpcError as error:
        raise PackError(f"{pack}: the pack failed: {error.details()}") from None
    violations = [
        _violation(each, urn, questions.secrets) for urn, answer in zip(questions.urns, answers, strict=True) for each in answer.diagnostics
    ]
    return PackResult(info.name, info.version, tuple(policy.name for policy in info.policies), tuple(violations))


def _configuration(pack: Path, stack: str, info: analyzer_pb2.AnalyzerInfo) -> analyzer_pb2.ConfigureAnalyzerRequest:
    """What `STACK.json` in the pack's folder says, in the form of Pulumi's `--policy-pack-config`; nothing without that file."""
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    file = pack / f"{stack}.json"
    if not file.is_file():
        return request
    try:
        stated: Any = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PackError(f"{file}: not JSON: {error}") from None
    known = {policy.name: policy.enforcementLevel for policy in info.policies}
    problems = [] if isinstance(stated, dict) else [f"{file}: allowed: a mapping of policies to levels"]
    for name, each in cast("dict[str, Any]", stated).items() if isinstance(stated, dict) else ():
        options: dict[str, Any] = dict(cast("dict[str, Any]", each)) if isinstance(each, dict) else {"enforcementLevel": each}
        level = options.pop("enforcementLevel", None)
        if name not in known:
            problems.append(f"{file}: {name}: the pack has no such policy; allowed: {', '.join(sorted(known))}")
        elif level not in (None, *_LEVELS):
            problems.append(f'{file}: {name}: enforcementLevel: found {level!r}; allowed: {", ".join(_LEVELS)}. Example: "advisory"')
        else:
            request.policyConfig[name].enforcementLevel = known[name] if level is None else _LEVELS[level]
            fill_struct(request.policyConfig[name].properties, options)
    if problems:
        raise PackError("\n".join(problems))
    return request


def _without(secrets: set[str], message: str) -> str:
    for secret in secrets:
        message = message.replace(secret, HIDDEN_SECRET)
    return message


def _violation(found: analyzer_pb2.AnalyzeDiagnostic, urn: str, secrets: set[str]) -> Violation:
    severity = analyzer_pb2.PolicySeverity.Name(found.severity).removeprefix("POLICY_SEVERITY_").lower()
    return Violation(
        policy=found.policyName,
        enforcement=analyzer_pb2.EnforcementLevel.Name(found.enforcementLevel).lower(),
        message=_without(secrets, found.message),
        urn=found.urn or urn,
        severity="" if severity == "unspecified" else severity,
    )


def _question(resource: Resource, by_urn: Mapping[str, Resource]) -> analyzer_pb2.AnalyzeRequest:
    request = analyzer_pb2.AnalyzeRequest(type=resource.type, urn=resource.urn, name=resource.name, options=_options(resource))
    fill_struct(request.properties, resource.inputs)
    _add_provider(request, resource, by_urn)
    return request


def _stack_question(evaluation: Evaluation, by_urn: Mapping[str, Resource]) -> analyzer_pb2.AnalyzeStackRequest:
    request = analyzer_pb2.AnalyzeStackRequest()
    for resource in evaluation.resources:
        asked = request.resources.add(
            type=resource.type,
            urn=resource.urn,
            name=resource.name,
            options=_options(resource),
            parent=resource.parent,
            dependencies=resource.dependencies,
            propertyDependencies={
                name: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns) for name, urns in resource.property_dependencies.items()
            },
        )
        fill_struct(asked.properties, {**resource.inputs, **resource.outputs})
        _add_provider(asked, resource, by_urn)
    return request


def _options(resource: Resource) -> analyzer_pb2.AnalyzerResourceOptions:
    return analyzer_pb2.AnalyzerResourceOptions(
        protect=resource.protect,
        ignoreChanges=resource.ignore_changes,
        deleteBeforeReplace=resource.delete_before_replace,
        additionalSecretOutputs=resource.additional_secret_outputs,
        aliases=resource.aliases,
        parent=resource.parent,
    )


def _add_provider(
    question: analyzer_pb2.AnalyzeRequest | analyzer_pb2.AnalyzerResource, resource: Resource, by_urn: Mapping[str, Resource]
) -> None:
    provider = by_urn.get(resource.provider)
    if provider:
        question.provider.type, question.provider.urn, question.provider.name = provider.type, provider.urn, provider.name
        fill_struct(question.provider.properties, provider.inputs)
