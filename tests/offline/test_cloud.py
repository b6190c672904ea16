"""What the simulated cloud answers is well-formed, belongs together, and names only properties that the SDK has."""

import importlib
import keyword
import re
from pathlib import Path
from typing import Any

import pytest
from pulumi import _types as sdk_types

from mastertrade.offline import UNKNOWN, Evaluation, Mode, ProgramError, Resource, Secret, evaluate
from mastertrade.offline.cloud import SIMULATIONS, Declaration, create
from mastertrade.offline.evaluation import PROVIDER_PREFIX
from mastertrade.offline.schema import schema_of
from tests.offline.programs import project

AWS = """
policy = '{"Version": "2012-10-17", "Statement": []}'
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=there)
address = aws.ec2.Eip("address", domain="vpc", opts=there)
subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", availability_zone_id="use1-az4", opts=there)
aws.ec2.NatGateway("nat", subnet_id=subnet.id, allocation_id=address.allocation_id, opts=there)
aws.ec2.DefaultSecurityGroup("default", vpc_id=vpc.id, opts=there)
aws.ec2.DefaultRouteTable("default", default_route_table_id=vpc.default_route_table_id, opts=there)
aws.ec2.VpcEndpoint("endpoint", vpc_id=vpc.id, service_name="com.amazonaws.us-east-1.sqs", vpc_endpoint_type="Interface",
    subnet_ids=[subnet.id], opts=there)
key = aws.kms.Key("key", multi_region=True, opts=there)
aws.kms.Key("single", opts=there)
away = pulumi.ResourceOptions(provider=aws.Provider("away", region="eu-west-1", allowed_account_ids=["210987654321"]))
aws.kms.ReplicaKey("replica", primary_key_arn=key.arn, opts=away)
aws.rds.Cluster("db", cluster_identifier="trade", engine="aurora-postgresql", manage_master_user_password=True, opts=there)
aws.elasticache.ReplicationGroup("cache", replication_group_id="fast", description="d", num_node_groups=2,
    replicas_per_node_group=1, opts=there)
aws.mq.Broker("broker", broker_name="b", engine_type="RabbitMQ", engine_version="3.13", host_instance_type="mq.m7g.medium",
    users=[{"username": "u", "password": "p" * 12}], opts=there)
secret = aws.secretsmanager.Secret("secret", name="platform/word", opts=there)
word = random.RandomPassword("word", length=32, special=True, override_special="-_", min_numeric=4)
aws.secretsmanager.SecretVersion("secret", secret_id=secret.id, secret_string=word.result, opts=there)
balancer = aws.lb.LoadBalancer("entry", load_balancer_type="application", subnets=[subnet.id], opts=there)
listener = aws.lb.Listener("entry", load_balancer_arn=balancer.arn, port=80, default_actions=[{"type": "redirect", "redirect":
    {"status_code": "HTTP_301", "protocol": "HTTPS", "port": "443"}}], opts=there)
certificate = aws.acm.Certificate("cert", domain_name="a.example", subject_alternative_names=["b.a.example"],
    validation_method="DNS", opts=there)
option = certificate.domain_validation_options[1]
aws.route53.Record("cert", zone_id="Z1", name=option.resource_record_name, type=option.resource_record_type,
    records=[option.resource_record_value], ttl=60, opts=there)
pulumi.export("bucket", aws.s3.Bucket("logs", opts=there).bucket_regional_domain_name)
"""


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return evaluate(project(tmp_path_factory.mktemp("cloud"), AWS), "dev")


@pytest.fixture
def of(evaluation: Evaluation):
    def find(type_: str, name: str) -> Resource:
        return next(each for each in evaluation.resources if each.type.endswith(f":{type_}") and each.name == name)

    return find


def test_nothing_is_refused(evaluation: Evaluation) -> None:
    assert evaluation.error is None


def test_gateway_has_the_address_of_its_allocation(of: Any) -> None:
    assert of("NatGateway", "nat").outputs["publicIp"] == of("Eip", "address").outputs["publicIp"]


def test_what_a_vpc_is_born_with_is_what_others_adopt(of: Any) -> None:
    vpc = of("Vpc", "vpc").outputs
    assert of("DefaultSecurityGroup", "default").id == vpc["defaultSecurityGroupId"]
    assert of("DefaultRouteTable", "default").id == vpc["defaultRouteTableId"]


def test_replica_has_its_primarys_key_id_in_its_own_region(of: Any) -> None:
    key, replica = of("Key", "key"), of("ReplicaKey", "replica")
    assert re.fullmatch(r"mrk-[0-9a-f]{32}", key.id)
    assert replica.outputs["arn"] == key.outputs["arn"].replace("us-east-1", "eu-west-1")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", of("Key", "single").id)


@pytest.mark.parametrize(
    ("type_", "name", "path", "pattern"),
    [
        ("Subnet", "subnet", "availabilityZone", r"us-east-1d"),
        ("Vpc", "vpc", "arn", r"arn:aws:ec2:us-east-1:210987654321:vpc/vpc-[0-9a-f]{17}"),
        ("VpcEndpoint", "endpoint", "dnsEntries.0.dnsName", r"vpce-[0-9a-f]{17}-\w{8}\.sqs\.us-east-1\.vpce\.amazonaws\.com"),
        ("VpcEndpoint", "endpoint", "networkInterfaceIds.0", r"eni-[0-9a-f]{17}"),
        ("Cluster", "db", "endpoint", r"trade\.cluster-\w{12}\.us-east-1\.rds\.amazonaws\.com"),
        ("Cluster", "db", "readerEndpoint", r"trade\.cluster-ro-\w{12}\.us-east-1\.rds\.amazonaws\.com"),
        (
            "Cluster",
            "db",
            "masterUserSecrets.0.secretArn",
            r"arn:aws:secretsmanager:us-east-1:210987654321:secret:rds!cluster-.*-[0-9a-f]{6}",
        ),
        ("ReplicationGroup", "cache", "configurationEndpointAddress", r"clustercfg\.fast\.\w{6}\.use1\.cache\.amazonaws\.com"),
        ("ReplicationGroup", "cache", "memberClusters.3", r"fast-0002-002"),
        ("Broker", "broker", "instances.0.endpoints.0", r"amqps://b-[0-9a-f-]{36}\.mq\.us-east-1\.on\.aws:5671"),
        ("Secret", "secret", "arn", r"arn:aws:secretsmanager:us-east-1:210987654321:secret:platform/word-\w{6}"),
        ("LoadBalancer", "entry", "dnsName", r"entry-[0-9a-f]{7}-\d{10}\.us-east-1\.elb\.amazonaws\.com"),
        ("Listener", "entry", "arn", r"arn:aws:elasticloadbalancing:us-east-1:210987654321:listener/app/entry-[0-9a-f]{7}/\w{16}/\w{16}"),
        ("Record", "cert", "name", r"_[0-9a-f]{32}\.b\.a\.example\."),
    ],
)
def test_formats(of: Any, type_: str, name: str, path: str, pattern: str) -> None:
    value: Any = of(type_, name).outputs
    for part in path.split("."):
        value = value[int(part) if part.isdigit() else part]
    assert re.fullmatch(pattern, value)


def test_port_is_the_engines(of: Any) -> None:
    assert of("Cluster", "db").outputs["port"] == 5432


def test_random_password_is_secret_and_obeys_its_arguments(of: Any) -> None:
    result = of("RandomPassword", "word").outputs["result"]
    assert isinstance(result, Secret)
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", result.value)
    assert sum(character.isdigit() for character in result.value) >= 4


def test_nothing_that_nobody_declared_looks_declared(of: Any) -> None:
    """A policy that looks at outputs must not find an encryption key, a role or a log target out of thin air."""
    assert of("Cluster", "db").outputs["kmsKeyId"] == ""
    assert of("Cluster", "db").outputs["storageEncrypted"] is False
    assert of("Secret", "secret").outputs.get("kmsKeyId") is None


@pytest.mark.parametrize("type_", sorted(type_ for type_ in SIMULATIONS if not type_.startswith(PROVIDER_PREFIX)))
def test_simulation_knows_only_properties_of_its_type(type_: str) -> None:
    package, module, name = type_.split(":")
    folder = module.split("/")[0]
    folder = f"{folder}_" if keyword.iskeyword(folder) else folder
    class_ = getattr(importlib.import_module(f"pulumi_{package}.{folder}" if package == "aws" else f"pulumi_{package}"), name)
    schema = schema_of(type_)
    assert schema is not None
    _, outputs = create(Declaration("urn", type_, "x", {}, "us-east-1", "123456789012", "p", "s", {}), schema)
    known = sdk_types.resource_types(class_)
    assert set(outputs) <= set(known)


def test_identifiers_depend_on_nothing_but_the_declaration(evaluation: Evaluation, tmp_path: Path) -> None:
    again = evaluate(project(tmp_path, "random.RandomUuid('first of all')\n" + AWS), "dev")
    ids = {each.urn: (each.id, each.outputs) for each in again.resources if each.custom}
    assert all(ids[each.urn] == (each.id, each.outputs) for each in evaluation.resources if each.custom)


@pytest.mark.parametrize("mode", list(Mode))
def test_kubernetes_objects_are_named_before_they_exist(tmp_path: Path, mode: Mode) -> None:
    program = """
    import pulumi_kubernetes as k8s
    cluster = pulumi.ResourceOptions(provider=k8s.Provider("cluster", kubeconfig="{}"))
    space = k8s.core.v1.Namespace("space", metadata={"name": "trading"}, opts=cluster)
    config = k8s.core.v1.ConfigMap("rules", metadata={"namespace": space.metadata.name}, data={"a": "b"}, opts=cluster)
    own = k8s.apiextensions.CustomResource("own", api_version="example.com/v1", kind="Own", metadata={"name": "own"}, spec={}, opts=cluster)
    pulumi.export("name", config.metadata["name"])
    pulumi.export("id", config.id)
    """
    outputs = evaluate(project(tmp_path, program), "dev", mode=mode).outputs
    assert re.fullmatch("rules-[0-9a-f]{8}", outputs["name"])
    assert outputs["id"] == (UNKNOWN if mode is Mode.FIRST else f"trading/{outputs['name']}")


def test_kubernetes_objects_are_checked(tmp_path: Path) -> None:
    program = """
    import pulumi_kubernetes as k8s
    cluster = pulumi.ResourceOptions(provider=k8s.Provider("cluster", kubeconfig="{}"))
    k8s.core.v1.Pod("pod", metadata={}, spec={"containers": [{"name": "a", "image": "b", "portz": []}]}, opts=cluster)
    """
    with pytest.raises(ProgramError, match=r"no property 'spec\.containers\[0\]\.portz', did you mean 'ports'\?"):
        evaluate(project(tmp_path, program), "dev")
