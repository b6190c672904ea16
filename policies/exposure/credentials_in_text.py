"""Controls of credentials in variables, settings, scripts and definitions."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from mastertrade.values import UNKNOWN, Secret
from policies.engine.blocks import UnknownValueError
from policies.engine.control import Family, Finding, Findings, Severity
from policies.engine.resources import Resource
from policies.engine.telling import is_telling
from policies.exposure.credentials import HOLDERS
from policies.exposure.telling import leaves, opened, reads_like, tells

__all__ = ["FOUND", "REFERRED", "TEXTS", "at", "found_in"]

FOUND = "what reads like a credential, in plain"
REFERRED = "a reference to a secret, read when it is needed"


def at(resource: Resource, path: str) -> Any:
    """What stands at a path, through lists of several blocks, with the marks of secrets below it."""
    first, _, rest = path.partition(".")
    return _below(resource.raw().get(first), rest, path)


def _below(value: Any, path: str, whole: str) -> Any:
    if value is UNKNOWN:
        raise UnknownValueError(whole)
    if isinstance(value, Secret) or not path:
        return value
    if isinstance(value, list):
        return [_below(each, path, whole) for each in cast("list[Any]", value)]
    if not isinstance(value, Mapping):
        return None
    first, _, rest = path.partition(".")
    return _below(cast("Mapping[str, Any]", value).get(first), rest, whole)


def found_in(resource: Resource, *paths: str) -> Findings:
    """Findings for every text at these paths that reads like a credential."""
    for path in paths:
        for leaf in leaves(at(resource, path), path):
            if tells(leaf.name, leaf.text):
                yield Finding(leaf.path, REFERRED, found=FOUND)


def variables(table: Mapping[str, Iterable[str]]) -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        yield from found_in(resource, *table[resource.type])

    return judge


_FUNCTIONS = {
    "aws:lambda/function:Function": ("environment.variables",),
    "aws:lambda/microvmsImage:MicrovmsImage": ("environmentVariables",),
    "aws:lambdamicrovms/image:Image": ("environmentVariables",),
}
_TASKS = {
    "aws:ecs/taskDefinition:TaskDefinition": ("containerDefinitions",),
    "aws:ecs/daemonTaskDefinition:DaemonTaskDefinition": ("containerDefinitions",),
    "aws:ecs/expressGatewayService:ExpressGatewayService": ("primaryContainer",),
    "aws:batch/jobDefinition:JobDefinition": ("containerProperties", "nodeProperties", "ecsProperties", "eksProperties", "parameters"),
}
_BUILDS = {
    "aws:codebuild/project:Project": ("source", "secondarySources"),
    "aws:codepipeline/pipeline:Pipeline": ("stages", "variables"),
    "aws:amplify/app:App": ("environmentVariables", "autoBranchCreationConfig.environmentVariables", "buildSpec", "customHeaders"),
    "aws:amplify/branch:Branch": ("environmentVariables",),
    "aws:imagebuilder/component:Component": ("data",),
}


def _builds(resource: Resource) -> Findings:
    yield from found_in(resource, *_BUILDS[resource.type])
    if resource.type != "aws:codebuild/project:Project":
        return
    for number, variable in enumerate(resource.blocks("environment.environmentVariables") if resource.has("environment") else ()):
        if variable.text("type", "PLAINTEXT") != "PLAINTEXT" or variable.is_secret("value") or not variable.is_known("value"):
            continue
        name, text = variable.text("name"), variable.text("value")
        # the name of a secret is not read as one here: the build gets the name
        if tells(name, text) or (is_telling(name) and "/" in text and not text.startswith(("arn:", "http"))):
            yield Finding(f"environment.environmentVariables.{number}", "the type SECRETS_MANAGER", found=FOUND)


_APPLICATIONS = {
    "aws:apprunner/service:Service": ("sourceConfiguration.imageRepository.imageConfiguration", "sourceConfiguration.codeRepository"),
    "aws:apigateway/deployment:Deployment": ("variables",),
    "aws:apigateway/integration:Integration": ("requestParameters", "requestTemplates"),
    "aws:apigateway/stage:Stage": ("variables",),
    "aws:apigatewayv2/stage:Stage": ("stageVariables",),
    "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion": ("content",),
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime": ("environmentVariables",),
    "aws:bedrock/agentcoreHarness:AgentcoreHarness": ("environmentVariables",),
    "aws:cloudformation/stack:Stack": ("parameters", "templateBody"),
    "aws:cloudformation/stackInstances:StackInstances": ("parameterOverrides",),
    "aws:cloudformation/stackSet:StackSet": ("parameters", "templateBody"),
    "aws:cloudformation/stackSetInstance:StackSetInstance": ("parameterOverrides",),
    "aws:cloudwatch/eventTarget:EventTarget": ("input", "inputTransformer", "ecsTarget", "httpTarget"),
    "aws:dms/endpoint:Endpoint": ("extraConnectionAttributes",),
    "aws:eks/addon:Addon": ("configurationValues",),
    "aws:elasticbeanstalk/configurationTemplate:ConfigurationTemplate": ("settings",),
    "aws:elasticbeanstalk/environment:Environment": ("settings",),
    "aws:emr/cluster:Cluster": ("configurations", "configurationsJson", "steps", "bootstrapActions"),
    "aws:emrcontainers/jobTemplate:JobTemplate": ("jobTemplateData",),
    "aws:emrserverless/application:Application": ("runtimeConfigurations",),
    "aws:glue/connection:Connection": ("connectionProperties", "athenaProperties"),
    "aws:glue/job:Job": ("defaultArguments", "nonOverridableArguments"),
    "aws:glue/trigger:Trigger": ("actions",),
    "aws:kinesisanalyticsv2/application:Application": ("applicationConfiguration.environmentProperties",),
    "aws:lambda/invocation:Invocation": ("input",),
    "aws:lightsail/containerServiceDeploymentVersion:ContainerServiceDeploymentVersion": ("containers",),
    "aws:mq/configuration:Configuration": ("data",),
    "aws:msk/configuration:Configuration": ("serverProperties",),
    "aws:mskconnect/connector:Connector": ("connectorConfiguration",),
    "aws:mskconnect/workerConfiguration:WorkerConfiguration": ("propertiesFileContent",),
    "aws:mwaa/environment:Environment": ("airflowConfigurationOptions",),
    "aws:pipes/pipe:Pipe": ("targetParameters", "enrichmentParameters"),
    "aws:rds/optionGroup:OptionGroup": ("options",),
    "aws:s3/bucketObject:BucketObject": ("content", "metadata"),
    "aws:s3/bucketObjectv2:BucketObjectv2": ("content", "metadata"),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": ("productionVariants",),
    "aws:sagemaker/hyperParameterTuningJob:HyperParameterTuningJob": ("trainingJobDefinition",),
    "aws:sagemaker/model:Model": ("primaryContainer.environment", "containers.environment"),
    "aws:sagemaker/pipeline:Pipeline": ("pipelineDefinition",),
    "aws:sagemaker/trainingJob:TrainingJob": ("environment", "hyperParameters"),
    "aws:scheduler/schedule:Schedule": ("target",),
    "aws:serverlessrepository/cloudFormationStack:CloudFormationStack": ("parameters",),
    "aws:servicecatalog/provisionedProduct:ProvisionedProduct": ("provisioningParameters",),
    "aws:sfn/stateMachine:StateMachine": ("definition",),
    "aws:sns/topicSubscription:TopicSubscription": ("endpoint",),
    "aws:ssm/association:Association": ("parameters",),
    "aws:ssm/document:Document": ("content",),
    "aws:ssm/maintenanceWindowTask:MaintenanceWindowTask": ("taskInvocationParameters",),
    "aws:synthetics/canary:Canary": ("runConfig.environmentVariables",),
}


_SCRIPTS = {
    **dict.fromkeys(
        (
            "aws:ec2/instance:Instance",
            "aws:ec2/launchConfiguration:LaunchConfiguration",
            "aws:ec2/launchTemplate:LaunchTemplate",
            "aws:ec2/spotInstanceRequest:SpotInstanceRequest",
        ),
        ("userData", "userDataBase64"),
    ),
    "aws:ec2/spotFleetRequest:SpotFleetRequest": ("launchSpecifications.userData",),
    "aws:imagebuilder/imageRecipe:ImageRecipe": ("userDataBase64",),
    "aws:lightsail/instance:Instance": ("userData",),
    "aws:sagemaker/notebookInstanceLifecycleConfiguration:NotebookInstanceLifecycleConfiguration": ("onCreate", "onStart"),
    "aws:sagemaker/studioLifecycleConfig:StudioLifecycleConfig": ("studioLifecycleConfigContent",),
}


def _start_script(resource: Resource) -> Findings:
    for path in _SCRIPTS[resource.type]:
        for leaf in leaves(at(resource, path), path):
            if any(reads_like(each) for each in opened(leaf.text)):
                yield Finding(leaf.path, "a script that reads its secrets with the instance's role", found=FOUND)


def _parameter(resource: Resource) -> Findings:
    kind = resource.text("type", "String")
    if kind.lower() == "securestring":
        return
    for path in ("value", "insecureValue"):
        if not resource.has(path):
            continue
        name = resource.text("name")
        # the store keeps it in plain, whatever Pulumi does
        text = resource.text(path)
        if tells(name, text) or any(tells(leaf.name or name, leaf.text) for leaf in leaves(text, path)):
            yield Finding("type", "SecureString", found=f"{kind}, for what reads like a credential")


# Tags are read by whoever may list resources, and stand on every bill
_TAGGED = tuple(
    dict.fromkeys(
        (
            *_FUNCTIONS,
            *_TASKS,
            *_BUILDS,
            *_APPLICATIONS,
            *_SCRIPTS,
            *HOLDERS,
            "aws:cloudwatch/logGroup:LogGroup",
            "aws:dynamodb/table:Table",
            "aws:ec2/securityGroup:SecurityGroup",
            "aws:ec2/subnet:Subnet",
            "aws:ec2/vpc:Vpc",
            "aws:ebs/volume:Volume",
            "aws:ecr/repository:Repository",
            "aws:ecs/cluster:Cluster",
            "aws:ecs/service:Service",
            "aws:efs/fileSystem:FileSystem",
            "aws:eks/cluster:Cluster",
            "aws:eks/nodeGroup:NodeGroup",
            "aws:iam/role:Role",
            "aws:iam/user:User",
            "aws:kinesis/stream:Stream",
            "aws:kms/key:Key",
            "aws:lb/loadBalancer:LoadBalancer",
            "aws:msk/cluster:Cluster",
            "aws:rds/cluster:Cluster",
            "aws:rds/instance:Instance",
            "aws:s3/bucket:Bucket",
            "aws:secretsmanager/secret:Secret",
            "aws:sns/topic:Topic",
            "aws:sqs/queue:Queue",
            "aws:ssm/parameter:Parameter",
        )
    )
)


def _tags(resource: Resource) -> Findings:
    for leaf in leaves(at(resource, "tags"), "tags"):
        if tells(leaf.name, leaf.text):
            yield Finding(leaf.path, "no credential", found=FOUND)


_control = Family(
    Severity.CRITICAL,
    "A credential that can be read is used by whoever reads it: in a state, a console, a log, a backup.",
    "https://docs.aws.amazon.com",
).control


_VARIABLES = "prescriptive-guidance/latest/secure-sensitive-data-secrets-manager-terraform/introduction.html"
TEXTS = (
    _control(
        "exp-lambda-variables",
        "Variables of functions hold no credential",
        tuple(_FUNCTIONS),
        variables(_FUNCTIONS),
        _VARIABLES,
        "Read the secret when the function starts.",
    ),
    _control(
        "exp-ecs-variables",
        "Variables of tasks hold no credential",
        tuple(_TASKS),
        variables(_TASKS),
        _VARIABLES,
        "Name the secret's ARN under `secrets`.",
    ),
    _control(
        "exp-codebuild-variables",
        "Variables of builds hold no credential",
        tuple(_BUILDS),
        _builds,
        _VARIABLES,
        "Set the variable's type to SECRETS_MANAGER.",
    ),
    _control(
        "exp-settings-plain",
        "Settings and definitions hold no credential",
        tuple(_APPLICATIONS),
        variables(_APPLICATIONS),
        _VARIABLES,
        "Name a secret, and read it when it is needed.",
    ),
    _control(
        "exp-ec2-start-script",
        "Start scripts hold no credential",
        tuple(_SCRIPTS),
        _start_script,
        _VARIABLES,
        "Read the secret with the instance's role.",
    ),
    _control(
        "exp-tags-plain",
        "Tags hold no credential",
        _TAGGED,
        _tags,
        "tag-editor/latest/userguide/tagging.html",
        "Remove the tag.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-ssm-parameter",
        "Parameters with credentials are secure strings",
        ("aws:ssm/parameter:Parameter",),
        _parameter,
        "systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html",
        "Set type to SecureString.",
    ),
)
