"""What is declared keeps to AWS's limits, also with the longest names that a stack may have."""

import re
from collections import Counter

import pytest

from tests.declared import Declared, configuration, declare

LONG_STACK = "production-europe-and-asia-blue"
LONG_REGIONS = {"ap-southeast-2": {"role": "primary"}, "ap-northeast-1": {"role": "standby"}}

# Pattern of each physical name, from the service's API reference
PATTERNS = {
    ("aws:rds/cluster:Cluster", "clusterIdentifier"): r"[a-z](-?[a-z0-9]){0,62}",
    ("aws:rds/clusterInstance:ClusterInstance", "identifier"): r"[a-z](-?[a-z0-9]){0,62}",
    ("aws:rds/globalCluster:GlobalCluster", "globalClusterIdentifier"): r"[a-z](-?[a-z0-9]){0,62}",
    ("aws:rds/proxy:Proxy", "name"): r"[a-z](-?[a-z0-9]){0,62}",
    ("aws:rds/proxyEndpoint:ProxyEndpoint", "dbProxyEndpointName"): r"[a-z](-?[a-z0-9]){0,62}",
    ("aws:rds/clusterParameterGroup:ClusterParameterGroup", "name"): r"[a-z](-?[a-z0-9]){0,254}",
    ("aws:elasticache/replicationGroup:ReplicationGroup", "replicationGroupId"): r"[a-z](?!.*--)[a-z0-9-]{0,38}[a-z0-9]",
    ("aws:elasticache/user:User", "userId"): r"[a-z](?!.*--)[a-z0-9-]{0,38}[a-z0-9]",
    ("aws:elasticache/userGroup:UserGroup", "userGroupId"): r"[a-z](?!.*--)[a-z0-9-]{0,38}[a-z0-9]",
    ("aws:eks/cluster:Cluster", "name"): r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}",
    ("aws:mq/broker:Broker", "brokerName"): r"[A-Za-z0-9_-]{1,50}",
    ("aws:mq/configuration:Configuration", "name"): r"[A-Za-z0-9._~-]{1,150}",
    ("aws:lb/loadBalancer:LoadBalancer", "name"): r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?",
    ("aws:lb/targetGroup:TargetGroup", "name"): r"[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?",
    ("aws:s3/bucket:Bucket", "bucket"): r"(?!xn--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    ("aws:iam/role:Role", "name"): r"[\w+=,.@-]{1,64}",
    ("aws:backup/vault:Vault", "name"): r"[a-zA-Z0-9_-]{2,50}",
    ("aws:backup/plan:Plan", "name"): r"[a-zA-Z0-9._-]{1,50}",
    ("aws:backup/restoreTestingPlan:RestoreTestingPlan", "name"): r"[a-zA-Z0-9_]{1,50}",
    # a name that ends in a hyphen and six characters looks like an ARN's random part
    ("aws:secretsmanager/secret:Secret", "name"): r"(?!.*-\w{6}$)[A-Za-z0-9/_+=.@-]{1,512}",
    ("aws:wafv2/webAcl:WebAcl", "name"): r"[\w-]{1,128}",
    ("aws:cognito/userPool:UserPool", "name"): r"[\w\s+=,.@-]{1,128}",
    ("aws:cognito/userPoolDomain:UserPoolDomain", "domain"): r"(?!.*(aws|amazon|cognito))[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    ("aws:sns/topic:Topic", "name"): r"[A-Za-z0-9_-]{1,256}",
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "name"): r".{1,255}",
    ("aws:cloudwatch/logGroup:LogGroup", "name"): r"[.\-_/#A-Za-z0-9]{1,512}",
    ("aws:kms/alias:Alias", "name"): r"alias/(?!aws/)[a-zA-Z0-9/_-]{1,250}",
    ("aws:arcregionswitch/plan:Plan", "name"): r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?",
    ("aws:route53recoverycontrol/cluster:Cluster", "name"): r"\S{1,64}",
    ("aws:route53recoverycontrol/controlPanel:ControlPanel", "name"): r"\S{1,64}",
    ("aws:route53recoverycontrol/routingControl:RoutingControl", "name"): r"\S{1,64}",
    ("aws:route53recoverycontrol/safetyRule:SafetyRule", "name"): r"\S{1,64}",
    ("aws:ec2/securityGroup:SecurityGroup", "name"): r"(?!sg-)[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}",
    ("aws:ec2/launchTemplate:LaunchTemplate", "name"): r"[a-zA-Z0-9().\-/_]{3,128}",
    ("aws:autoscaling/group:Group", "name"): r"[^:]{1,255}",
}


@pytest.fixture(scope="module")
def stacks() -> list[Declared]:
    long = configuration("prod", regions=LONG_REGIONS, activeRegion="ap-southeast-2")
    return [declare("prod"), declare("dev"), declare(LONG_STACK, long)]


def test_every_physical_name_is_one_that_its_service_takes(stacks: list[Declared]) -> None:
    seen = set()
    for declared in stacks:
        for resource in declared.resources:
            for (kind, key), pattern in PATTERNS.items():
                if resource.type == kind:
                    seen.add((kind, key))
                    assert re.fullmatch(pattern, resource.inputs[key]), f"{resource.name}: {resource.inputs[key]}"
    assert seen == set(PATTERNS)


def test_no_two_resources_of_a_kind_share_a_physical_name_where_it_would_clash(stacks: list[Declared]) -> None:
    everywhere = ("aws:iam/role:Role", "aws:s3/bucket:Bucket", "aws:rds/cluster:Cluster", "aws:cognito/userPoolDomain:UserPoolDomain")
    for declared in stacks:
        for kind, key in PATTERNS:
            names = Counter((None if kind in everywhere else each.region, each.inputs[key]) for each in declared.of(kind))
            assert all(count == 1 for count in names.values()), names


def test_rules_of_acls_and_security_groups_stay_within_their_quotas(stacks: list[Declared]) -> None:
    for declared in stacks:
        for acl in declared.of("aws:ec2/networkAcl:NetworkAcl"):
            assert len(acl.inputs["ingress"]) <= 20
            assert len(acl.inputs["egress"]) <= 20
        for kind in ("SecurityGroupIngressRule", "SecurityGroupEgressRule"):
            per_group = Counter(rule.inputs["securityGroupId"] for rule in declared.of(kind))
            assert max(per_group.values()) <= 60


def test_listener_rules_hold_at_most_five_values(stacks: list[Declared]) -> None:
    for declared in stacks:
        for rule in declared.of("ListenerRule"):
            values = [value for condition in rule.inputs["conditions"] for part in condition.values() for value in part.get("values", [])]
            assert len(values) <= 5


def test_alarms_look_at_ten_metrics_at_most(stacks: list[Declared]) -> None:
    for declared in stacks:
        for alarm in declared.of("MetricAlarm"):
            assert sum("metric" in query for query in alarm.inputs.get("metricQueries", [])) <= 10


def test_policies_fit_their_services(stacks: list[Declared]) -> None:
    # characters: IAM inline policy of a role 10,240; trust policy 2,048; Secrets Manager 20,480; KMS 32,768; logs 5,120
    limits = {
        ("aws:iam/rolePolicy:RolePolicy", "policy"): 10_240,
        ("aws:iam/role:Role", "assumeRolePolicy"): 2_048,
        ("aws:secretsmanager/secretPolicy:SecretPolicy", "policy"): 20_480,
        ("aws:kms/key:Key", "policy"): 32_768,
        ("aws:kms/replicaKey:ReplicaKey", "policy"): 32_768,
        ("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "policyDocument"): 5_120,
    }
    for declared in stacks:
        for (kind, key), limit in limits.items():
            for resource in declared.of(kind):
                assert len(resource.inputs[key]) <= limit, resource.name
