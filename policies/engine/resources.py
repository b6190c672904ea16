"""Declared resources as packs see them: one alone, and in its stack with those that complete it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from mastertrade.values import Secret
from policies.engine.blocks import Block, UnreadableError

__all__ = ["AloneError", "Resource", "Stack", "canonical_type"]

_Made = TypeVar("_Made")

_IDENTITIES = (
    "id",
    "arn",
    "name",
    "bucket",
    "keyId",
    "url",
    "identifier",
    "clusterIdentifier",
    "replicationGroupId",
    "globalClusterIdentifier",
    "tableName",
    "domainName",
    "clusterName",
    "functionName",
    "fileSystemId",
    "repositoryName",
)
"""Properties by whose values other resources name a resource."""

_RENAMED = {
    "aws:alb/": "aws:lb/",
    "aws:applicationloadbalancing/": "aws:lb/",
    "aws:elasticloadbalancingv2/": "aws:lb/",
    "aws:elasticloadbalancing/": "aws:elb/",
}
_SECOND_VERSIONS = (
    "aws:s3/bucketV2:BucketV2",
    "aws:s3/bucketAclV2:BucketAclV2",
    "aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2",
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
    "aws:s3/bucketLoggingV2:BucketLoggingV2",
    "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
    "aws:s3/bucketVersioningV2:BucketVersioningV2",
    "aws:s3/bucketWebsiteConfigurationV2:BucketWebsiteConfigurationV2",
)
_KUBERNETES = "kubernetes:"


def canonical_type(type_: str) -> str:
    """The one token for a type that has several: `aws:alb/…` is `aws:lb/…`, and Kubernetes kinds stand without their version.

    `kubernetes:apps/v1beta2:Deployment` is `kubernetes:apps:Deployment`.
    """
    if type_.startswith(_KUBERNETES):
        parts = type_.split(":")
        group = parts[1].split("/")[0] if len(parts) == 3 else parts[1]  # noqa: PLR2004 - package, group and version, kind
        kind = parts[-1]
        if group == "extensions":
            group = {"Ingress": "networking.k8s.io", "NetworkPolicy": "networking.k8s.io"}.get(kind, "apps")
        return f"{_KUBERNETES}{group}:{kind}"
    if type_ in _SECOND_VERSIONS:
        return type_.replace("V2", "")
    for old, new in _RENAMED.items():
        if type_.startswith(old):
            return new + type_.removeprefix(old)
    return type_


class AloneError(UnreadableError):
    """A resource was judged alone, and what is asked for stands elsewhere in the stack."""

    def __init__(self) -> None:
        super().__init__("the answer depends on other resources of the stack")


class Resource(Block):
    """One declared resource. Its properties are what the program declares; `outputs` also have what the cloud computes."""

    __slots__ = (
        "_stack",
        "dependencies",
        "name",
        "options",
        "outputs",
        "parent",
        "property_dependencies",
        "protect",
        "provider",
        "type",
        "urn",
    )

    def __init__(
        self,
        *,
        urn: str,
        type_: str,
        name: str,
        properties: Mapping[str, Any],
        outputs: Mapping[str, Any] | None = None,
        protect: bool = False,
        parent: str = "",
        provider: Mapping[str, Any] | None = None,
        dependencies: Sequence[str] = (),
        property_dependencies: Mapping[str, Sequence[str]] | None = None,
        stack: "Stack | None" = None,
    ) -> None:
        super().__init__(properties)
        self.urn = urn
        self.type = canonical_type(type_)
        self.name = name
        self.outputs = outputs if outputs is not None else properties
        self.protect = protect
        self.parent = parent
        self.provider = provider or {}
        """Properties of the provider that manages the resource."""
        self.dependencies = dependencies
        self.property_dependencies = property_dependencies or {}
        self._stack = stack

    def __str__(self) -> str:
        return f"{self.type} '{self.name}'"

    @property
    def label(self) -> str:
        """`TYPE::NAME`, as the URN ends: what people name it by."""
        declared = self.urn.split("::", 3)[2].rpartition("$")[2] if self.urn.count("::") > 2 else self.type  # noqa: PLR2004 - parts of a URN
        return f"{declared}::{self.name}"

    @property
    def stack(self) -> "Stack":
        """All resources of the stack. Raises `AloneError` where they are not known yet."""
        if self._stack is None:
            raise AloneError
        return self._stack

    def identities(self) -> frozenset[str]:
        """Texts by which others may name this resource, as far as they are known."""
        found: set[str] = set()
        for values in (self.raw(), self.outputs):
            for name in _IDENTITIES:
                value = values.get(name)
                if isinstance(value, Secret):
                    value = value.value
                if isinstance(value, str) and value:
                    found.add(value)
        return frozenset(found)

    def region(self) -> str:
        """Region that the resource or its provider names; empty where neither does."""
        for values, name in ((self.raw(), "region"), (self.provider, "region"), (self.outputs, "region")):
            value = values.get(name)
            if isinstance(value, str) and value:
                return value
        return ""


class Stack:
    """Every resource of a stack, and how they refer to one another."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self._by_type: dict[str, list[Resource]] = {}
        self._by_urn: dict[str, Resource] = {}
        self._identities: dict[str, frozenset[str]] = {}
        self._made: dict[Any, Any] = {}
        for resource in self.resources:
            resource._stack = self  # pyright: ignore[reportPrivateUsage]
            self._by_type.setdefault(resource.type, []).append(resource)
            self._by_urn[resource.urn] = resource

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """All resources of these types, in the stack's order."""
        if len(types) == 1:
            return tuple(self._by_type.get(types[0], ()))
        return tuple(each for type_ in types for each in self._by_type.get(type_, ()))

    def once(self, make: "Callable[[Stack], _Made]") -> _Made:
        """What is worked out of the whole stack, such as an index: made by the first who asks, kept for the others."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("_Made", self._made[make])

    def by_urn(self, urn: str) -> Resource | None:
        """The resource of that URN."""
        return self._by_urn.get(urn)

    def companions(self, resource: Resource, *types: str, by: str) -> tuple[Resource, ...]:
        """Resources of these types whose property `by` names `resource`."""
        return tuple(each for type_ in types for each in self._by_type.get(type_, ()) if self.refers(each, by, resource))

    def refers(self, source: Resource, path: str, target: Resource) -> bool:
        """Whether a property of `source` names `target`: by what it depends on, or by a known name, ID or ARN."""
        if target.urn in source.property_dependencies.get(path.split(".", maxsplit=1)[0], ()) and self._may_name(source, path, target):
            return True
        try:
            named = source.texts(path)
        except UnreadableError:
            # not known yet: what it is computed from may be a companion of the target, such as a bucket's policy
            computed_from = self.depended_on(source, path)
            return any(target.urn in urns for each in computed_from for urns in each.property_dependencies.values()) or (
                not source.property_dependencies and target.urn in source.dependencies
            )
        return any(each in self._identities_of(target) for each in named)

    def _may_name(self, source: Resource, path: str, target: Resource) -> bool:
        """Whether a dependency is the named resource: where several stand behind one property, the known names decide."""
        others = [
            each
            for urn in source.property_dependencies.get(path.split(".", maxsplit=1)[0], ())
            if urn != target.urn and (each := self._by_urn.get(urn)) is not None and each.type == target.type
        ]
        if not others:
            return True
        try:
            named = source.texts(path)
        except UnreadableError:
            return True
        return any(each in self._identities_of(target) for each in named) or not any(
            name in self._identities_of(other) for name in named for other in others
        )

    def depended_on(self, source: Resource, path: str) -> tuple[Resource, ...]:
        """Resources that a property's value is computed from."""
        urns = source.property_dependencies.get(path.split(".", maxsplit=1)[0], ())
        return tuple(each for urn in urns if (each := self._by_urn.get(urn)) is not None)

    def _identities_of(self, resource: Resource) -> frozenset[str]:
        known = self._identities.get(resource.urn)
        if known is None:
            known = self._identities[resource.urn] = resource.identities()
        return known
