"""Controls of what is kept to look at later or to do again: logs, events, streams, failed messages."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.resilience.figures import days, least

__all__ = ["LOGS"]

_KEPT = {
    "aws:cloudwatch/logGroup:LogGroup": "retentionInDays",
    "aws:cloudwatch/eventArchive:EventArchive": "retentionDays",
    "aws:cloudtrail/eventDataStore:EventDataStore": "retentionPeriod",
    "aws:amp/workspaceConfiguration:WorkspaceConfiguration": "retentionPeriodInDays",
}
"""Days. Absent or zero is for ever, or for months: 2555 days of event data stores, 150 of metrics."""


def _kept(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if resource.text("logGroupClass").upper() == "DELIVERY":
        raise NotApplicableError("groups of the class DELIVERY keep what they pass on for a day")
    kept = resource.number(_KEPT[resource.type]) or 0
    if 0 < kept < options["days"]:
        yield Finding(_KEPT[resource.type], f"at least {int(options['days'])} days")


_SHORTEST_HOURS = 24


def _stream(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if (resource.number("retentionPeriod", _SHORTEST_HOURS) or 0) < options["hours"]:
        yield Finding("retentionPeriod", f"at least {int(options['hours'])} hours")


def _trail(resource: Resource) -> Findings:
    if not resource.flag("isMultiRegionTrail"):
        yield Finding("isMultiRegionTrail", "true")
    if not resource.flag("enableLogging", default=True):
        yield Finding("enableLogging", "true")


_QUEUE = "aws:sqs/queue:Queue"
_QUEUE_SECONDS = 4 * 24 * 3600  # without a figure
_REDRIVE = "aws:sqs/redrivePolicy:RedrivePolicy"


def _dead_letters(resource: Resource) -> Findings:
    own = resource.number("messageRetentionSeconds", _QUEUE_SECONDS) or 0
    sources = tuple(_sources(resource))
    if not sources:
        raise NotApplicableError("no queue of the stack sends what fails to it")
    # a message keeps the time that it was first sent
    longest = max(each.number("messageRetentionSeconds", _QUEUE_SECONDS) or 0 for each in sources)
    if own < longest:
        yield Finding("messageRetentionSeconds", f"at least {int(longest)}, as long as the queue that failed messages come from")


def _sources(resource: Resource) -> Iterator[Resource]:
    stack = resource.stack
    for queue in stack.of_type(_QUEUE):
        if queue is resource:
            continue
        policies = (queue, *stack.companions(queue, _REDRIVE, by="queueUrl"))
        if any(_sends_to(policy, resource) for policy in policies):
            yield queue


def _sends_to(policy: Resource, resource: Resource) -> bool:
    if policy.stack.refers(policy, "redrivePolicy", resource):
        return True
    arn = resource.outputs.get("arn")
    return (
        isinstance(arn, str) and arn != "" and policy.is_known("redrivePolicy") and f'"{arn}"' in str(policy.value("redrivePolicy") or "")
    )


_control = Family(Severity.MEDIUM, "What happened, and what was lost on the way, is looked for after weeks.").control


LOGS = (
    _control(
        "res-log-retention",
        "Logs and events are kept for thirty days",
        tuple(_KEPT),
        _kept,
        "AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
        "Raise the retention, or leave it out to keep them for ever.",
        options=days(30, 3653, "Days that logs are kept at least"),
    ),
    _control(
        "res-kinesis-retention",
        "Streams keep records for a week",
        ("aws:kinesis/stream:Stream",),
        _stream,
        "streams/latest/dev/kinesis-extended-retention.html",
        "Set retentionPeriod in hours, 8760 at most. Each day beyond the first costs.",
        options=least("hours", 168, 8760, "Hours that records are kept at least; 168 is Security Hub's, Kinesis.3"),
    ),
    _control(
        "res-cloudtrail-regions",
        "Trails are on, in every region",
        ("aws:cloudtrail/trail:Trail",),
        _trail,
        "awscloudtrail/latest/userguide/receive-cloudtrail-log-files-from-multiple-regions.html",
        "Set isMultiRegionTrail.",
    ),
    _control(
        "res-sqs-dead-letter-retention",
        "Queues of failed messages keep them as long as the queue that they come from",
        (_QUEUE,),
        _dead_letters,
        "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
        "Set messageRetentionSeconds, 1209600 at most.",
    ),
)
