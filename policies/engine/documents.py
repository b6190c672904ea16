"""Policy documents of IAM: who may do what to which resource, when."""

import fnmatch
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from mastertrade.values import UNKNOWN, Secret
from policies.engine.addresses import covers_world, networks
from policies.engine.blocks import Block, MisshapenError, UnknownValueError

__all__ = [
    "Condition",
    "Document",
    "Statement",
    "allows_action",
    "document",
    "grants_to_everybody",
    "is_restricting",
    "matches",
    "parse",
]


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of a statement."""

    operator: str
    """In lower case, without its prefix and suffix: `stringequals`."""
    key: str
    """In lower case: `aws:sourcearn`."""
    values: tuple[str, ...]
    if_exists: bool = False
    """Passes where the request lacks the key."""
    for_all: bool = False
    """`ForAllValues`: passes where the request lacks the key."""
    for_any: bool = False
    """`ForAnyValue`: fails where the request lacks the key, negated operators as well."""

    @property
    def can_be_skipped(self) -> bool:
        """Whether a request passes by not carrying the key."""
        return self.if_exists or self.for_all


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Actions are in lower case; principals by kind in lower case: `aws`, `service`, `federated`, `canonicaluser`, `*`."""

    allows: bool
    principals: Mapping[str, tuple[str, ...]]
    not_principals: Mapping[str, tuple[str, ...]]
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    sid: str = ""

    @property
    def names_everybody(self) -> bool:
        """Whether the principals include everybody, conditions aside."""
        if self.not_principals:
            return True
        return any(_is_everybody(each) for named in self.principals.values() for each in named)

    @property
    def is_public(self) -> bool:
        """Whether strangers are allowed: everybody, and no condition that only known ones can meet."""
        return self.allows and self.names_everybody and not self.is_bound

    @property
    def is_bound(self) -> bool:
        """Whether a condition can be met by somebody known only. A key that has to be there cannot be skipped."""
        demanded = {each.key for each in self.conditions if each.operator == "null" and each.values == ("false",)}
        return any(is_restricting(each, is_there=each.key in demanded) for each in self.conditions)

    def allowed_actions(self) -> str:
        """For messages."""
        return ", ".join(self.actions) or f"everything but {', '.join(self.not_actions)}"


@dataclass(frozen=True, slots=True)
class Document:
    """A policy document."""

    statements: tuple[Statement, ...]

    def __iter__(self) -> Iterator[Statement]:
        """Its statements."""
        return iter(self.statements)

    def allowing(self) -> Iterator[Statement]:
        """The statements that allow."""
        return (each for each in self.statements if each.allows)

    def denying(self) -> Iterator[Statement]:
        """The statements that deny."""
        return (each for each in self.statements if not each.allows)

    def public(self) -> Iterator[tuple[int, Statement]]:
        """The statements, with their numbers, that allow strangers something that no other statement denies them."""
        for number, statement in enumerate(self.statements):
            if statement.is_public and not any(_takes_back(each, statement) for each in self.denying()):
                yield number, statement


def document(block: Block, path: str) -> Document | None:
    """The document in a property: JSON text or a mapping. None where absent. Raises `UnreadableError`."""
    value = block.value(path)
    return None if value in (None, "", {}) else parse(value, block.at(path))


def grants_to_everybody(block: Block, path: str) -> Iterator[str]:
    """What the document in a property allows strangers, a line for each statement. Raises `UnreadableError`."""
    stated = document(block, path)
    for number, statement in stated.public() if stated else ():
        yield f"statement {number} allows everybody {statement.allowed_actions()}"


def parse(value: Any, path: str) -> Document:
    """A document from JSON text or a mapping, also in the form of `getPolicyDocument`'s arguments.

    Raises `UnknownValueError` and `MisshapenError`.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise MisshapenError(path, "a policy document") from None
    if not isinstance(value, Mapping):
        raise MisshapenError(path, "a policy document")
    lowered = _lowered(cast("Mapping[str, Any]", value))
    statements = _several(lowered.get("statement", lowered.get("statements", [])))
    if not all(isinstance(each, Mapping) for each in statements):
        raise MisshapenError(path, "a policy document")
    return Document(tuple(_statement(_lowered(each), path) for each in statements))


def allows_action(statement: Statement, action: str) -> bool:
    """Whether a statement's actions cover one: `iam:PassRole` is covered by `iam:*` and `iam:Pass*`."""
    wanted = action.lower()
    if statement.not_actions:
        return not any(matches(pattern, wanted) for pattern in statement.not_actions)
    return any(matches(pattern, wanted) for pattern in statement.actions)


def matches(pattern: str, text: str) -> bool:
    """Whether IAM's wildcards `*` and `?` in a pattern cover a text. Brackets are plain there."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


# Who is known by these keys is somebody in particular. `aws:Referer` and `aws:UserAgent` are what a client says of itself,
# `aws:SecureTransport` and `aws:ViaAWSService` say nothing of who.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_NAMING_KEYS = frozenset(
    {
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceowner",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:userid",
        "aws:username",
        "aws:federatedprovider",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:accesspointnetworkorigin",
        "elasticfilesystem:accesspointarn",
        "lambda:sourcefunctionarn",
        "sns:endpoint",
        "events:creatoraccount",
        "glue:sourceaccount",
        "iot:certificate.subject.organization",
        "vpc-lattice-svcs:sourcevpc",
        "vpc-lattice-svcs:sourcevpcowneraccount",
        "cognito-identity.amazonaws.com:aud",
        "saml:aud",
        "es:sourceip",
    }
)
_ADDRESS_KEYS = frozenset({"aws:sourceip", "aws:vpcsourceip"})
_POSITIVE = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress", "binaryequals"})


# True only for requests of AWS services, or through a mount target in a network of the owner.
# https://docs.aws.amazon.com/efs/latest/ug/access-control-block-public-access.html
_KNOWING_FLAGS = frozenset({"aws:principalisawsservice", "elasticfilesystem:accessedviamounttarget"})


def is_restricting(condition: Condition, *, is_there: bool = False) -> bool:
    """Whether only somebody known can meet a condition. `is_there`: another one demands that the request carries the key."""
    if (condition.can_be_skipped and not is_there) or not condition.values:
        return False
    if condition.operator == "bool":
        return condition.key in _KNOWING_FLAGS and condition.values == ("true",)
    return condition.operator in _POSITIVE and _names_somebody(condition)


def _names_somebody(condition: Condition) -> bool:
    """Whether the values of a condition stand for somebody in particular, whichever way its operator goes."""
    if condition.key in _ADDRESS_KEYS:
        return condition.operator.endswith("ipaddress") and _are_named_ranges(condition.values)
    wild = condition.operator.endswith("like") or condition.operator.startswith("arn")
    return condition.key in _NAMING_KEYS and not any(wild and _is_wide(value, condition.key) for value in condition.values)


_NEGATED = frozenset(
    {"stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike", "notipaddress"},
)
_SERVICE_FLAGS = frozenset({"aws:principalisawsservice", "aws:viaawsservice"})


def _takes_back(deny: Statement, allow: Statement) -> bool:
    """Whether a denying statement denies every stranger what another allows everybody."""
    if deny.not_principals:
        concerned = not any(_is_everybody(each) for named in deny.not_principals.values() for each in named)
    else:
        concerned = deny.names_everybody
    actions = allow.actions or ("*",)
    return (
        concerned
        and all(allows_action(deny, each) for each in actions)
        and not deny.not_resources
        and (not deny.resources or all(any(matches(wide, each) for wide in deny.resources) for each in allow.resources or ("*",)))
        and all(_meets_every_stranger(each) for each in deny.conditions)
    )


def _meets_every_stranger(condition: Condition) -> bool:
    """Whether a condition of a denial holds for whoever is not named: a negated test holds where the request lacks the key."""
    if condition.operator == "bool":
        return condition.key in _SERVICE_FLAGS and condition.values == ("false",)
    return condition.operator in _NEGATED and not condition.for_any and bool(condition.values) and _names_somebody(condition)


def _are_named_ranges(values: Iterable[str]) -> bool:
    try:
        return not covers_world(networks(values, "condition"))
    except MisshapenError:
        return False


# Services whose IDs or names are given once only, and the position of those in what follows the account: a pattern that
# leaves the account open but states them is about one resource
_UNIQUE = {"s3": 0, "execute-api": 0, "cloudfront": 1, "route53": 1, "apigateway": 1}


def _is_wide(value: str, key: str) -> bool:
    """Whether a pattern of a condition leaves open who is meant."""
    if not re.sub(r"[*?:/]", "", value):
        return True
    if key == "sns:endpoint" and value.startswith("*@"):
        return bool(re.search(r"[*?]", value[2:]))
    if value.startswith(("arn:", "*:")):
        parts = [*value.split(":", 5), "", "", "", "", ""][:6]
        _, _, service, _, account, rest = parts
        named = re.sub(r"[*?]", "", account)
        if named:
            return len(named) < 12 and ("*" in account or "?" in account)  # noqa: PLR2004 - digits of an account
        if service not in _UNIQUE:
            return True
        parts = rest.lstrip("/").split("/")
        return not re.sub(r"[*?:]", "", "".join(parts[_UNIQUE[service] :][:1]))
    # a piece of a name followed by anything: `o-*`, `vpce-*`, `1*`
    return "*" in value and (key not in _HIERARCHIES or len(value.split("*", maxsplit=1)[0]) < _SHORTEST_PREFIX)


_HIERARCHIES = frozenset({"aws:userid", "aws:principalorgpaths", "aws:sourceorgpaths", "aws:principalarn"})
_SHORTEST_PREFIX = 4


def _is_everybody(principal: str) -> bool:
    """`*`, or an ARN with a wildcard for the account."""
    if principal == "*":
        return True
    parts = principal.split(":")
    return len(parts) > 4 and parts[0] == "arn" and "*" in parts[4]  # noqa: PLR2004 - the fifth part of an ARN is its account


def _statement(stated: Mapping[str, Any], path: str) -> Statement:
    effect = _text(stated.get("effect", "Allow"), path).lower()
    if effect not in ("allow", "deny"):
        raise MisshapenError(path, "a policy document")
    return Statement(
        allows=effect == "allow",
        principals=_principals(stated.get("principal", stated.get("principals")), path),
        not_principals=_principals(stated.get("notprincipal", stated.get("notprincipals")), path),
        actions=tuple(each.lower() for each in _texts(stated.get("action", stated.get("actions")), path)),
        not_actions=tuple(each.lower() for each in _texts(stated.get("notaction", stated.get("notactions")), path)),
        resources=_texts(stated.get("resource", stated.get("resources")), path, unknown="?unknown?"),
        not_resources=_texts(stated.get("notresource", stated.get("notresources")), path, unknown="?unknown?"),
        conditions=tuple(_conditions(stated.get("condition", stated.get("conditions")), path)),
        sid=str(stated.get("sid") or ""),
    )


def _principals(stated: Any, path: str) -> dict[str, tuple[str, ...]]:
    stated = _opened(stated, path)
    if stated is None:
        return {}
    if isinstance(stated, str):
        return {"*" if stated == "*" else "aws": (stated,)}
    if isinstance(stated, list):
        listed = cast("list[Any]", stated)
        if not any(isinstance(each, Mapping) for each in listed):
            return {"aws": _texts(listed, path)}
        found: dict[str, tuple[str, ...]] = {}
        for each in listed:
            block = _block(each, path)
            kind = _text(block.get("type"), path).lower()
            found[kind] = (*found.get(kind, ()), *_texts(block.get("identifiers"), path))
        return found
    if not isinstance(stated, Mapping):
        raise MisshapenError(path, "a policy document")
    return {kind.lower(): _texts(values, path) for kind, values in cast("Mapping[str, Any]", stated).items()}


def _conditions(stated: Any, path: str) -> Iterator[Condition]:
    stated = _opened(stated, path)
    if stated is None:
        return
    if isinstance(stated, list):
        for each in cast("list[Any]", stated):
            test = _block(each, path)
            yield from _conditions({_text(test.get("test"), path): {_text(test.get("variable"), path): test.get("values")}}, path)
        return
    if not isinstance(stated, Mapping):
        raise MisshapenError(path, "a policy document")
    for operator, tests in cast("Mapping[str, Any]", stated).items():
        tests = _opened(tests, path)  # noqa: PLW2901 - the same, without its mark
        if not isinstance(tests, Mapping):
            raise MisshapenError(path, "a policy document")
        prefix, _, bare = operator.lower().rpartition(":")
        if_exists = bare.endswith("ifexists")
        for key, values in cast("Mapping[str, Any]", tests).items():
            yield Condition(
                bare.removesuffix("ifexists"),
                key.lower(),
                _texts(values, path, unknown="?unknown?"),
                if_exists,
                prefix == "forallvalues",
                prefix == "foranyvalue",
            )


def _texts(stated: Any, path: str, unknown: str = "") -> tuple[str, ...]:
    """One text or several. An unknown one stands as `unknown` where that is given: it is one in particular, never a wildcard."""
    texts: list[str] = []
    for each in _several(stated):
        plain = each.value if isinstance(each, Secret) else each
        if plain is UNKNOWN and unknown:
            texts.append(unknown)
        else:
            texts.append(_text(plain, path))
    return tuple(texts)


def _text(value: Any, path: str) -> str:
    value = _opened(value, path)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise MisshapenError(path, "a policy document")


def _several(stated: Any) -> list[Any]:
    if isinstance(stated, Secret):
        stated = stated.value
    if stated is None:
        return []
    return cast("list[Any]", stated) if isinstance(stated, list) else [stated]


def _opened(value: Any, path: str) -> Any:
    if isinstance(value, Secret):
        value = value.value
    if value is UNKNOWN:
        raise UnknownValueError(path)
    return value


def _block(stated: Any, path: str) -> dict[str, Any]:
    """One block of a list, as `getPolicyDocument` takes principals and conditions."""
    stated = _opened(stated, path)
    if not isinstance(stated, Mapping):
        raise MisshapenError(path, "a policy document")
    return _lowered(cast("Mapping[str, Any]", stated))


def _lowered(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in mapping.items()}
