"""Controls of buckets: earlier versions of objects are kept, and copied to another region."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.blocks import Block, UnreadableError
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.resilience.figures import days
from policies.resilience.selections import is_backed_up

__all__ = ["BUCKETS"]

_BUCKET = "aws:s3/bucket:Bucket"
_VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
_REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
_LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"

_DELIVERED = (
    ("aws:lb/loadBalancer:LoadBalancer", ("accessLogs", "connectionLogs", "healthCheckLogs"), "bucket"),
    ("aws:elb/loadBalancer:LoadBalancer", ("accessLogs",), "bucket"),
    ("aws:s3/bucketLogging:BucketLogging", ("targetBucket",), ""),
    (_BUCKET, ("logging", "loggings"), "targetBucket"),
    ("aws:s3/inventory:Inventory", ("destination",), "bucket.bucketArn"),
    ("aws:cloudfront/distribution:Distribution", ("loggingConfig",), "bucket"),
    ("aws:cloudtrail/trail:Trail", ("s3BucketName",), ""),
    ("aws:cfg/deliveryChannel:DeliveryChannel", ("s3BucketName",), ""),
    ("aws:ec2/flowLog:FlowLog", ("logDestination",), ""),
    ("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", ("logDestinationConfigs",), ""),
    ("aws:route53/resolverQueryLogConfig:ResolverQueryLogConfig", ("destinationArn",), ""),
    ("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", ("loggingConfiguration",), ""),
    ("aws:redshift/logging:Logging", ("bucketName",), ""),
    ("aws:msk/cluster:Cluster", ("loggingInfo",), "brokerLogs.s3.bucket"),
    ("aws:emr/cluster:Cluster", ("logUri",), ""),
    ("aws:athena/workgroup:Workgroup", ("configuration",), "resultConfiguration.outputLocation"),
    ("aws:synthetics/canary:Canary", ("artifactS3Location",), ""),
    ("aws:codepipeline/pipeline:Pipeline", ("artifactStores",), "location"),
    ("aws:backup/reportPlan:ReportPlan", ("reportDeliveryChannel",), "s3BucketName"),
    ("aws:codebuild/project:Project", ("artifacts", "secondaryArtifacts", "logsConfig", "cache"), "location"),
    ("aws:cur/reportDefinition:ReportDefinition", ("s3Bucket",), ""),
    ("aws:elasticbeanstalk/applicationVersion:ApplicationVersion", ("bucket",), ""),
    ("aws:guardduty/publishingDestination:PublishingDestination", ("destinationArn",), ""),
    ("aws:lambda/function:Function", ("s3Bucket",), ""),
    ("aws:lambda/layerVersion:LayerVersion", ("s3Bucket",), ""),
    ("aws:macie2/classificationExportConfiguration:ClassificationExportConfiguration", ("s3Destination",), "bucketName"),
    ("aws:s3/analyticsConfiguration:AnalyticsConfiguration", ("storageClassAnalysis",), ""),
    ("aws:ssm/resourceDataSync:ResourceDataSync", ("s3Destination",), "bucketName"),
    ("aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination", ("deliveryDestinationConfiguration",), "destinationResourceArn"),
)
"""What writes logs, reports and products of builds into a bucket, and where that names the bucket."""

_PUBLISHED = (
    ("aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration", ("bucket",), ""),
    ("aws:cloudfront/distribution:Distribution", ("origins",), "domainName"),
)
"""What publishes a bucket's objects, which a build makes again."""


def _names(resource: Resource, rows: tuple[tuple[str, tuple[str, ...], str], ...]) -> bool:
    stack = resource.stack
    return any(
        other is not resource and (stack.refers(other, path, resource) or (rest != "" and _refers(other, f"{path}.{rest}", resource)))
        for type_, paths, rest in rows
        for other in stack.of_type(type_)
        for path in paths
    )


def _refers(other: Resource, path: str, resource: Resource) -> bool:
    try:
        return resource.stack.refers(other, path, resource)
    except UnreadableError:
        return False


def _receives_logs(bucket: Resource) -> bool:
    """Whether something of the stack delivers logs or reports into a bucket."""
    return bucket.text("acl") == "log-delivery-write" or _names(bucket, _DELIVERED)


def _receives_copies(bucket: Resource) -> bool:
    """Whether another bucket of the stack is replicated into this one."""
    for source, path, rules in _replications(bucket, of=None):
        if any(urn == bucket.urn for urn in source.property_dependencies.get(path, ())):
            return True
        names = [_bucket_name(rule) for rule in rules]
        if any(name and name in bucket.identities() for name in names):
            return True
    return False


def _is_replicated(bucket: Resource) -> bool:
    """Whether a rule that is enabled copies the bucket's objects."""
    return any(_is_enabled(rule) for _, _, rules in _replications(bucket, of=bucket) for rule in rules)


def _is_enabled(rule: Block) -> bool:
    return rule.text("status").lower() == "enabled"


def _replications(bucket: Resource, of: Resource | None) -> Iterator[tuple[Resource, str, tuple[Block, ...]]]:
    """Where replication is declared, the property, and its rules: of one bucket, or of all others of the stack."""
    stack = bucket.stack
    companions = stack.companions(of, _REPLICATION, by="bucket") if of else stack.of_type(_REPLICATION)
    for each in companions:
        if of or not stack.refers(each, "bucket", bucket):
            yield each, "rules", each.blocks("rules")
    for each in (of,) if of else (other for other in stack.of_type(_BUCKET) if other is not bucket):
        for path in ("replicationConfiguration", "replicationConfigurations"):
            if each.has(path):
                yield each, path, each.block(path).blocks("rules")


def _bucket_name(rule: Block) -> str:
    path = "destinations.bucket" if rule.has("destinations") else "destination.bucket"
    return rule.text(path).rsplit(":", 1)[-1] if rule.is_known(path) else ""


def _versions(resource: Resource) -> Findings:
    if resource.type == _VERSIONING:
        yield from _with_bucket(resource, "versioningConfiguration.status", "Enabled")
        return
    # objects can only be locked in buckets with versions: S3 switches both on
    if resource.flag("versioning.enabled") or resource.flag("versionings.enabled") or resource.flag("objectLockEnabled"):
        return
    companions = resource.stack.companions(resource, _VERSIONING, by="bucket")
    if not companions:
        yield Finding("versioning", "a BucketVersioning with the status Enabled", found="no versioning")
    for each in companions:
        if each.text("versioningConfiguration.status").lower() != "enabled":
            yield Finding("versioning", "Enabled", found=each.text("versioningConfiguration.status") or "nothing")


def _with_bucket(companion: Resource, path: str, wanted: str) -> Findings:
    if companion.text(path).lower() == wanted.lower():
        return
    if any(companion.stack.refers(companion, "bucket", each) for each in companion.stack.of_type(_BUCKET)):
        raise NotApplicableError("its bucket is judged")
    yield Finding(path, wanted)


def _replicated(resource: Resource) -> Findings:
    if resource.type == _REPLICATION:
        rules = resource.blocks("rules")
        if not any(_is_enabled(rule) for rule in rules):
            if any(resource.stack.refers(resource, "bucket", each) for each in resource.stack.of_type(_BUCKET)):
                raise NotApplicableError("its bucket is judged")
            yield Finding("rules", "a rule with the status Enabled")
        return
    if _is_replicated(resource):
        own = resource.region()
        targets = list(_targets(resource))
        if own and targets and all(region == own and not account for region, account in targets):
            yield Finding("", f"a bucket outside of {own}", found="a copy in the same region")
        return
    if _receives_logs(resource) or _receives_copies(resource):
        raise NotApplicableError("the bucket holds logs, reports or copies of another bucket's objects")
    if resource.has("website") or resource.has("websites") or _names(resource, _PUBLISHED):
        raise NotApplicableError("the bucket's objects are published, and made by a build")
    if not is_backed_up(resource):
        yield Finding("", "a BucketReplicationConfig with a rule that is enabled", found="no copy of its objects")


def _targets(bucket: Resource) -> Iterator[tuple[str, str]]:
    """Region, as far as it is known, and account that objects are copied to."""
    for source, path, rules in _replications(bucket, of=bucket):
        behind = [each for each in bucket.stack.depended_on(source, path) if each.type == _BUCKET and each is not bucket]
        for rule in rules:
            if _is_enabled(rule):
                name = _bucket_name(rule)
                named = [each for each in bucket.stack.of_type(_BUCKET) if name and name in each.identities()] or behind
                yield (named[0].region() if len(named) == 1 else ""), rule.text("destination.account") or rule.text("destination.accountId")


def _kept_versions(resource: Resource, options: Mapping[str, Any]) -> Findings:
    path = "rules" if resource.type == _LIFECYCLE else "lifecycleRules"
    for number, rule in enumerate(resource.blocks(path)):
        on = rule.text("status").lower() == "enabled" if resource.type == _LIFECYCLE else rule.flag("enabled")
        if not on or _is_part(rule):
            continue
        for place in ("noncurrentVersionExpiration.noncurrentDays", "noncurrentVersionExpiration.days"):
            kept = rule.number(place)
            if kept is not None and kept < options["days"] and not rule.has("noncurrentVersionExpiration.newerNoncurrentVersions"):
                yield Finding(f"{path}.{number}.{place}", f"at least {int(options['days'])} days")


def _is_part(rule: Block) -> bool:
    """Whether a rule is of some objects only, which need not be worth as much as the rest."""
    return any(
        rule.has(path)
        for path in (
            "prefix",
            "tags",
            "filter.prefix",
            "filter.tag",
            "filter.and",
            "filter.objectSizeGreaterThan",
            "filter.objectSizeLessThan",
        )
    )


_TRANSITIONS = ("transitions", "transition")
_LOCKS = {
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": "rule.defaultRetention",
    _BUCKET: "objectLockConfiguration.rule.defaultRetention",
}
_YEAR = 365


def _one_zone(resource: Resource) -> Findings:
    path = "rules" if resource.type == _LIFECYCLE else "lifecycleRules"
    found: list[Finding] = []
    for rule in resource.blocks(path):
        on = rule.text("status").lower() == "enabled" if resource.type == _LIFECYCLE else rule.flag("enabled")
        # of some objects only: those that can be made again are what the class is for
        if not on or _is_part(rule):
            continue
        found += [
            Finding(each.at("storageClass"), "STANDARD_IA: ONEZONE_IA is lost with its zone", found="ONEZONE_IA")
            for place in _TRANSITIONS
            for each in rule.blocks(place)
            if each.text("storageClass").upper() == "ONEZONE_IA"
        ]
    if found and not any(_is_replicated(each) for each in _buckets(resource)):
        yield from found


def _buckets(resource: Resource) -> Iterator[Resource]:
    stack = resource.stack
    return (each for each in stack.of_type(_BUCKET) if each is resource or stack.refers(resource, "bucket", each))


def _locked(resource: Resource, options: Mapping[str, Any]) -> Findings:
    path = _LOCKS[resource.type]
    stated = resource.block(path)
    if not stated.present:
        raise NotApplicableError("no default retention: each object states its own")
    if (stated.number("days") or 0) + _YEAR * (stated.number("years") or 0) < options["days"]:
        yield Finding(f"{path}.days", f"at least {int(options['days'])} days")


_control = Family(Severity.HIGH, "Objects that were overwritten or deleted, or that stood in a region that is lost, are gone.").control


BUCKETS = (
    _control(
        "res-s3-versions",
        "Buckets keep earlier versions",
        (_BUCKET, _VERSIONING),
        _versions,
        "AmazonS3/latest/userguide/Versioning.html",
        "Declare a BucketVersioning with the status Enabled.",
    ),
    _control(
        "res-s3-replication",
        "Buckets with data are copied to another region",
        (_BUCKET, _REPLICATION),
        _replicated,
        "AmazonS3/latest/userguide/replication.html",
        "Declare a BucketReplicationConfig to a bucket in another region, or name the bucket in a selection of AWS Backup.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "res-s3-version-retention",
        "Earlier versions of objects are kept for a week",
        (_LIFECYCLE, _BUCKET),
        _kept_versions,
        "AmazonS3/latest/userguide/intro-lifecycle-rules.html",
        "Raise noncurrentDays, or keep a number of versions by newerNoncurrentVersions.",
        options=days(7, 3650, "Days that earlier versions are kept at least"),
    ),
    _control(
        "res-s3-one-zone",
        "Objects stay in several zones",
        (_LIFECYCLE, _BUCKET),
        _one_zone,
        "AmazonS3/latest/userguide/storage-class-intro.html",
        "Move them to STANDARD_IA or a class of Glacier instead, or replicate the bucket.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "res-s3-lock-retention",
        "Objects are locked for a week where they are locked",
        tuple(_LOCKS),
        _locked,
        "AmazonS3/latest/userguide/object-lock.html",
        "Raise the days or years of the default retention.",
        severity=Severity.MEDIUM,
        options=days(7, 36500, "Days that objects are locked at least where a bucket locks them"),
    ),
)
