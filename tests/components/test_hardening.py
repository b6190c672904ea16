"""What is off by default, or costs nothing to switch off, and must be on."""

import pytest

from tests.declared import Declared, declare, document

REGIONS = ("us-east-1", "us-west-2")


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def test_database_is_encrypted_at_rest_in_every_region_and_as_a_whole(prod: Declared) -> None:
    for member in (prod.one("GlobalCluster"), *prod.of("aws:rds/cluster:Cluster")):
        assert member.inputs["storageEncrypted"] is True


def test_statements_that_insights_keep_are_encrypted_like_the_data(prod: Declared) -> None:
    for cluster in prod.of("aws:rds/cluster:Cluster"):
        assert cluster.inputs["performanceInsightsKmsKeyId"] == cluster.inputs["kmsKeyId"]


def test_password_that_aws_manages_is_encrypted_with_the_key_for_secrets() -> None:
    dev = declare("dev")
    (key,) = {secret.inputs["kmsKeyId"] for secret in dev.of("aws:secretsmanager/secret:Secret")}
    assert dev.one("aws:rds/cluster:Cluster").inputs["masterUserSecretKmsKeyId"] == key


def test_clusters_of_valkey_speak_tls(prod: Declared) -> None:
    for cluster in prod.of("ReplicationGroup"):
        assert cluster.inputs["transitEncryptionEnabled"] is True


def test_no_database_instance_has_a_public_address(prod: Declared) -> None:
    for instance in prod.of("ClusterInstance"):
        assert instance.inputs["publiclyAccessible"] is False


def test_no_subnet_hands_out_public_addresses(prod: Declared) -> None:
    for subnet in prod.of("Subnet"):
        assert not subnet.inputs.get("mapPublicIpOnLaunch")


def test_proxy_logs_no_text_of_statements(prod: Declared) -> None:
    for proxy in prod.of("Proxy"):
        assert not proxy.inputs.get("debugLogging")


def test_versions_that_the_settings_pin_are_not_moved_by_aws(prod: Declared) -> None:
    for pinned in (*prod.of("ClusterInstance"), *prod.of("ReplicationGroup")):
        assert pinned.inputs["autoMinorVersionUpgrade"] is False


def test_every_log_group_forgets_in_its_time(prod: Declared) -> None:
    for group in prod.of("LogGroup"):
        assert 30 <= group.inputs["retentionInDays"] <= 400


def test_every_bucket_is_closed_to_the_public_in_all_four_ways(prod: Declared) -> None:
    for bucket in prod.of("aws:s3/bucket:Bucket"):
        (block,) = [each.inputs for each in prod.of("BucketPublicAccessBlock") if each.inputs["bucket"] == bucket.id]
        for way in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
            assert block[way] is True, way


def test_buckets_of_load_balancers_encrypt_with_the_one_key_that_those_may_use(prod: Declared) -> None:
    for bucket in (prod.one("aws:s3/bucket:Bucket", region, f"{region}-entry-logs") for region in REGIONS):
        (encryption,) = [each for each in prod.of("BucketServerSideEncryptionConfiguration") if each.inputs["bucket"] == bucket.id]
        (rule,) = encryption.inputs["rules"]
        assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_every_object_belongs_to_the_account_whoever_delivered_it(prod: Declared) -> None:
    for bucket in prod.of("aws:s3/bucket:Bucket"):
        (control,) = [each for each in prod.of("BucketOwnershipControls") if each.inputs["bucket"] == bucket.id]
        assert control.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_an_overwritten_log_can_be_brought_back(prod: Declared) -> None:
    for bucket in prod.of("aws:s3/bucket:Bucket"):
        (versioning,) = [each for each in prod.of("BucketVersioning") if each.inputs["bucket"] == bucket.id]
        assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}


def test_logs_of_the_entry_are_kept_as_long_in_the_bucket_as_in_the_firewalls_group(prod: Declared) -> None:
    for region in REGIONS:
        (expiry,) = [
            rule["expiration"]["days"] for rule in prod.one("BucketLifecycleConfiguration", region, f"{region}-entry-logs").inputs["rules"]
        ]
        assert expiry == prod.one("LogGroup", region, name=f"{region}-firewall").inputs["retentionInDays"]


def test_topics_and_buckets_refuse_plain_http(prod: Declared) -> None:
    for region in REGIONS:
        policies = [
            (prod.one("TopicPolicy", region, topic.name), {topic.outputs["arn"]}, "sns:Publish")
            for topic in prod.of("aws:sns/topic:Topic", region)
        ]
        for bucket in prod.of("aws:s3/bucket:Bucket", region):
            arn = bucket.outputs["arn"]
            policies.append((prod.one("BucketPolicy", region, bucket.name), {arn, f"{arn}/*"}, "s3:*"))
        assert len(policies) > 3
        for policy, resources, action in policies:
            statements = document(policy.inputs["policy"])["Statement"]
            (refusal,) = [each for each in statements if each["Effect"] == "Deny" and "Bool" in each["Condition"]]
            assert refusal["Principal"] == "*"
            assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            assert (set(refusal["Resource"]), refusal["Action"]) == (resources, [action])


def test_operations_host_gives_credentials_to_no_forged_request(prod: Declared) -> None:
    for template in prod.of("LaunchTemplate"):
        options = template.inputs["metadataOptions"]
        assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_operations_host_encrypts_its_disk(prod: Declared) -> None:
    for template in prod.of("LaunchTemplate"):
        assert [each["ebs"]["encrypted"] for each in template.inputs["blockDeviceMappings"]] == ["true"]


def test_operations_host_stands_in_the_management_segment_without_a_key_or_an_address(prod: Declared) -> None:
    for region in REGIONS:
        subnets = prod.one("aws:autoscaling/group:Group", region).inputs["vpcZoneIdentifiers"]
        assert {prod.with_id(subnet).inputs["tags"]["mastertrade:segment"] for subnet in subnets} == {"management"}
        assert not prod.one("LaunchTemplate", region).inputs.keys() & {"keyName", "networkInterfaces"}


def test_operations_host_is_off_until_somebody_starts_it_and_never_grows_old(prod: Declared) -> None:
    for group in prod.of("aws:autoscaling/group:Group"):
        assert (group.inputs["desiredCapacity"], group.inputs["minSize"]) == (0, 0)
        assert group.ignore_changes == ("desiredCapacity",), "an update would stop a host that is in use"
        assert group.inputs["maxInstanceLifetime"] <= 7 * 86_400


def test_load_balancer_refuses_requests_that_it_and_a_service_might_read_differently(prod: Declared) -> None:
    for balancer in prod.of("aws:lb/loadBalancer:LoadBalancer"):
        assert balancer.inputs["dropInvalidHeaderFields"] is True
        assert balancer.inputs["desyncMitigationMode"] == "strictest"


def test_load_balancer_lets_nothing_through_while_the_firewall_is_away(prod: Declared) -> None:
    for balancer in prod.of("aws:lb/loadBalancer:LoadBalancer"):
        assert not balancer.inputs.get("enableWafFailOpen")


def test_browsers_are_told_to_stay_with_tls_for_a_year(prod: Declared) -> None:
    for listener in prod.of("aws:lb/listener:Listener"):
        if listener.inputs["protocol"] == "HTTPS":
            age, *also = listener.inputs["routingHttpResponseStrictTransportSecurityHeaderValue"].split("; ")
            assert int(age.removeprefix("max-age=")) >= 31_536_000
            assert "includeSubDomains" in also


def test_answers_do_not_say_what_serves_them(prod: Declared) -> None:
    for listener in prod.of("aws:lb/listener:Listener"):
        if listener.inputs["protocol"] == "HTTPS":
            assert listener.inputs["routingHttpResponseServerEnabled"] is False


def test_firewall_enforces_every_managed_rule_but_the_two_that_traders_would_trip(prod: Declared) -> None:
    for acl in prod.of("WebAcl"):
        counted = set()
        for rule in acl.inputs["rules"]:
            if "managedRuleGroupStatement" in rule["statement"]:
                assert rule["overrideAction"] == {"none": {}}
                counted |= {each["name"] for each in rule["statement"]["managedRuleGroupStatement"].get("ruleActionOverrides", [])}
        assert counted == {"HostingProviderIPList", "SizeRestrictions_BODY"}


@pytest.mark.parametrize("threat", ["AmazonIpReputationList", "KnownBadInputsRuleSet", "CommonRuleSet", "SQLiRuleSet"])
def test_firewall_knows_the_common_attacks(prod: Declared, threat: str) -> None:
    for acl in prod.of("WebAcl"):
        assert f"AWSManagedRules{threat}" in {rule["name"] for rule in acl.inputs["rules"]}


def test_whoever_asks_too_often_is_refused_and_told_when_to_come_back(prod: Declared) -> None:
    for acl in prod.of("WebAcl"):
        (rule,) = [each for each in acl.inputs["rules"] if "rateBasedStatement" in each["statement"]]
        answer = rule["action"]["block"]["customResponse"]
        assert answer["responseCode"] == 429
        assert {"name": "Retry-After", "value": str(rule["statement"]["rateBasedStatement"]["evaluationWindowSec"])} in answer[
            "responseHeaders"
        ]


def test_sampled_requests_hide_what_the_firewalls_logs_hide(prod: Declared) -> None:
    for region in REGIONS:
        logged = prod.one("WebAclLoggingConfiguration", region).inputs["redactedFields"]
        protections = prod.one("WebAcl", region).inputs["dataProtectionConfig"]["dataProtections"]
        sampled = {key for each in protections for key in each["field"]["fieldKeys"]}
        assert {field["singleHeader"]["name"] for field in logged} == sampled


def test_operators_have_a_second_factor_to_use(prod: Declared) -> None:
    for pool in prod.of("UserPool"):
        assert pool.inputs["softwareTokenMfaConfiguration"] == {"enabled": True}


def test_operators_passwords_are_long(prod: Declared) -> None:
    for pool in prod.of("UserPool"):
        assert pool.inputs["passwordPolicy"]["minimumLength"] >= 14


def test_tokens_of_operators_never_travel_in_an_address(prod: Declared) -> None:
    for client in prod.of("UserPoolClient"):
        assert client.inputs["allowedOauthFlows"] == ["code"]


def test_what_aws_gives_back_of_a_secret_stays_secret(prod: Declared) -> None:
    for kind, key in (("SecretVersion", "secretString"), ("UserPoolClient", "clientSecret"), ("Broker", "users")):
        assert prod.of(kind)
        for resource in prod.of(kind):
            assert key in resource.additional_secret_outputs


def test_broker_is_never_replaced_for_a_password_that_aws_does_not_give_back(prod: Declared) -> None:
    for broker in prod.of("Broker"):
        assert "users" in broker.ignore_changes


def test_broker_writes_a_log(prod: Declared) -> None:
    for broker in prod.of("Broker"):
        assert broker.inputs["logs"]["general"] is True


def test_valkey_logs_its_engine_and_its_slow_commands(prod: Declared) -> None:
    for cluster in prod.of("ReplicationGroup"):
        assert {each["logType"] for each in cluster.inputs["logDeliveryConfigurations"]} == {"engine-log", "slow-log"}


def test_every_connection_of_a_vpc_is_logged_taken_or_refused(prod: Declared) -> None:
    for region in REGIONS:
        log = prod.one("FlowLog", region).inputs
        assert (log["vpcId"], log["trafficType"]) == (prod.one("Vpc", region).id, "ALL")
        assert log["logDestination"] in {group.outputs["arn"] for group in prod.of("LogGroup", region)}


def test_providers_refuse_every_account_but_the_stacks(prod: Declared) -> None:
    assert len(prod.of("pulumi:providers:aws")) == 1 + len(REGIONS)
    for provider in prod.of("pulumi:providers:aws"):
        assert document(provider.inputs["allowedAccountIds"]) == ["123456789012"]


def test_every_bill_and_every_finding_names_the_stack(prod: Declared) -> None:
    for provider in prod.of("pulumi:providers:aws"):
        tags = document(provider.inputs["defaultTags"])["tags"]
        assert tags == {"Project": "mastertrade", "Stack": "prod", "Environment": "prod", "ManagedBy": "pulumi"}
