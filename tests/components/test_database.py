"""The database: spread, encrypted, pooled, and indifferent to which region is the writer."""

import pytest

from tests.declared import Declared, configuration, declare, document

REGIONS = ("us-east-1", "us-west-2")
CLUSTER = "aws:rds/cluster:Cluster"


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def test_instances_of_a_region_stand_in_different_zones(prod: Declared) -> None:
    for region in REGIONS:
        zones = [each.inputs["availabilityZone"] for each in prod.of("ClusterInstance", region)]
        assert len(zones) >= 2
        assert len(set(zones)) == len(zones)


def test_writer_exists_before_its_readers_and_before_the_standby(prod: Declared) -> None:
    first, *readers = prod.of("ClusterInstance", "us-east-1")
    assert all(first.urn in reader.dependencies for reader in readers)
    assert first.urn in prod.one(CLUSTER, "us-west-2").dependencies


def test_backup_starts_at_two_and_is_kept_thirty_days_in_every_region(prod: Declared) -> None:
    for region in REGIONS:
        cluster = prod.one(CLUSTER, region).inputs
        assert cluster["preferredBackupWindow"].startswith("02:00-")
        assert cluster["backupRetentionPeriod"] == 30
        assert cluster["deleteAutomatedBackups"] is False
        assert cluster["skipFinalSnapshot"] is False


def test_every_member_speaks_tls_only_and_logs_statements_over_fifty_milliseconds(prod: Declared) -> None:
    groups = {group.inputs["name"]: group.inputs["parameters"] for group in prod.of("ClusterParameterGroup")}
    for region in REGIONS:
        parameters = {each["name"]: each["value"] for each in groups[prod.one(CLUSTER, region).inputs["dbClusterParameterGroupName"]]}
        assert parameters["rds.force_ssl"] == "1"
        assert parameters["log_min_duration_statement"] == "50"


def test_blocking_commits_is_a_setting_and_reaches_every_member() -> None:
    declared = declare("prod", configuration("prod", database={"data_loss": {"block_commits_after_seconds": 40}}))
    groups = declared.of("ClusterParameterGroup")
    assert len(groups) == 2
    for group in groups:
        assert {"name": "rds.global_db_rpo", "value": "40", "applyMethod": "immediate"} in group.inputs["parameters"]


def test_swapped_roles_would_change_nothing_on_any_member(prod: Declared) -> None:
    reported_after_a_failover = {
        "replicationSourceIdentifier",
        "globalClusterIdentifier",
        "engineVersion",
        "masterUsername",
        "masterPassword",
    }
    for region in REGIONS:
        cluster = prod.one(CLUSTER, region)
        assert reported_after_a_failover <= set(cluster.ignore_changes)
    members = [prod.one(CLUSTER, region).inputs for region in REGIONS]
    differing = {key for key in {*members[0], *members[1]} if members[0].get(key) != members[1].get(key)}
    regional = {
        "clusterIdentifier",
        "dbClusterParameterGroupName",
        "dbSubnetGroupName",
        "finalSnapshotIdentifier",
        "kmsKeyId",
        "monitoringRoleArn",
        "performanceInsightsKmsKeyId",
        "vpcSecurityGroupIds",
    }
    assert differing - regional == {"databaseName", "masterUsername", "masterPassword", "sourceRegion"}
    assert differing - regional <= {*reported_after_a_failover, *prod.one(CLUSTER, "us-east-1").ignore_changes}


def test_services_write_and_read_through_endpoints_that_span_all_zones(prod: Declared) -> None:
    for region in REGIONS:
        data_subnets = prod.one("aws:rds/subnetGroup:SubnetGroup", region).inputs["subnetIds"]
        roles = {each.inputs["targetRole"]: each.inputs["vpcSubnetIds"] for each in prod.of("ProxyEndpoint", region)}
        assert roles == {"READ_WRITE": data_subnets, "READ_ONLY": data_subnets}
        assert prod.one("Proxy", region).inputs["requireTls"] is True


def test_proxy_signs_in_as_users_of_its_own_cluster_only(prod: Declared) -> None:
    for region in REGIONS:
        resource_id = prod.one(CLUSTER, region).outputs["clusterResourceId"]
        policy = document(prod.one("RolePolicy", region, name=f"{region}-database-proxy").inputs["policy"])
        (statement,) = policy["Statement"]
        assert statement["Action"] == ["rds-db:connect"]
        assert all(f":dbuser:{resource_id}/" in arn and "*" not in arn for arn in statement["Resource"])


def test_lag_beyond_half_a_minute_reaches_the_operators_of_that_region(prod: Declared) -> None:
    for region in REGIONS:
        alarm = prod.one("MetricAlarm", region, name=f"{region}-database-replication-lag").inputs
        assert alarm["threshold"] == 30_000
        assert alarm["alarmActions"] == [prod.one("aws:sns/topic:Topic", region, f"{region}-alarms-critical").outputs["arn"]]


def test_development_database_is_serverless_and_pauses() -> None:
    dev = declare("dev")
    cluster = dev.one(CLUSTER)
    assert cluster.inputs["serverlessv2ScalingConfiguration"]["minCapacity"] == 0
    assert {each.inputs["instanceClass"] for each in dev.of("ClusterInstance")} == {"db.serverless"}
    assert not dev.of("Proxy"), "a proxy keeps connections open"
    assert not dev.of("GlobalCluster"), "a member of a global database never pauses"


def test_master_password_is_managed_by_aws_where_aws_offers_it() -> None:
    assert declare("dev").one(CLUSTER).inputs["manageMasterUserPassword"] is True
    assert "manageMasterUserPassword" not in declare("prod").one(CLUSTER, "us-east-1").inputs


def test_log_groups_exist_before_the_cluster_writes_to_them(prod: Declared) -> None:
    for region in REGIONS:
        cluster = prod.one(CLUSTER, region)
        for export in cluster.inputs["enabledCloudwatchLogsExports"]:
            name = f"/aws/rds/cluster/{cluster.inputs['clusterIdentifier']}/{export}"
            (group,) = [each for each in prod.of("LogGroup", region) if each.inputs["name"] == name]
            assert group.urn in cluster.dependencies


def test_slow_statements_and_refused_sign_ins_leave_the_database(prod: Declared) -> None:
    for region in REGIONS:
        assert {"postgresql", "iam-db-auth-error"} <= set(prod.one(CLUSTER, region).inputs["enabledCloudwatchLogsExports"])


def parameters(declared: Declared) -> list[dict[str, str]]:
    """Of every member's parameter group."""
    return [{each["name"]: each["value"] for each in group.inputs["parameters"]} for group in declared.of("ClusterParameterGroup")]


def test_changes_of_schema_and_rights_are_audited(prod: Declared) -> None:
    for each in parameters(prod):
        assert "pgaudit" in each["shared_preload_libraries"].split(",")
        assert each["pgaudit.log"] == "ddl,role"


def test_logged_statements_show_no_values(prod: Declared) -> None:
    for each in parameters(prod):
        assert each["log_parameter_max_length"] == "0"


def test_no_forgotten_transaction_holds_its_locks_for_longer_than_a_minute(prod: Declared) -> None:
    for each in parameters(prod):
        assert 0 < int(each["idle_in_transaction_session_timeout"]) <= 60_000
