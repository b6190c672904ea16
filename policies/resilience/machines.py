"""Controls of machines, their volumes and clusters of them: what holds data ends by nobody's mistake."""

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.resilience.selections import SELECTION, is_backed_up, tags_of

__all__ = ["MACHINES"]

_HADOOP = "aws:emr/cluster:Cluster"
_MASTERS = 3  # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-ha.html


def _termination(resource: Resource) -> Findings:
    if resource.type == _HADOOP:
        _want_long_running(resource)
        # EMR switches it on itself where there are several masters
        if not resource.flag("terminationProtection", default=_masters(resource) >= _MASTERS):
            yield Finding("terminationProtection", "true")
        return
    if resource.has("instanceMarketOptions"):
        raise NotApplicableError("AWS takes a machine of the spot market back as it likes")
    if not resource.has("ebsBlockDevices") and not resource.stack.companions(
        resource, "aws:ec2/volumeAttachment:VolumeAttachment", by="instanceId"
    ):
        raise NotApplicableError("a machine without volumes of its own for data")
    if not resource.flag("disableApiTermination"):
        yield Finding("disableApiTermination", "true")


def _several_masters(resource: Resource) -> Findings:
    _want_long_running(resource)
    if not resource.flag("keepJobFlowAliveWhenNoSteps"):
        raise NotApplicableError("nothing says that the cluster stays")
    if _masters(resource) < _MASTERS:
        path = "masterInstanceFleet" if resource.has("masterInstanceFleet") else "masterInstanceGroup"
        yield Finding(f"{path}.{'targetOnDemandCapacity' if path.endswith('Fleet') else 'instanceCount'}", f"{_MASTERS}")


def _want_long_running(cluster: Resource) -> None:
    if not cluster.flag("keepJobFlowAliveWhenNoSteps", default=True) or cluster.has("autoTerminationPolicy"):
        raise NotApplicableError("the cluster ends with its work")


def _masters(cluster: Resource) -> float:
    if cluster.has("masterInstanceFleet"):
        fleet = cluster.block("masterInstanceFleet")
        return (fleet.number("targetOnDemandCapacity") or 0) + (fleet.number("targetSpotCapacity") or 0)
    return cluster.number("masterInstanceGroup.instanceCount", 1) or 0


_POLICY = "aws:dlm/lifecyclePolicy:LifecyclePolicy"


def _last_snapshot(resource: Resource) -> Findings:
    if resource.flag("finalSnapshot"):
        return
    if (resource.stack.of_type(SELECTION) and is_backed_up(resource)) or _has_snapshots(resource):
        raise NotApplicableError("snapshots of it are made anyway")
    yield Finding("finalSnapshot", "true, or a plan that backs the volume up")


def _has_snapshots(volume: Resource) -> bool:
    """Whether a policy of Data Lifecycle Manager takes the volume: by a tag, or as one of all."""
    own = tags_of(volume)
    for policy in volume.stack.of_type(_POLICY):
        wanted = policy.pairs("policyDetails.targetTags")
        if policy.has("defaultPolicy") or any(own.get(name) == value for name, value in wanted.items()):
            return True
    return False


_control = Family(
    Severity.MEDIUM, "One wrong command, or one changed property that replaces a resource, deletes what no deployment can make again."
).control


MACHINES = (
    _control(
        "res-termination-protection",
        "Machines with data are protected from termination",
        ("aws:ec2/instance:Instance", _HADOOP),
        _termination,
        "AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html",
        "Set disableApiTermination; of a cluster of EMR that stays, terminationProtection.",
    ),
    _control(
        "res-emr-masters",
        "Clusters of EMR that stay survive the loss of a master",
        (_HADOOP,),
        _several_masters,
        "emr/latest/ManagementGuide/emr-plan-ha.html",
        "Set the masters to three. Changing it replaces the cluster.",
    ),
    _control(
        "res-ebs-last-snapshot",
        "Volumes leave a snapshot",
        ("aws:ebs/volume:Volume",),
        _last_snapshot,
        "ebs/latest/userguide/ebs-deleting-volume.html",
        "Set finalSnapshot, or name the volume in a selection of AWS Backup or a policy of snapshots.",
    ),
)
