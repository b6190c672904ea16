"""Which resources the selections of AWS Backup take: by ARN with wildcards, by tags, by conditions, but for those that they leave out.

https://docs.aws.amazon.com/aws-backup/latest/devguide/assigning-resources-json.html
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from mastertrade.values import UNKNOWN
from policies.engine.blocks import Block, UnknownValueError, UnreadableError
from policies.engine.documents import matches
from policies.engine.resources import Resource

__all__ = ["ARNS", "SELECTION", "is_backed_up", "tags_of"]

SELECTION = "aws:backup/selection:Selection"

ARNS = {
    "aws:rds/instance:Instance": ("rds", "db:", "identifier"),
    "aws:rds/cluster:Cluster": ("rds", "cluster:", "clusterIdentifier"),
    "aws:docdb/cluster:Cluster": ("rds", "cluster:", "clusterIdentifier"),
    "aws:neptune/cluster:Cluster": ("rds", "cluster:", "clusterIdentifier"),
    "aws:dsql/cluster:Cluster": ("dsql", "cluster/", ""),
    "aws:dynamodb/table:Table": ("dynamodb", "table/", "name"),
    "aws:ebs/volume:Volume": ("ec2", "volume/", ""),
    "aws:efs/fileSystem:FileSystem": ("elasticfilesystem", "file-system/", ""),
    "aws:fsx/windowsFileSystem:WindowsFileSystem": ("fsx", "file-system/", ""),
    "aws:fsx/lustreFileSystem:LustreFileSystem": ("fsx", "file-system/", ""),
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": ("fsx", "file-system/", ""),
    "aws:fsx/ontapVolume:OntapVolume": ("fsx", "volume/", ""),
    "aws:s3/bucket:Bucket": ("s3", "", "bucket"),
    "aws:redshift/cluster:Cluster": ("redshift", "cluster:", "clusterIdentifier"),
    "aws:redshiftserverless/namespace:Namespace": ("redshift-serverless", "namespace/", ""),
    "aws:storagegateway/cachesIscsiVolume:CachesIscsiVolume": ("storagegateway", "gateway/", ""),
    "aws:storagegateway/storedIscsiVolume:StoredIscsiVolume": ("storagegateway", "gateway/", ""),
    "aws:timestreamwrite/table:Table": ("timestream", "database/", ""),
}
"""What AWS Backup takes of what holds data: service and beginning of the resource in its ARN, and the property that ends it.

https://docs.aws.amazon.com/aws-backup/latest/devguide/API_GetSupportedResourceTypes.html
"""

_PARTS = 6
_ANYTHING = "\x00"  # a name that is not known matches wildcards only


def is_backed_up(resource: Resource) -> bool:
    """Whether a selection of the stack takes the resource. Raises `UnreadableError` where that cannot be told."""
    unreadable: UnreadableError | None = None
    for selection in resource.stack.of_type(SELECTION):
        try:
            if _takes(selection, resource):
                return True
        except UnreadableError as error:
            unreadable = unreadable or error
    if unreadable:
        raise unreadable
    return False


def _takes(selection: Resource, resource: Resource) -> bool:
    regions = (selection.region(), resource.region())
    if all(regions) and regions[0] != regions[1]:
        return False
    if selection.has("notResources") and _names(selection, "notResources", resource):
        return False
    by_tag = any(_has_tag(resource, each) for each in selection.blocks("selectionTags"))
    if by_tag:
        return True
    conditions = selection.blocks("conditions")
    if selection.has("resources"):
        named = _names(selection, "resources", resource)
    else:
        # without anything, and with conditions only, it takes everything
        named = bool(conditions) or not selection.has("selectionTags")
    return named and all(_meets(resource, each) for each in conditions)


def _names(selection: Resource, path: str, resource: Resource) -> bool:
    """Whether one of the ARNs, which may have wildcards, is the resource's."""
    if resource.stack.refers(selection, path, resource):
        return True
    unknown = False
    stated: Any = selection.value(path)
    for position, _ in enumerate(cast("list[Any]", stated) if isinstance(stated, list) else [stated]):
        at = f"{path}.{position}" if isinstance(stated, list) else path
        if selection.is_known(at):
            if _is_pattern_of(selection.text(at), resource):
                return True
        else:
            unknown = True
    if unknown and not selection.property_dependencies.get(path):
        raise UnknownValueError(selection.at(path))
    return False


def _is_pattern_of(pattern: str, resource: Resource) -> bool:
    if pattern == "*":
        return True
    arn = resource.outputs.get("arn")
    if isinstance(arn, str) and arn.startswith("arn:"):
        return matches(pattern, arn)
    service, beginning, naming = ARNS.get(resource.type, ("", "", ""))
    parts = pattern.split(":", _PARTS - 1)
    if not service or parts[0] != "arn":
        return False
    parts += ["*"] * (_PARTS - len(parts))
    _, _, wanted_service, wanted_region, _, rest = (each or "*" for each in parts)
    region = resource.region()
    if not matches(wanted_service, service) or (region and service != "s3" and not matches(wanted_region, region)):
        return False
    name = _name(resource, naming)
    if matches(rest, beginning + (name or _ANYTHING)):
        return True
    if not name and rest.startswith(beginning) and "*" in rest:
        raise UnknownValueError(naming or "arn")
    return False


def _name(resource: Resource, naming: str) -> str:
    """The end of its ARN: a property, or what AWS calls it; empty where that is not known yet."""
    if naming:
        return resource.text(naming) if resource.is_known(naming) else ""
    called = resource.outputs.get("id")
    return called if isinstance(called, str) else ""


def _has_tag(resource: Resource, wanted: Block) -> bool:
    value = tags_of(resource).get(_tag(wanted.text("key")))
    if value is UNKNOWN:
        raise UnknownValueError("tags")
    return value == wanted.text("value")


def _meets(resource: Resource, condition: Block) -> bool:
    tags = tags_of(resource)
    for operator, is_like, is_wanted in (
        ("stringEquals", False, True),
        ("stringLikes", True, True),
        ("stringNotEquals", False, False),
        ("stringNotLikes", True, False),
    ):
        for each in condition.blocks(operator):
            value = tags.get(_tag(each.text("key")))
            if value is UNKNOWN:
                raise UnknownValueError("tags")
            wanted = each.text("value")
            equal = value is not None and (matches(wanted, value) if is_like else value == wanted)
            if equal is not is_wanted:
                return False
    return True


def _tag(key: str) -> str:
    return key.removeprefix("aws:ResourceTag/")


def tags_of(resource: Resource) -> dict[str, Any]:
    """With those that the provider gives to everything."""
    return {
        **_plain(_default_tags(resource.provider)),
        **_plain(resource.outputs.get("tagsAll")),
        **{name: value if value is UNKNOWN else str(value) for name, value in resource.pairs("tags").items()},
    }


def _plain(stated: Any) -> dict[str, Any]:
    if not isinstance(stated, Mapping):
        return {}
    return {name: value if value is UNKNOWN else str(value) for name, value in cast("Mapping[str, Any]", stated).items()}


def _default_tags(provider: Mapping[str, Any]) -> Any:
    stated = provider.get("defaultTags")
    if isinstance(stated, str):  # providers get their configuration as JSON
        try:
            stated = json.loads(stated)
        except ValueError:
            return {}
    return cast("Mapping[str, Any]", stated).get("tags") if isinstance(stated, Mapping) else {}
