"""The engine's side of resource registration: what a program declares is checked, simulated and kept."""

# The protocol's generated stubs name modules that they do not import.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, cast
from urllib.parse import unquote, urlparse

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import alias_pb2, callback_pb2, resource_pb2, resource_pb2_grpc, source_pb2

from mastertrade.offline import cloud
from mastertrade.offline.checks import checked
from mastertrade.offline.evaluation import PROVIDER_PREFIX, STACK_TYPE, Mode, Resource, Source, urn_of
from mastertrade.offline.schema import TypeSchema, UnknownTypeError, schema_of
from mastertrade.offline.transforms import Transforms
from mastertrade.values import UNKNOWN, Properties, Secret, embedded, fill_struct, from_struct, revealed

__all__ = ["Monitor", "Refusal", "Run"]

_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
)
"""What of the protocol is served. Output values are not: they would need signatures of their own in every value."""

_LEGACY_FEATURES = frozenset(
    {"secrets", "resourceReferences", "deletedWith", "replaceWith", "aliasSpecs", "transforms", "parameterization"}
)
_GET_RESOURCE = "pulumi:pulumi:getResource"
"""How the SDK turns a reference to a resource back into one."""
_DEFAULT_ACCOUNT = "123456789012"
_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Run:
    """What is run, and how."""

    root: Path
    project: str
    stack: str
    organization: str
    mode: Mode
    configuration: Mapping[str, str]
    secret_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """Something that the engine refuses, so that the evaluation fails."""

    subject: str
    """What sorts it: the URN, or the token of a function."""
    message: str


@dataclass(slots=True)
class _Provider:
    """What the resources of a provider need to know of it."""

    package: str
    region: str = ""
    account: str = _DEFAULT_ACCOUNT
    default_tags: Properties = field(default_factory=dict[str, Any])


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Serves `ResourceMonitor` for one run.

    A refused resource is answered as if it were good, so that one run reports everything that is wrong.
    """

    def __init__(self, run: Run, on_resource: Callable[[Resource], None] | None) -> None:
        self.resources: dict[str, Resource] = {}
        self.refusals: list[Refusal] = []
        self.outputs: Properties = {}
        self._run = run
        self._on_resource = on_resource
        self._lock = threading.Lock()
        self._transforms = Transforms()
        self._providers: dict[str, _Provider] = {}
        self._sources: dict[str, str] = {}
        self._disabled = _disabled_packages(run.configuration)
        self._stack = ""

    @property
    def calls_back(self) -> bool:
        """Whether the program may be asked something before a request of its own is answered."""
        return self._transforms.in_use

    # -- the protocol ---------------------------------------------------------------------------------------------

    def GetDeploymentInfo(self, request: Empty, context: grpc.ServicerContext) -> resource_pb2.DeploymentInfo:
        """What the program may ask for."""
        run = self._run
        return resource_pb2.DeploymentInfo(
            project=run.project,
            stack=run.stack,
            organization=run.organization,
            config=run.configuration,
            configSecretKeys=run.secret_keys,
            dryRun=run.mode is Mode.FIRST,
            parallel=1,
            supportedFeatures=_FEATURES,
        )

    def SupportsFeature(
        self, request: resource_pb2.SupportsFeatureRequest, context: grpc.ServicerContext
    ) -> resource_pb2.SupportsFeatureResponse:
        """The older way to ask."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _LEGACY_FEATURES)

    def RegisterPackage(
        self, request: resource_pb2.RegisterPackageRequest, context: grpc.ServicerContext
    ) -> resource_pb2.RegisterPackageResponse:
        """A parameterized package gets a reference; nothing is downloaded."""
        reference = f"{request.name}@{request.version}/{request.parameterization.name or request.extension.name}"
        return resource_pb2.RegisterPackageResponse(ref=reference)

    def RegisterStackTransform(self, request: callback_pb2.Callback, context: grpc.ServicerContext) -> Empty:
        """A function of the program through which every later resource goes."""
        self._transforms.add_to_stack(request)
        return Empty()

    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest, context: grpc.ServicerContext
    ) -> resource_pb2.RegisterResourceResponse:
        """A resource is declared."""
        # Outside of the lock: a transform is a call back into the program.
        urn = urn_of(self._run.stack, self._run.project, request.parent, request.type, request.name)
        try:
            self._transforms.apply(request, urn)
        except grpc.RpcError as error:
            details = str(cast("grpc.Call", error).details())
            self._refuse(urn, details)
            context.abort(grpc.StatusCode.UNKNOWN, details)
        with self._lock:
            return self._register(request, urn)

    def ReadResource(self, request: resource_pb2.ReadResourceRequest, context: grpc.ServicerContext) -> resource_pb2.ReadResourceResponse:
        """A resource that exists elsewhere is looked up: it has the ID and properties that the program names."""
        with self._lock:
            return self._read(request)

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest, context: grpc.ServicerContext) -> Empty:
        """A component, or the stack, says what came of it."""
        outputs = from_struct(request.outputs)
        with self._lock:
            resource = self.resources.get(request.urn)
            if resource is None:
                self._refuse(request.urn, f"outputs of a resource that is not registered: {request.urn}")
                return Empty()
            if request.urn == self._stack:
                self.outputs = outputs
            self.resources[request.urn] = replace(resource, outputs=outputs)
        return Empty()

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest, context: grpc.ServicerContext) -> resource_pb2.ResourceInvokeResponse:
        """A function of a provider would have to ask the cloud; the engine's own, which looks up a resource, need not."""
        resource = self.resources.get(from_struct(request.args).get("urn", "")) if request.tok == _GET_RESOURCE else None
        if resource is None:
            self._abort(context, request.tok, f"offline preview answers no invoke: {request.tok}")
        id_ = resource.id if isinstance(resource.id, str) else ""
        response = resource_pb2.ResourceInvokeResponse()
        fill_struct(getattr(response, "return"), {"urn": resource.urn, "id": id_, "state": resource.outputs})
        return response

    def Call(self, request: resource_pb2.ResourceCallRequest, context: grpc.ServicerContext) -> NoReturn:
        """A method of a resource: it would have to ask the cloud."""
        self._abort(context, request.tok, f"offline preview answers no call: {request.tok}")

    def SignalAndWaitForShutdown(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """The program has declared everything."""
        return Empty()

    # -- registration ---------------------------------------------------------------------------------------------

    def _register(self, request: resource_pb2.RegisterResourceRequest, urn: str) -> resource_pb2.RegisterResourceResponse:
        response = resource_pb2.RegisterResourceResponse(urn=urn)
        provider = self._provider_urn(request) if request.custom else ""
        inputs = from_struct(request.object)
        declared = self._resource(request, urn, inputs, provider)
        schema = self._schema(declared)
        for problem in checked(declared, self.resources, schema, self._disabled):
            self._refuse(urn, f"{declared}: {problem}")
        if request.type == STACK_TYPE:
            self._stack = urn
        response.object.CopyFrom(request.object)
        if request.custom:
            declared = self._simulated(declared, schema, response)
        if request.type.startswith(PROVIDER_PREFIX):
            self._providers[urn] = self._described(declared)
        self.resources.setdefault(urn, declared)
        if self._on_resource is not None:
            self._on_resource(declared)
        return response

    def _resource(self, request: resource_pb2.RegisterResourceRequest, urn: str, inputs: Properties, provider: str) -> Resource:
        above = self.resources.get(request.parent)
        inherits = above is not None and above.type != STACK_TYPE
        timeouts = request.customTimeouts if request.HasField("customTimeouts") else None
        return Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            inputs=inputs,
            outputs=inputs,
            id=request.importId,
            parent=request.parent,
            provider=provider,
            providers={package: _urn_part(reference) for package, reference in sorted(request.providers.items())},
            region=self._region(provider, inputs, request.type),
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                name: tuple(sorted(each.urns)) for name, each in sorted(request.propertyDependencies.items()) if each.urns
            },
            protect=request.protect if request.HasField("protect") else bool(inherits and above and above.protect),
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            deleted_with=request.deletedWith or (above.deleted_with if inherits and above else ""),
            additional_secret_outputs=tuple(sorted(request.additionalSecretOutputs)),
            aliases=tuple(self._alias(alias, request) for alias in request.aliases) + tuple(request.aliasURNs),
            retain_on_delete=request.retainOnDelete
            if request.HasField("retainOnDelete")
            else bool(inherits and above and above.retain_on_delete),
            delete_before_replace=request.deleteBeforeReplace,
            custom_timeouts={name: text for name in ("create", "update", "delete", "read") if (text := getattr(timeouts, name, ""))},
            version=request.version,
            source=self._source(request.sourcePosition, request.stackTrace),
        )

    def _simulated(self, declared: Resource, schema: TypeSchema | None, response: resource_pb2.RegisterResourceResponse) -> Resource:
        """The resource with its ID and outputs, both also put into the answer."""
        if self._run.mode is Mode.FIRST:
            computed = cloud.preview(self._declaration(declared), schema)
            # What is left out of an answer during a preview counts as unknown.
            response.id = declared.id
            fill_struct(response.object, {name: value for name, value in computed.items() if value is not UNKNOWN})
            return replace(declared, id=declared.id or UNKNOWN, outputs=_secretive(declared, {**declared.inputs, **computed}))
        id_, computed = cloud.create(self._declaration(declared), schema)
        id_ = declared.id or id_
        response.id = id_
        outputs = _secretive(declared, {**declared.inputs, **computed})
        fill_struct(response.object, {name: outputs[name] for name in computed})
        if declared.additional_secret_outputs:
            fill_struct(response.object, {name: outputs[name] for name in declared.additional_secret_outputs if name in outputs})
        return replace(declared, id=id_, outputs=outputs)

    def _declaration(self, declared: Resource) -> cloud.Declaration:
        provider = self._providers.get(declared.provider)
        run = self._run
        return cloud.Declaration(
            urn=declared.urn,
            type=declared.type,
            name=declared.name,
            inputs=declared.inputs,
            region=declared.region or _DEFAULT_REGION,
            account=provider.account if provider else _DEFAULT_ACCOUNT,
            project=run.project,
            stack=run.stack,
            default_tags=provider.default_tags if provider else {},
        )

    def _read(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        urn = urn_of(self._run.stack, self._run.project, request.parent, request.type, request.name)
        inputs = from_struct(request.properties)
        provider = _urn_part(request.provider) or self._default_provider(request.type)
        read = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=True,
            inputs=inputs,
            outputs=inputs,
            id=request.id,
            parent=request.parent,
            provider=provider,
            region=self._region(provider, inputs, request.type),
            dependencies=tuple(sorted(request.dependencies)),
            version=request.version,
            external=True,
            source=self._source(request.sourcePosition, request.stackTrace),
        )
        if request.type == "pulumi:pulumi:StackReference":
            self._refuse(urn, f"{read}: offline preview knows no other stack")
        for problem in checked(read, self.resources, None, self._disabled):
            self._refuse(urn, f"{read}: {problem}")
        response = resource_pb2.ReadResourceResponse(urn=urn, id=request.id)
        response.properties.CopyFrom(request.properties)
        if self._run.mode is Mode.SIMULATED:
            _, computed = cloud.create(self._declaration(read), self._schema(read))
            fill_struct(response.properties, computed)
            read = replace(read, outputs={**inputs, **computed})
        self.resources.setdefault(urn, read)
        if self._on_resource is not None:
            self._on_resource(read)
        return response

    def _schema(self, declared: Resource) -> TypeSchema | None:
        if not declared.custom or declared.type.count(":") != 2:  # noqa: PLR2004 - package, module, name
            return None
        try:
            return schema_of(declared.type)
        except UnknownTypeError as error:
            self._refuse(declared.urn, f"{declared}: {error}")
            return None

    # -- providers ------------------------------------------------------------------------------------------------

    def _provider_urn(self, request: resource_pb2.RegisterResourceRequest) -> str:
        if request.type.startswith((PROVIDER_PREFIX, "pulumi:")):
            return ""
        return _urn_part(request.provider) or self._default_provider(request.type)

    def _default_provider(self, type_: str) -> str:
        """The provider that the engine itself makes from configuration; empty where that is switched off."""
        package = type_.split(":", 1)[0]
        if package in self._disabled or "*" in self._disabled:
            return ""
        urn = urn_of(self._run.stack, self._run.project, "", f"{PROVIDER_PREFIX}{package}", "default")
        if urn not in self._providers:
            region = self._run.configuration.get("aws:region", "") if package == "aws" else ""
            self._providers[urn] = _Provider(package, region)
        return urn

    def _described(self, declared: Resource) -> _Provider:
        described = _Provider(declared.type.removeprefix(PROVIDER_PREFIX), declared.region)
        accounts = embedded(declared.inputs.get("allowedAccountIds"))
        if isinstance(accounts, list) and accounts:
            described.account = str(cast("list[Any]", accounts)[0])
        default_tags = embedded(declared.inputs.get("defaultTags"))
        if isinstance(default_tags, dict):
            tags = cast("Properties", default_tags).get("tags")
            described.default_tags = cast("Properties", tags) if isinstance(tags, dict) else {}
        return described

    def _region(self, provider: str, inputs: Properties, type_: str) -> str:
        if type_ == f"{PROVIDER_PREFIX}aws" or type_.startswith("aws:"):
            own = revealed(inputs.get("region"))
            if isinstance(own, str) and own:
                return own
        if type_ == f"{PROVIDER_PREFIX}kubernetes":
            # the ARN of an EKS cluster, where the program says by it which cluster is meant
            parts = str(revealed(inputs.get("clusterIdentifier"))).split(":")
            return parts[3] if parts[:1] == ["arn"] and len(parts) > 3 else ""  # noqa: PLR2004
        known = self._providers.get(provider)
        return known.region if known else ""

    # -- details --------------------------------------------------------------------------------------------------

    def _alias(self, alias: alias_pb2.Alias, request: resource_pb2.RegisterResourceRequest) -> str:
        if alias.urn:
            return alias.urn
        spec = alias.spec
        parent = "" if spec.noParent else spec.parentUrn or request.parent
        stack, project = spec.stack or self._run.stack, spec.project or self._run.project
        return urn_of(stack, project, parent, spec.type or request.type, spec.name or request.name)

    def _source(self, position: source_pb2.SourcePosition, trace: source_pb2.StackTrace) -> Source | None:
        """The first place in the project's own files that led to a resource."""
        if file := self._file(position.uri):
            return Source(file, position.line)
        for frame in trace.frames:
            if file := self._file(frame.pc.uri):
                return Source(file, frame.pc.line)
        return None

    def _file(self, uri: str) -> str:
        known = self._sources.get(uri)
        if known is None:
            path = Path(unquote(urlparse(uri).path))
            inside = path.is_relative_to(self._run.root) and "site-packages" not in path.parts
            known = self._sources[uri] = path.relative_to(self._run.root).as_posix() if inside else ""
        return known

    def _refuse(self, subject: str, message: str) -> None:
        self.refusals.append(Refusal(subject, message))

    def _abort(self, context: grpc.ServicerContext, subject: str, message: str) -> NoReturn:
        self._refuse(subject, message)
        context.abort(grpc.StatusCode.UNIMPLEMENTED, message)


def _secretive(declared: Resource, outputs: Properties) -> Properties:
    for name in declared.additional_secret_outputs:
        value = outputs.get(name)
        if value is not None and not isinstance(value, Secret):
            outputs[name] = Secret(value)
    return outputs


def _urn_part(reference: str) -> str:
    """A provider reference is its URN and its ID, joined by two colons."""
    return reference.rsplit("::", 1)[0]


def _disabled_packages(configuration: Mapping[str, str]) -> frozenset[str]:
    stated: Any = embedded(configuration.get("pulumi:disable-default-providers", "[]"))
    packages: Iterable[Any] = cast("list[Any]", stated) if isinstance(stated, list) else [stated]
    return frozenset(str(package) for package in packages if package)
