"""Keys of KMS, as resources name them."""

import re
from collections.abc import Iterator

from policies.engine.blocks import Block, UnknownValueError, shown
from policies.engine.control import Finding
from policies.engine.resources import Resource

__all__ = ["customer_key", "is_customer_key"]

_KEY_TYPES = (
    "aws:kms/key:Key",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
    "aws:kms/alias:Alias",
)
# `alias/aws/` is AWS's own prefix: nobody else may create such an alias
_NO_KEY = re.compile(
    r"(^|[:/])alias/aws/|^/?aws[_/]|^aws-(owned|managed)|(^|_)aws_(owned|managed)|^(default|default_?key|none|s3_managed_key)$",
    re.IGNORECASE,
)


def is_customer_key(named: str) -> bool:
    """Whether a key's ID, ARN or alias may be a customer's: AWS's own aliases, and words such as `AWS_OWNED_KMS_KEY`, are not.

    An ID or ARN of a key that AWS manages looks like any other; whoever refers to one has looked it up by its alias.
    """
    return bool(named) and not _NO_KEY.search(named)


def customer_key(
    resource: Resource, path: str, wanted: str = "the ARN of a customer managed key", within: Block | None = None
) -> Iterator[Finding]:
    """Yields a finding where a property does not name a customer's key. A key that is yet to be created is known by its dependency.

    `path` starts at `within`, a block of the resource, where one is given.
    """
    block = within or resource
    try:
        named = block.text(path)
    except UnknownValueError:
        if any(each.type in _KEY_TYPES for each in _computed_from(resource, block.at(path).split("[", maxsplit=1)[0])):
            return
        raise
    if not is_customer_key(named):
        yield Finding(path, wanted) if block is resource else Finding(block.at(path), wanted, found=shown(block, path))


def _computed_from(resource: Resource, path: str) -> list[Resource]:
    """What a property's value is computed from; all that the resource depends on where it is not told by property."""
    stack = resource.stack
    if resource.property_dependencies:
        return list(stack.depended_on(resource, path))
    return [each for urn in resource.dependencies if (each := stack.by_urn(urn)) is not None]
