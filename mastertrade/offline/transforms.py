"""Functions of the program through which its resources go before they are registered."""

# The protocol's generated stubs name modules that they do not import.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import threading

import grpc
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

__all__ = ["Transforms"]


class Transforms:
    """Calls the program back: for a resource's own transforms, those of the components above it, then the stack's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stack: list[callback_pb2.Callback] = []
        self._below: dict[str, list[callback_pb2.Callback]] = {}
        """By URN: the transforms that a component hands to what is inside it."""
        self._programs: dict[str, callback_pb2_grpc.CallbacksStub] = {}

    @property
    def in_use(self) -> bool:
        """Whether there are transforms that apply to resources which do not bring them along."""
        return bool(self._stack or self._below)

    def add_to_stack(self, callback: callback_pb2.Callback) -> None:
        """A transform of everything that is registered from now on."""
        with self._lock:
            self._stack.append(callback)

    def apply(self, request: resource_pb2.RegisterResourceRequest, urn: str) -> None:
        """Changes a request as the program's transforms want it. Raises what a failing transform raises."""
        inherited = self._below.get(request.parent)
        if not request.transforms and not inherited and not self._stack:
            return
        with self._lock:
            below = [*request.transforms, *(inherited or ())]
            callbacks = [*below, *self._stack]
            if below and not request.custom:
                self._below[urn] = below
        for callback in callbacks:
            self._call(callback, request)

    def _call(self, callback: callback_pb2.Callback, request: resource_pb2.RegisterResourceRequest) -> None:
        question = resource_pb2.TransformRequest(
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            properties=request.object,
            options=_options(request),
        )
        answer = self._program(callback.target).Invoke(
            callback_pb2.CallbackInvokeRequest(token=callback.token, request=question.SerializeToString())
        )
        response = resource_pb2.TransformResponse.FromString(answer.response)
        request.object.CopyFrom(response.properties)
        if response.HasField("options"):
            _take_options(request, response.options)

    def _program(self, target: str) -> callback_pb2_grpc.CallbacksStub:
        with self._lock:
            if target not in self._programs:
                self._programs[target] = callback_pb2_grpc.CallbacksStub(grpc.insecure_channel(target))
            return self._programs[target]


def _options(request: resource_pb2.RegisterResourceRequest) -> resource_pb2.TransformResourceOptions:
    options = resource_pb2.TransformResourceOptions(
        depends_on=request.dependencies,
        ignore_changes=request.ignoreChanges,
        replace_on_changes=request.replaceOnChanges,
        version=request.version,
        aliases=request.aliases,
        provider=request.provider,
        additional_secret_outputs=request.additionalSecretOutputs,
        providers=request.providers,
        plugin_download_url=request.pluginDownloadURL,
        deleted_with=request.deletedWith,
    )
    if request.HasField("protect"):
        options.protect = request.protect
    if request.HasField("retainOnDelete"):
        options.retain_on_delete = request.retainOnDelete
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    if request.HasField("customTimeouts"):
        options.custom_timeouts.CopyFrom(request.customTimeouts)
    return options


def _take_options(request: resource_pb2.RegisterResourceRequest, options: resource_pb2.TransformResourceOptions) -> None:
    request.dependencies[:] = options.depends_on
    request.ignoreChanges[:] = options.ignore_changes
    request.replaceOnChanges[:] = options.replace_on_changes
    request.additionalSecretOutputs[:] = options.additional_secret_outputs
    request.version = options.version
    request.provider = options.provider
    request.deletedWith = options.deleted_with
    request.providers.clear()
    request.providers.update(options.providers)
    del request.aliases[:]
    request.aliases.extend(options.aliases)
    request.ClearField("protect")
    if options.HasField("protect"):
        request.protect = options.protect
    request.ClearField("retainOnDelete")
    if options.HasField("retain_on_delete"):
        request.retainOnDelete = options.retain_on_delete
    request.ClearField("customTimeouts")
    if options.HasField("custom_timeouts"):
        request.customTimeouts.CopyFrom(options.custom_timeouts)
