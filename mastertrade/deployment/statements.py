"""Statements of IAM policies: what is put into one, and how many characters it takes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["LONGEST_POLICY", "Conditions", "Statement", "characters", "policy_documents"]

# White space is not counted: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_POLICY = 6144

Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Operator to key to values."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One allowing statement."""

    sid: str
    actions: tuple[str, ...]
    """With their service: `ec2:CreateVpc`."""
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, tuple[str, ...]]])

    def rendered(self) -> dict[str, Any]:
        """As it stands in a document. A single value stands alone, which saves characters."""
        conditions = {
            operator: {key: _alone(values) for key, values in sorted(tests.items())} for operator, tests in self.conditions.items()
        }
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": _alone(self.actions),
            "Resource": _alone(self.resources),
            **({"Condition": dict(sorted(conditions.items()))} if conditions else {}),
        }

    def halves(self) -> "tuple[Statement, Statement]":
        """The same in two. Raises `ValueError` where there is nothing to divide."""
        name = "resources" if len(self.resources) > 1 else "actions"
        values: tuple[str, ...] = getattr(self, name)
        if len(values) == 1:
            raise ValueError(f"statement {self.sid} is longer than a policy may be")
        middle = len(values) // 2
        return replace(self, sid=f"{self.sid}A", **{name: values[:middle]}), replace(self, sid=f"{self.sid}B", **{name: values[middle:]})


def characters(document: Mapping[str, Any]) -> int:
    """Length of a document as IAM counts it."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


def policy_documents(statements: Iterable[Statement], limit: int = LONGEST_POLICY) -> list[dict[str, Any]]:
    """As few documents as the limit allows, found in one pass: each statement goes into the first that has room for it."""
    documents: list[list[dict[str, Any]]] = []
    for statement in statements:
        for piece in _pieces(statement, limit):
            rendered = piece.rendered()
            for document in documents:
                if characters(_document([*document, rendered])) <= limit:
                    document.append(rendered)
                    break
            else:
                documents.append([rendered])
    return [_document(each) for each in documents]


def _pieces(statement: Statement, limit: int) -> Iterator[Statement]:
    if characters(_document([statement.rendered()])) <= limit:
        yield statement
        return
    for half in statement.halves():
        yield from _pieces(half, limit)


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _alone(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
