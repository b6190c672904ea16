"""Canaries: what a client of the API sees from outside, and of each region what another sees of it."""

import base64
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.buckets import PrivateBucket
from components.context import RegionContext
from components.load_balancer import regional_host
from components.policy_document import Statement, policy_document, trust
from components.roles import permitted_arn
from settings.catalog import Region
from settings.names import NameRule
from settings.observability import CanarySettings
from settings.routes import API_HOST

_SCRIPT = Path(__file__).parent / "canary" / "probe.py"
_HANDLER = "probe.handler"
_REPORTS = "reports/"
_FAILURES_IN_A_ROW = 3  # promised
_CERTIFICATE_DAYS = 14
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file knows: the same script makes the same bytes
_MEMORY_MIB = 960  # the least that Synthetics takes
_NAMESPACE = "CloudWatchSynthetics"


@dataclass(frozen=True)
class CanariesArgs:
    """What the canaries of a region are given. `watched`: the regions that this one looks at."""

    context: RegionContext
    settings: CanarySettings
    domain: str
    watched: Sequence[Region]
    key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]


class Canaries(pulumi.ComponentResource):
    """Each visits a host as a client would, and raises the alarm after three failures in a row.

    api.           wherever DNS leads to: what clients see
    api-REGION.    the partner region, whichever of the two is first choice: what is lost cannot say so itself
    """

    def __init__(self, name: str, args: CanariesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:Canaries", name, None, opts)
        self._args = args
        self._context = args.context

        self._bucket = self._create_bucket()
        script = self._store_script()
        role_arn = self._create_role()
        for label, host in self._hosts().items():
            self._alarm(label, host, self._create_canary(label, host, script, role_arn))
        self.register_outputs({})

    def _hosts(self) -> dict[str, str]:
        args = self._args
        regional = {f"{API_HOST}-{region}": regional_host(API_HOST, region, args.domain) for region in args.watched}
        return {API_HOST: f"{API_HOST}.{args.domain}", **regional}

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _logical(self, *parts: str) -> str:
        return self._context.logical("canary", *parts)

    def _create_bucket(self) -> PrivateBucket:
        bucket = PrivateBucket(
            self._context,
            "canaries",
            self._args.settings.retention_days,
            parent=self,
            key_arn=self._args.key_arn,
            expiring=_REPORTS,
        )
        bucket.restrict()
        return bucket

    def _store_script(self) -> aws.s3.BucketObject:
        return aws.s3.BucketObject(
            self._logical("script"),
            bucket=self._bucket.id,
            key="script/probe.zip",
            content_base64=script_archive(),
            content_type="application/zip",
            kms_key_id=self._args.key_arn,
            server_side_encryption="aws:kms",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._bucket.versioning]),
        )

    def _create_role(self) -> pulumi.Output[str]:
        """CloudWatch user guide, "Required roles and permissions for canaries"."""
        context = self._context
        role = aws.iam.Role(
            self._logical(),
            name=context.name(NameRule.IAM_ROLE, "canary"),
            assume_role_policy=trust("lambda.amazonaws.com"),
            opts=self._child(),
        )
        rights = aws.iam.RolePolicy(
            self._logical(),
            role=role.name,
            policy=policy_document(
                Statement(
                    sid="KeepReports", actions=["s3:PutObject"], resources=[pulumi.Output.format("{0}/{1}*", self._bucket.arn, _REPORTS)]
                ),
                Statement(sid="FindBucket", actions=["s3:GetBucketLocation"], resources=[self._bucket.arn]),
                Statement(sid="ListBuckets", actions=["s3:ListAllMyBuckets"], resources=["*"]),
                Statement(
                    sid="EncryptReports",
                    actions=["kms:GenerateDataKey", "kms:Decrypt"],
                    resources=[self._args.key_arn],
                    conditions={"StringEquals": {"kms:ViaService": f"s3.{context.region}.amazonaws.com"}},
                ),
                Statement(
                    sid="WriteLogs",
                    actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[context.arn("logs", "log-group:/aws/lambda/cwsyn-*")],
                ),
                Statement(
                    sid="CountVisits",
                    actions=["cloudwatch:PutMetricData"],
                    resources=["*"],
                    conditions={"StringEquals": {"cloudwatch:namespace": _NAMESPACE}},
                ),
            ),
            opts=self._child(),
        )
        return permitted_arn(role, rights)

    def _create_canary(self, label: str, host: str, script: aws.s3.BucketObject, role_arn: pulumi.Input[str]) -> aws.synthetics.Canary:
        settings = self._args.settings
        minutes = settings.interval_minutes
        return aws.synthetics.Canary(
            self._logical(label),
            name=self._context.name(NameRule.CANARY, label, "from"),
            runtime_version=settings.runtime,
            handler=_HANDLER,
            s3_bucket=script.bucket,
            s3_key=script.key,
            s3_version=script.version_id,
            execution_role_arn=role_arn,
            artifact_s3_location=pulumi.Output.format("s3://{0}/{1}{2}", self._bucket.id, _REPORTS, label),
            artifact_config={"s3_encryption": {"encryption_mode": "SSE_KMS", "kms_key_arn": self._args.key_arn}},
            kms_key_arn=self._args.key_arn,
            schedule={"expression": "rate(1 minute)" if minutes == 1 else f"rate({minutes} minutes)"},
            run_config={
                "timeout_in_seconds": 60,
                "memory_in_mb": _MEMORY_MIB,
                "environment_variables": {"HOST": host, "CERTIFICATE_DAYS": str(_CERTIFICATE_DAYS)},
            },
            success_retention_period=settings.retention_days,
            failure_retention_period=settings.retention_days,
            start_canary=True,
            delete_lambda=True,
            opts=self._child(),
        )

    def _alarm(self, label: str, host: str, canary: aws.synthetics.Canary) -> None:
        aws.cloudwatch.MetricAlarm(
            self._logical(label),
            name=self._context.name(NameRule.ALARM, "canary", label),
            alarm_description=f"critical: {host} did not answer {_FAILURES_IN_A_ROW} times in a row, seen from {self._context.region}",
            namespace=_NAMESPACE,
            metric_name="SuccessPercent",
            dimensions={"CanaryName": canary.name},
            statistic="Average",
            period=self._args.settings.interval_minutes * 60,
            evaluation_periods=_FAILURES_IN_A_ROW,
            datapoints_to_alarm=_FAILURES_IN_A_ROW,
            comparison_operator="LessThanThreshold",
            threshold=100,
            treat_missing_data="breaching",  # a canary that does not fly tells nothing good
            alarm_actions=[self._args.alarm_topic_arn],
            ok_actions=[self._args.alarm_topic_arn],
            opts=self._child(),
        )


def script_archive() -> str:
    """The script as Synthetics wants it: a zip file with the folder `python`, in base64."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(f"python/{_SCRIPT.name}", _EPOCH)
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, _SCRIPT.read_bytes())
    return base64.b64encode(packed.getvalue()).decode()
