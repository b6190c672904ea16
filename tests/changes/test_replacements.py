"""The table of what forces replacement is about the types that are declared, their properties, and what the SDK says of them."""

import importlib
import keyword
import re
import sys
from collections.abc import Iterator

import pytest
import yaml

from mastertrade.changes.model import Replaces
from mastertrade.changes.replacements import FILE, known, replaces
from tests.declared import declare

TABLE = yaml.safe_load(FILE.read_text(encoding="utf-8"))
TYPES = sorted({each.type for stack in ("dev", "prod") for each in declare(stack).resources if each.custom})
AWS = [each for each in TYPES if each.startswith("aws:")]
SAYS = re.compile(
    r"(?:changing|changes to) (?:this|the|any)[^.]*?(?:forces?|will force|creates?|will create|requires?) "
    r"(?:a |the |terraform to create a )?(?:new|replacement|re-?creation)|"
    r"forces (?:a )?(?:new resource|replacement)|force resource recreation",
    re.IGNORECASE,
)
UNKNOWN_TO_OUR_PURPOSE = {("aws:cognito/userPool:UserPool", "smsConfiguration")}
"""The docstring tells how to force a replacement by hand."""


def properties(type_: str) -> dict[str, str]:
    """Docstrings of the inputs of a type in the installed SDK, by Pulumi's names."""
    _, module, name = type_.split(":")
    folder = module.split("/")[0]
    package = importlib.import_module(f"pulumi_aws.{folder}_" if keyword.iskeyword(folder) else f"pulumi_aws.{folder}")
    own = vars(sys.modules[getattr(package, name).__module__])
    arguments = own.get(f"{name}InitArgs") or own[f"{name}Args"]
    return {
        re.sub(r"_(\w)", lambda found: found[1].upper(), key): value.fget.__doc__ or ""
        for key, value in vars(arguments).items()
        if isinstance(value, property)
    }


def stated(type_: str) -> Iterator[str]:
    entry = TABLE["types"].get(type_, {})
    yield from (*entry.get("always", ()), *entry.get("perhaps", ()))


@pytest.mark.parametrize("type_", [each for each in TYPES if not each.startswith("pulumi:")])
def test_every_declared_type_has_a_source(type_: str) -> None:
    assert known(type_).sources
    assert all(each.startswith("https://") for each in known(type_).sources)


@pytest.mark.parametrize("type_", AWS)
def test_every_property_of_the_table_exists(type_: str) -> None:
    assert {each.split(".")[0] for each in stated(type_)} <= set(properties(type_))


@pytest.mark.parametrize("type_", AWS)
def test_what_the_sdk_says_forces_replacement_is_in_the_table(type_: str) -> None:
    said = {name for name, text in properties(type_).items() if SAYS.search(text) and (type_, name) not in UNKNOWN_TO_OUR_PURPOSE}
    assert said <= {each.split(".")[0] for each in stated(type_)}


def test_every_type_of_the_table_is_in_the_sdk() -> None:
    for type_ in TABLE["types"]:
        if type_.startswith("aws:"):
            assert properties(type_), type_


@pytest.mark.parametrize(
    ("type_", "names", "wanted"),
    [
        ("aws:rds/cluster:Cluster", ("kmsKeyId",), Replaces.ALWAYS),
        ("aws:rds/cluster:Cluster", ("backupRetentionPeriod",), Replaces.NO),
        ("aws:rds/cluster:Cluster", ("region",), Replaces.ALWAYS),
        ("aws:mq/broker:Broker", ("encryptionOptions", "kmsKeyId"), Replaces.ALWAYS),
        ("aws:eks/cluster:Cluster", ("kubernetesNetworkConfig", "ipFamily"), Replaces.ALWAYS),
        ("aws:eks/cluster:Cluster", ("kubernetesNetworkConfig",), Replaces.PERHAPS),
        ("aws:eks/cluster:Cluster", ("encryptionConfig", "provider", "keyArn"), Replaces.PERHAPS),
        ("kubernetes:apps/v1:Deployment", ("metadata", "name"), Replaces.ALWAYS),
        ("kubernetes:apps/v1:Deployment", ("metadata", "labels", "a"), Replaces.NO),
        ("kubernetes:apps/v1:Deployment", ("spec", "selector", "matchLabels", "a"), Replaces.ALWAYS),
        ("random:index/randomPassword:RandomPassword", ("length",), Replaces.ALWAYS),
    ],
)
def test_the_table_is_read_as_it_is_meant(type_: str, names: tuple[str, ...], wanted: Replaces) -> None:
    assert replaces(type_, names) is wanted
