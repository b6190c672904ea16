"""The engine's rules: what a real preview would refuse, beside what the settings themselves forbid."""

from collections.abc import Iterator, Mapping

from mastertrade.offline.evaluation import PROVIDER_PREFIX, STACK_TYPE, Resource
from mastertrade.offline.schema import TypeSchema

__all__ = ["checked"]


def checked(declared: Resource, known: Mapping[str, Resource], schema: TypeSchema | None, disabled: frozenset[str]) -> Iterator[str]:
    """What is wrong with a resource, given those that were registered before it."""
    yield from _identity(declared, known)
    yield from _references(declared, known)
    if declared.custom:
        yield from _provider(declared, known, disabled)
        if schema is not None:
            yield from schema.mistakes(declared.inputs)


def _identity(declared: Resource, known: Mapping[str, Resource]) -> Iterator[str]:
    if not declared.name:
        yield "a resource needs a name"
    if declared.type.count(":") != 2 or not all(declared.type.split(":")):  # noqa: PLR2004 - package, module, name
        yield f"'{declared.type}' is no resource type; it has three parts, such as aws:ec2/vpc:Vpc"
    first = known.get(declared.urn)
    if first is not None:
        where = f", first declared at {first.source}" if first.source else ""
        yield f"duplicate resource URN '{declared.urn}'{where}; give one of them another name"


def _references(declared: Resource, known: Mapping[str, Resource]) -> Iterator[str]:
    if declared.parent and declared.parent not in known:
        yield f"unknown parent '{declared.parent}'"
    if not declared.parent and declared.type != STACK_TYPE and not declared.external:
        yield "a resource without a parent; only the stack has none"
    # What a property depends on is among these as well.
    for urn in declared.dependencies:
        if urn not in known:
            yield f"depends on '{urn}', which is not registered"
    if declared.deleted_with and declared.deleted_with not in known:
        yield f"is deleted with '{declared.deleted_with}', which is not registered"
    for package, urn in declared.providers.items():
        if urn not in known:
            yield f"unknown provider '{urn}' for package '{package}'"


def _provider(declared: Resource, known: Mapping[str, Resource], disabled: frozenset[str]) -> Iterator[str]:
    if declared.type.startswith((PROVIDER_PREFIX, "pulumi:")):
        return
    package = declared.type.split(":", 1)[0]
    if not declared.provider:
        yield f"default provider for '{package}' disabled; '{declared.urn}' must use an explicit provider"
        return
    is_default = declared.provider.endswith(f"::{PROVIDER_PREFIX}{package}::default") and not {package, "*"} & disabled
    if declared.provider not in known and not is_default:
        yield f"unknown provider '{declared.provider}'"
