"""Controls of public addresses and endpoints: nothing but the load balancer has one."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from mastertrade.values import UNKNOWN, revealed
from policies.engine.addresses import covers_world, networks
from policies.engine.blocks import Block, MisshapenError, UnknownValueError
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["ENDPOINTS"]

# Of each type: the switch of its public address, and what it is where it is absent.
_DATABASES: dict[str, tuple[str, bool]] = {
    "aws:rds/instance:Instance": ("publiclyAccessible", False),
    "aws:rds/clusterInstance:ClusterInstance": ("publiclyAccessible", False),
    "aws:rds/shardGroup:ShardGroup": ("publiclyAccessible", False),
    "aws:neptune/clusterInstance:ClusterInstance": ("publiclyAccessible", False),
    "aws:neptunegraph/graph:Graph": ("publicConnectivity", False),
    "aws:redshift/cluster:Cluster": ("publiclyAccessible", False),
    "aws:redshiftserverless/workgroup:Workgroup": ("publiclyAccessible", False),
    "aws:timestreaminfluxdb/dbInstance:DbInstance": ("publiclyAccessible", False),
    "aws:timestreaminfluxdb/dbCluster:DbCluster": ("publiclyAccessible", False),
    "aws:lightsail/database:Database": ("publiclyAccessible", False),
    # the API's default is true, the provider sends false
    "aws:dms/replicationInstance:ReplicationInstance": ("publiclyAccessible", False),
    "aws:dms/instanceProfile:InstanceProfile": ("publiclyAccessible", True),
    "aws:mq/broker:Broker": ("publiclyAccessible", False),
}
_RDS_CLUSTER = "aws:rds/cluster:Cluster"
_INSTANCES: dict[str, tuple[str, bool]] = {
    "aws:ec2/instance:Instance": ("associatePublicIpAddress", False),
    "aws:ec2/launchConfiguration:LaunchConfiguration": ("associatePublicIpAddress", False),
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": ("associatePublicIpAddress", False),
    "aws:m2/environment:Environment": ("publiclyAccessible", False),
    "aws:drs/replicationConfigurationTemplate:ReplicationConfigurationTemplate": ("createPublicIp", False),
}
_SUBNETS: dict[str, tuple[str, bool]] = {
    "aws:ec2/subnet:Subnet": ("mapPublicIpOnLaunch", False),
    # https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/default_subnet
    "aws:ec2/defaultSubnet:DefaultSubnet": ("mapPublicIpOnLaunch", True),
}
_DESKTOPS: dict[str, tuple[str, bool]] = {
    "aws:workspaces/directory:Directory": ("workspaceCreationProperties.enableInternetAccess", False),
    "aws:appstream/fleet:Fleet": ("enableDefaultInternetAccess", False),
    "aws:appstream/imageBuilder:ImageBuilder": ("enableDefaultInternetAccess", False),
}


def _off(switches: Mapping[str, tuple[str, bool]]) -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        path, default = switches[resource.type]
        if resource.flag(path, default=default):
            yield Finding(path, "false")

    return judge


def _database(resource: Resource) -> Findings:
    if resource.type != _RDS_CLUSTER:
        yield from _off(_DATABASES)(resource)
        return
    # of clusters of Aurora the instances say it; one of three instances has no others, and is public where it is in no subnet group
    default = resource.has("dbClusterInstanceClass") and resource.text("dbSubnetGroupName", "default") == "default"
    if resource.flag("publiclyAccessible", default=default):
        yield Finding("publiclyAccessible", "false")


def _kafka(resource: Resource) -> Findings:
    path = "brokerNodeGroupInfo.connectivityInfo.publicAccess.type"
    if resource.text(path, "DISABLED").upper() != "DISABLED":
        yield Finding(path, "DISABLED")


def _control_plane(resource: Resource) -> Findings:
    if resource.flag("vpcConfig.endpointPublicAccess", default=True):
        ranges = resource.texts("vpcConfig.publicAccessCidrs") or ("0.0.0.0/0",)
        if covers_world(networks(ranges, "vpcConfig.publicAccessCidrs")):
            yield Finding(
                "vpcConfig.endpointPublicAccess", "false, or publicAccessCidrs with named ranges", found="an endpoint open to the world"
            )


_INTERFACES = {
    "aws:ec2/launchTemplate:LaunchTemplate": "networkInterfaces",
    "aws:ec2/spotFleetRequest:SpotFleetRequest": "launchSpecifications",
}


def _template(resource: Resource) -> Findings:
    path = _INTERFACES[resource.type]
    for number, interface in enumerate(resource.blocks(path)):
        if interface.flag("associatePublicIpAddress"):
            yield Finding(f"{path}.{number}.associatePublicIpAddress", "false")


_ADDRESSED = {
    "aws:ec2/eip:Eip": ("instance", "networkInterface"),
    "aws:ec2/eipAssociation:EipAssociation": ("instanceId", "networkInterfaceId"),
}


def _elastic_address(resource: Resource) -> Findings:
    for path in _ADDRESSED[resource.type]:
        if resource.has(path):
            yield Finding(path, "nothing: addresses are for NAT gateways and load balancers")


_TASKS = {
    "aws:ecs/service:Service": "networkConfiguration.assignPublicIp",
    "aws:ecs/taskSet:TaskSet": "networkConfiguration.assignPublicIp",
    "aws:cloudwatch/eventTarget:EventTarget": "ecsTarget.networkConfiguration.assignPublicIp",
    "aws:scheduler/schedule:Schedule": "target.ecsParameters.networkConfiguration.assignPublicIp",
    "aws:pipes/pipe:Pipe": "targetParameters.ecsTaskParameters.networkConfiguration.awsVpcConfiguration.assignPublicIp",
}


def _task(resource: Resource) -> Findings:
    path = _TASKS[resource.type]
    if _is_on(resource.value(path)):
        yield Finding(path, "false")


def _is_on(value: Any) -> bool:
    return str(value).lower() in ("enabled", "true", "1")


def _job(resource: Resource) -> Findings:
    for path in ("containerProperties", "ecsProperties", "nodeProperties"):
        if any(_is_on(value) for value in _under("assignpublicip", _parsed(resource, path))):
            yield Finding(path, "networkConfiguration with assignPublicIp DISABLED", found="a public address for the job")


def _parsed(block: Block, path: str) -> Any:
    """What a property has as JSON text, or as a value."""
    value = revealed(block.value(path))
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise MisshapenError(block.at(path), "JSON") from None


def _under(name: str, value: Any) -> Iterator[Any]:
    """Every value that has a name, at any depth."""
    if value is UNKNOWN:
        raise UnknownValueError(name)
    if isinstance(value, Mapping):
        for key, each in cast("Mapping[str, Any]", value).items():
            if key.lower() == name:
                yield each
            else:
                yield from _under(name, each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _under(name, each)


def _search_domain(resource: Resource) -> Findings:
    if not resource.has("vpcOptions.subnetIds"):
        yield Finding("vpcOptions", "subnets of a VPC")


def _search_collections(resource: Resource) -> Findings:
    if resource.text("type").lower() != "network":
        raise NotApplicableError("it is about encryption, not the network")
    if any(_is_on(value) for value in _under("allowfrompublic", _parsed(resource, "policy"))):
        yield Finding("policy", "SourceVPCEs, and AllowFromPublic false", found="collections that are reached from the internet")


# Of each type: a word for how it is reached, the words that are good, and what holds where it is absent.
_WORDS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "aws:sagemaker/notebookInstance:NotebookInstance": ("directInternetAccess", ("disabled",), "Enabled"),
    "aws:sagemaker/domain:Domain": ("appNetworkAccessType", ("vpconly",), "PublicInternetOnly"),
    "aws:mwaa/environment:Environment": ("webserverAccessMode", ("private_only",), "PRIVATE_ONLY"),
    "aws:transfer/server:Server": ("endpointType", ("vpc", "vpc_endpoint"), "PUBLIC"),
    "aws:cloud9/environmentEC2:EnvironmentEC2": ("connectionType", ("connect_ssm",), "CONNECT_SSH"),
}
_WANTED_WORDS = {
    "aws:sagemaker/notebookInstance:NotebookInstance": "Disabled",
    "aws:sagemaker/domain:Domain": "VpcOnly",
    "aws:mwaa/environment:Environment": "PRIVATE_ONLY",
    "aws:transfer/server:Server": "VPC",
    "aws:cloud9/environmentEC2:EnvironmentEC2": "CONNECT_SSM",
}


def _word(resource: Resource) -> Findings:
    path, good, default = _WORDS[resource.type]
    if resource.text(path, default).lower() not in good:
        yield Finding(path, _WANTED_WORDS[resource.type])


def _app_runner(resource: Resource) -> Findings:
    path = "networkConfiguration.ingressConfiguration.isPubliclyAccessible"
    if resource.flag(path, default=True):
        yield Finding(path, "false, and a VpcIngressConnection")


_ENVIRONMENT_SETTINGS = {
    ("aws:ec2:vpc", "AssociatePublicIpAddress"): "false",
    ("aws:autoscaling:launchconfiguration", "SSHSourceRestriction"): "named address ranges",
}


def _environment(resource: Resource) -> Findings:
    for number, each in enumerate(resource.blocks("settings")):
        setting = (each.text("namespace"), each.text("name"))
        if setting not in _ENVIRONMENT_SETTINGS:
            continue
        value = each.text("value")
        # `tcp, 22, 22, 192.0.2.0/24`, or the ID of a group
        source = value.rpartition(",")[2].strip()
        is_open = _is_on(value) if setting[0] == "aws:ec2:vpc" else "/" in source and covers_world(networks((source,), each.at("value")))
        if is_open:
            yield Finding(f"settings.{number}.value", _ENVIRONMENT_SETTINGS[setting])


_control = Family(Severity.CRITICAL, "What the internet reaches is tried by everybody, from its first minute on.").control

ENDPOINTS = (
    _control(
        "exp-database-public",
        "Databases, migrations and brokers have no public address",
        (*_DATABASES, _RDS_CLUSTER),
        _database,
        "AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        "Set publiclyAccessible to false.",
    ),
    _control(
        "exp-msk-public",
        "Kafka has no public address",
        ("aws:msk/cluster:Cluster",),
        _kafka,
        "msk/latest/developerguide/public-access.html",
        "Leave publicAccess at DISABLED.",
    ),
    _control(
        "exp-eks-endpoint",
        "Control planes are not open to the world",
        ("aws:eks/cluster:Cluster",),
        _control_plane,
        "eks/latest/userguide/cluster-endpoint.html",
        "Set endpointPublicAccess to false, or name publicAccessCidrs.",
    ),
    _control(
        "exp-ec2-public-address",
        "Instances have no public address",
        tuple(_INSTANCES),
        _off(_INSTANCES),
        "AWSEC2/latest/UserGuide/using-instance-addressing.html",
        "Set associatePublicIpAddress to false.",
    ),
    _control(
        "exp-ec2-template-public-address",
        "Launch templates and requests for Spot fleets give no public address",
        tuple(_INTERFACES),
        _template,
        "AWSEC2/latest/UserGuide/using-instance-addressing.html",
        "Set associatePublicIpAddress to false in each network interface.",
    ),
    _control(
        "exp-ec2-elastic-address",
        "Elastic IP addresses belong to no instance",
        tuple(_ADDRESSED),
        _elastic_address,
        "AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html",
        "Reach the instance over a load balancer, or over Systems Manager.",
    ),
    _control(
        "exp-subnet-public-address",
        "Subnets give no public address by themselves",
        tuple(_SUBNETS),
        _off(_SUBNETS),
        "vpc/latest/userguide/subnet-public-ip.html",
        "Set mapPublicIpOnLaunch to false.",
    ),
    _control(
        "exp-ecs-public-address",
        "Tasks have no public address",
        tuple(_TASKS),
        _task,
        "AmazonECS/latest/developerguide/fargate-task-networking.html",
        "Set assignPublicIp to false.",
    ),
    _control(
        "exp-batch-public-address",
        "Batch jobs have no public address",
        ("aws:batch/jobDefinition:JobDefinition",),
        _job,
        "batch/latest/APIReference/API_NetworkConfiguration.html",
        "Set assignPublicIp to DISABLED.",
    ),
    _control(
        "exp-beanstalk-public",
        "Environments of Elastic Beanstalk give instances no public address and no SSH from the world",
        ("aws:elasticbeanstalk/environment:Environment", "aws:elasticbeanstalk/configurationTemplate:ConfigurationTemplate"),
        _environment,
        "elasticbeanstalk/latest/dg/command-options-general.html",
        "Set AssociatePublicIpAddress to false, and name addresses in SSHSourceRestriction.",
    ),
    _control(
        "exp-opensearch-vpc",
        "Search domains stand in a VPC",
        ("aws:opensearch/domain:Domain", "aws:elasticsearch/domain:Domain"),
        _search_domain,
        "opensearch-service/latest/developerguide/vpc.html",
        "Set vpcOptions. Changing it replaces the domain.",
    ),
    _control(
        "exp-opensearch-serverless-public",
        "Collections of OpenSearch Serverless are reached over VPC endpoints",
        ("aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy",),
        _search_collections,
        "opensearch-service/latest/developerguide/serverless-network.html",
        "Set AllowFromPublic to false, and SourceVPCEs.",
    ),
    _control(
        "exp-sagemaker-internet",
        "Notebooks and studios have no way to the internet of their own",
        ("aws:sagemaker/notebookInstance:NotebookInstance", "aws:sagemaker/domain:Domain"),
        _word,
        "sagemaker/latest/dg/appendix-notebook-and-internet-access.html",
        "Set directInternetAccess to Disabled, and subnetId; of a domain, appNetworkAccessType to VpcOnly.",
    ),
    _control(
        "exp-mwaa-public",
        "The console of Airflow is reached inside the VPC only",
        ("aws:mwaa/environment:Environment",),
        _word,
        "mwaa/latest/userguide/configuring-networking.html",
        "Set webserverAccessMode to PRIVATE_ONLY.",
    ),
    _control(
        "exp-transfer-public",
        "Servers of Transfer Family stand in a VPC",
        ("aws:transfer/server:Server",),
        _word,
        "transfer/latest/userguide/create-server-in-vpc.html",
        "Set endpointType to VPC, and endpointDetails with security groups that name who may connect.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-cloud9-ssh",
        "Cloud9 connects over Systems Manager, without an open port",
        ("aws:cloud9/environmentEC2:EnvironmentEC2",),
        _word,
        "cloud9/latest/user-guide/ec2-ssm.html",
        "Set connectionType to CONNECT_SSM.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-apprunner-public",
        "App Runner services are reached inside the VPC only",
        ("aws:apprunner/service:Service",),
        _app_runner,
        "apprunner/latest/dg/network-pl.html",
        "Set isPubliclyAccessible to false, and declare a VpcIngressConnection.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-desktops-internet",
        "Desktops and streamed applications have no public address",
        tuple(_DESKTOPS),
        _off(_DESKTOPS),
        "appstream2/latest/developerguide/internet-access.html",
        "Set the switch to false, and use a NAT gateway.",
        severity=Severity.HIGH,
    ),
)
