"""What a policy document allows strangers, when other statements and other conditions take it back."""

from typing import Any

import pytest

from policies.engine.documents import parse

OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::orders/*"}
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
OWN = {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}


def is_public(*statements: dict[str, Any]) -> bool:
    return bool(list(parse({"Statement": list(statements)}, "policy").public()))


@pytest.mark.parametrize(
    ("deny", "public"),
    [
        ({"Condition": OWN}, False),
        ({"Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}}, False),
        ({"Condition": {**OWN, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}}, False),
        ({"Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}, False),
        ({"Principal": None, "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}}, False),
        ({"Condition": {**OWN, "Bool": {"aws:SecureTransport": "false"}}}, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, True),
        ({"Condition": {"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}}, True),
        ({"Condition": {"StringNotLike": {"aws:PrincipalOrgID": "*"}}}, True),
        ({"Condition": OWN, "Action": "s3:PutObject"}, True),
        ({"Condition": OWN, "Resource": "arn:aws:s3:::others/*"}, True),
        ({"Condition": OWN, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, True),
    ],
)
def test_a_denial_takes_back_what_it_denies_every_stranger(deny: dict[str, Any], public: bool) -> None:
    assert is_public(OPEN, {**DENY, **deny}) is public


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        ({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}, True),
        ({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}, "Null": {"aws:PrincipalOrgPaths": "false"}}, False),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}, False),
        ({"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}, False),
        ({"ArnLike": {"aws:SourceArn": "*:*:*:*:123456789012:*"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::*:distribution/*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront:::distribution/*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::*:distribution/E1A2B3C4D5E6F7"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::123456789012:distribution/*"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:execute-api:eu-west-1:*:*/prod/GET/orders"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:execute-api:eu-west-1:*:a1b2c3d4e5/*"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:market-data"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*/logs"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:apigateway:eu-west-1::/restapis/*"}}, True),
        ({"StringLike": {"sns:Endpoint": "*@example.com"}}, False),
        ({"StringLike": {"sns:Endpoint": "*@*"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "orders"}}, True),
    ],
)
def test_a_key_that_has_to_be_there_cannot_be_skipped(condition: dict[str, Any], public: bool) -> None:
    assert is_public({**OPEN, "Condition": condition}) is public
