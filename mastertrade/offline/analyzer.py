"""Runs policy packs over an evaluated stack: each as the analyzer process that the engine would start, over its protocol."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import grpc
from pulumi.runtime.proto import analyzer_pb2

from mastertrade.offline.evaluation import Evaluation, Resource
from mastertrade.offline.pack_process import PackError, RunningPack, running_pack
from mastertrade.offline.warm_parent import WarmParent
from mastertrade.values import HIDDEN_SECRET, fill_struct, secret_texts

__all__ = ["NotApplicable", "PackResult", "Questions", "Violation", "analyze", "ask"]

_LEVELS = {"mandatory": analyzer_pb2.MANDATORY, "advisory": analyzer_pb2.ADVISORY, "disabled": analyzer_pb2.DISABLED}


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
class NotApplicable:
    """A policy that has nothing to judge about a resource."""

    policy: str
    urn: str
    """Empty for the stack as a whole."""
    reason: str
    """Empty where the policy is not about resources of that type."""


@dataclass(frozen=True)
class PackResult:
    """What one pack said of a stack."""

    name: str
    version: str
    policies: tuple[str, ...]
    violations: tuple[Violation, ...]
    """In the order of the resources, those of the whole stack last."""
    not_applicable: tuple[NotApplicable, ...] = ()
    """Where an account was asked for and the pack keeps none."""
    account: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Where the pack keeps one (`policies/engine/account.py`), and where it was asked for: its controls and every verdict."""

    @property
    def is_violated(self) -> bool:
        """Whether a mandatory policy is."""
        return any(each.enforcement == "mandatory" for each in self.violations)


def analyze(
    evaluation: Evaluation,
    packs: Sequence[Path],
    configuration: Mapping[str, str],
    *,
    warm: WarmParent | None = None,
    with_accounts: bool = False,
) -> tuple[PackResult, ...]:
    """Asks each pack about every resource, then about the stack. Packs start side by side; packs of this project are forked
    from `warm` where there is one. Raises `PackError`.
    """
    questions = Questions(evaluation)
    with contextlib.ExitStack() as running:
        started = [running.enter_context(running_pack(pack, evaluation, configuration, warm)) for pack in packs]
        return tuple(ask(pack, questions, with_account=with_accounts) for pack in started)


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


def ask(pack: RunningPack, questions: Questions, *, with_account: bool = False) -> PackResult:
    """Asks a pack about every resource, then about the stack. May be repeated. Raises `PackError`."""
    try:
        with pack.analyzer() as analyzer:
            info = pack.info()
            analyzer.ConfigureStack(questions.stack)
            analyzer.Configure(_configuration(pack.folder, questions.stack.stack, info))
            answers: list[analyzer_pb2.AnalyzeResponse] = [analyzer.Analyze(each) for each in questions.about_resources]
            answers.append(analyzer.AnalyzeStack(questions.about_stack))
            account = pack.account() if with_account else {}
    except grpc.RpcError as error:
        raise PackError(f"{pack.folder}: the pack failed: {_without(questions.secrets, str(error.details()))}") from None
    violations = [
        _violation(each, urn, questions.secrets) for urn, answer in zip(questions.urns, answers, strict=True) for each in answer.diagnostics
    ]
    # an account tells more; without one this is what tells a pass from nothing to judge
    spared = tuple(_spared(questions.urns, answers)) if with_account and not account else ()
    policies = tuple(policy.name for policy in info.policies)
    return PackResult(info.name, info.version, policies, tuple(violations), spared, account)


def _spared(urns: Sequence[str], answers: Sequence[analyzer_pb2.AnalyzeResponse]) -> Iterator[NotApplicable]:
    for urn, answer in zip(urns, answers, strict=True):
        for each in answer.not_applicable:
            yield NotApplicable(each.policy_name, urn, each.reason)


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
