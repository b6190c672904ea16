"""From the resources that a stack declares to the statements that its deployment needs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mastertrade.deployment.statements import Conditions, Statement
from mastertrade.deployment.table import ACTIONS_FILE, Kind, Service, Table, TypeNeeds, Verb
from mastertrade.offline.evaluation import PROVIDER_PREFIX, Evaluation, Resource
from mastertrade.values import Plain, embedded

__all__ = ["UnderivableError", "statements_of"]

_AWS_PROVIDER = f"{PROVIDER_PREFIX}aws"
_REGION = "aws:RequestedRegion"
_ROLE_ARN = re.compile(r"^arn:aws[\w-]*:iam::\d{12}:role/")
_IN_BRACES = re.compile(r"\{(\w+)\}")
# Secrets Manager adds a hyphen and six characters of its choice to a secret's name
_SECRET_ARN = re.compile(r"(:secretsmanager:.*-)\w{6}$")


class UnderivableError(Exception):
    """The stack declares what no policy can be derived from. Its text has a line for each mistake."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a stack stands: what fills the braces of the tables."""

    names: Mapping[str, str]
    regions: tuple[str, ...]
    tags: Mapping[str, tuple[str, ...]]
    """Keys of conditions to the stack's own tags."""


def statements_of(evaluation: Evaluation, table: Table, *, read_only: bool) -> list[Statement]:
    """The statements by service and kind, in the order of their names.

    `read_only`: what a preview that refreshes needs. Raises `UnderivableError`: for every declared type that the tables do not
    know, and where account, regions or tags cannot be told.
    """
    declared = [each for each in evaluation.resources if each.custom and not table.is_elsewhere(each.type)]
    problems = [*_unknown_types(declared, table)]
    place = _place(evaluation, table, problems)
    passing = [] if read_only else [*_passing(declared, table, place, problems)]
    if problems:
        raise UnderivableError("\n".join(problems))
    needed = _needed(declared, table, read_only=read_only)
    by_type: dict[str, list[Resource]] = {}
    for resource in declared:
        by_type.setdefault(resource.type, []).append(resource)
    statements: list[Statement] = []
    for name in sorted(needed):
        statements += _of_service(name, table.services[name], needed[name], by_type, place)
    return [*statements, *passing, *([] if read_only else _linking(declared, table, place))]


def _unknown_types(declared: Iterable[Resource], table: Table) -> Iterator[str]:
    first: dict[str, Resource] = {}
    for resource in declared:
        if resource.type not in table.types:
            first.setdefault(resource.type, resource)
    where = f"{ACTIONS_FILE.parent.parent.name}/{ACTIONS_FILE.parent.name}/{ACTIONS_FILE.name}"
    for type_, resource in sorted(first.items()):
        source = f", {resource.source}" if resource.source else ""
        yield (
            f"{type_}: declared ('{resource.name}'{source}) and not in {where}, so what its deployment needs cannot be told. "
            f"Add its actions there, and to which resources they may be narrowed in resources.yaml beside it."
        )


def _place(evaluation: Evaluation, table: Table, problems: list[str]) -> _Place:
    providers = [each for each in evaluation.resources if each.type == _AWS_PROVIDER]
    accounts = {account for each in providers for account in _embedded(each, "allowedAccountIds", list)}
    if len(accounts) != 1:
        found = f"found {', '.join(sorted(accounts))}" if accounts else "found none"
        problems.append(
            f"aws.Provider: allowed_account_ids: {found}; allowed: one account for the stack. Example: allowed_account_ids=['123456789012']"
        )
    tags: dict[str, tuple[str, ...]] = {}
    for tag in table.tags:
        values = {str(_embedded(each, "defaultTags", dict).get("tags", {}).get(tag, "")) for each in providers}
        if len(values) != 1 or "" in values:
            problems.append(
                f"aws.Provider: default tag {tag} is missing or not the same everywhere; it tells what belongs to the stack. "
                f"Example: default_tags={{'tags': {{'{tag}': '{evaluation.stack}'}}}}"
            )
        tags[f"aws:ResourceTag/{tag}"] = tuple(sorted(values))
    name = f"{evaluation.project}-{evaluation.stack}"
    names = {
        "account": next(iter(accounts), ""),
        "name": name,
        "underscored": name.replace("-", "_"),
        "path": f"{evaluation.project}/{evaluation.stack}",
    }
    regions = tuple(sorted({each.region for each in providers if each.region}))
    if not regions:
        problems.append("aws.Provider: region: found none; allowed: the region of each provider. Example: region='us-east-1'")
    return _Place(names, regions, tags)


def _embedded(provider: Resource, name: str, kind: type[Any]) -> Any:
    """A property of a provider, empty where it is missing."""
    value = embedded(provider.inputs.get(name))
    return value if isinstance(value, kind) else kind()


def _needed(declared: Iterable[Resource], table: Table, *, read_only: bool) -> dict[str, set[str]]:
    """Service to the actions that some declared resource needs."""
    needed: dict[str, set[str]] = {}
    for resource in declared:
        verbs = (Verb.READ,) if read_only or resource.external else tuple(Verb)
        for service, action in table.types[resource.type].actions(verbs):
            needed.setdefault(service, set()).add(action)
    return needed


def _of_service(name: str, service: Service, needed: set[str], by_type: Mapping[str, list[Resource]], place: _Place) -> Iterator[Statement]:
    where: Conditions = {} if service.is_global else {"StringEquals": {_REGION: place.regions}}
    if anywhere := _of(name, service.anywhere, needed):
        yield Statement(_sid(name, "anywhere"), anywhere, ("*",), where)
    for title, kind in service.kinds.items():
        declared = by_type.get(kind.declared, [])
        resources = _filled(kind.arns, place, declared)
        if not resources:
            continue
        if actions := _of(name, kind.actions, needed):
            yield Statement(_sid(name, title), actions, resources, _both(where, _conditions(kind, place, declared)))
        if own := _of(name, kind.own, needed):
            yield Statement(_sid(name, title, "own"), own, resources, _both(where, {"StringEquals": place.tags}))


def _of(service: str, stated: Iterable[str], needed: set[str]) -> tuple[str, ...]:
    return tuple(f"{service}:{action}" for action in sorted(needed.intersection(stated)))


def _conditions(kind: Kind, place: _Place, declared: list[Resource]) -> Conditions:
    return {
        operator: {key: _filled((stated,) if isinstance(stated, str) else stated, place, declared) for key, stated in tests.items()}
        for operator, tests in kind.conditions.items()
    }


def _both(one: Conditions, other: Conditions) -> Conditions:
    return {operator: {**one.get(operator, {}), **other.get(operator, {})} for operator in sorted({*one, *other})}


def _filled(patterns: Iterable[str], place: _Place, declared: Iterable[Resource]) -> tuple[str, ...]:
    """Patterns with their braces filled in: once, or once for each declared resource."""
    texts: list[str] = []
    for pattern in patterns:
        properties = [each for each in _IN_BRACES.findall(pattern) if each not in place.names]
        for found in [resource.inputs for resource in declared] if properties else [{}]:
            values = {each: _steady(found.get(each)) for each in properties}
            if all(values.values()):
                texts.append(pattern.format_map({**place.names, **values}))
    return tuple(sorted({*texts}))


def _steady(value: object) -> str:
    """A declared value without what AWS makes up at creation; empty where it is no text."""
    return _SECRET_ARN.sub(r"\1??????", value) if isinstance(value, str) else ""


def _passing(declared: Iterable[Resource], table: Table, place: _Place, problems: list[str]) -> Iterator[Statement]:
    """iam:PassRole, of each role to the service that it is declared for."""
    roles: dict[str, set[str]] = {}
    for resource in declared:
        needs = table.types.get(resource.type)
        for path, service in _passes(needs, resource):
            for role in _at(resource.inputs, path.split(".")):
                if not isinstance(role, str):
                    problems.append(f"{resource}: the role in {path} cannot be told, and with it what may be handed to {service}")
                    continue
                arn = role if _ROLE_ARN.match(role) else f"arn:aws:iam::{place.names['account']}:role/{role}"
                roles.setdefault(service, set()).add(arn)
    for service, arns in sorted(roles.items()):
        sid = _sid("pass", service.removesuffix(".amazonaws.com"))
        yield Statement(sid, ("iam:PassRole",), tuple(sorted(arns)), {"StringEquals": {"iam:PassedToService": (service,)}})


def _at(value: Plain, names: Sequence[str]) -> Iterator[Plain]:
    """What is at a path, in each element of a list on it. Nothing where nothing is stated."""
    if isinstance(value, list):
        for each in cast("list[Plain]", value):
            yield from _at(each, names)
    elif names and isinstance(value, dict):
        yield from _at(cast("dict[str, Plain]", value).get(names[0]), names[1:])
    elif value is not None:
        yield value


def _passes(needs: TypeNeeds | None, resource: Resource) -> Iterator[tuple[str, str]]:
    if needs is None or resource.external:
        return
    for path, services in needs.passes.items():
        for service in (services,) if isinstance(services, str) else services:
            yield path, service


def _linking(declared: Iterable[Resource], table: Table, place: _Place) -> Iterator[Statement]:
    """The roles of services that the first resource of an account makes."""
    services = tuple(sorted({service for resource in declared if not resource.external for service in table.types[resource.type].links}))
    if services:
        arns = tuple(f"arn:aws:iam::{place.names['account']}:role/aws-service-role/{service}/*" for service in services)
        condition = {"StringEquals": {"iam:AWSServiceName": services}}
        yield Statement(_sid("link", "services"), ("iam:CreateServiceLinkedRole",), arns, condition)


def _sid(*words: str) -> str:
    """`Ec2SecurityGroupOwn`: IAM takes letters and digits."""
    return "".join(part.capitalize() for word in words for part in re.split(r"[^A-Za-z0-9]+", word))
