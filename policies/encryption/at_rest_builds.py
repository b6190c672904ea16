"""Controls of code, images and what runs them at rest."""

from policies.encryption.at_rest_forms import At, found_in, stored, told_by
from policies.engine.control import Finding, Findings, NotApplicableError
from policies.engine.keys import customer_key
from policies.engine.resources import Resource

__all__ = ["BUILDS"]


def _cluster_secrets(resource: Resource) -> Findings:
    block = resource.block("encryptionConfig")
    if not block.present:
        yield Finding("encryptionConfig", "provider.keyArn of a customer managed key, for the resources `secrets`")
        return
    if "secrets" not in block.texts("resources"):
        yield Finding("encryptionConfig.resources", "secrets")
    yield from customer_key(resource, "encryptionConfig.provider.keyArn")


def _project(resource: Resource) -> Findings:
    for path in ("artifacts", "secondaryArtifacts"):
        for artifacts in resource.blocks(path):
            # CodeBuild ignores it where nothing is kept
            if artifacts.text("type").upper() != "NO_ARTIFACTS" and artifacts.flag("encryptionDisabled"):
                yield found_in(resource, artifacts, "encryptionDisabled", "false")
    for logs in resource.walk("logsConfig.s3Logs"):
        if logs.text("status").upper() == "ENABLED" and logs.flag("encryptionDisabled"):
            yield found_in(resource, logs, "encryptionDisabled", "false")
    yield from customer_key(resource, "encryptionKey")


def _reports(resource: Resource) -> Findings:
    destinations = tuple(resource.walk("exportConfig.s3Destination"))
    if not destinations:
        raise NotApplicableError("its reports are not exported")
    for destination in destinations:
        if destination.flag("encryptionDisabled"):
            yield found_in(resource, destination, "encryptionDisabled", "false")
        else:
            yield from customer_key(resource, "encryptionKey", within=destination)


def _commands(resource: Resource) -> Findings:
    sessions = tuple(resource.walk("configuration.executeCommandConfiguration"))
    storage = tuple(resource.walk("configuration.managedStorageConfiguration"))
    if not sessions and not storage:
        raise NotApplicableError("it says nothing of sessions and storage")
    for session in sessions:
        if session.text("logging", "DEFAULT").upper() == "OVERRIDE":
            for log in session.blocks("logConfiguration"):
                if log.has("cloudWatchLogGroupName") and not log.flag("cloudWatchEncryptionEnabled"):
                    yield found_in(resource, log, "cloudWatchEncryptionEnabled", "true")
                if log.has("s3BucketName") and not log.flag("s3BucketEncryptionEnabled"):
                    yield found_in(resource, log, "s3BucketEncryptionEnabled", "true")
        yield from customer_key(resource, "kmsKeyId", within=session)
    for block in storage:
        for key in ("kmsKeyId", "fargateEphemeralStorageKmsKeyId"):
            if block.has(key):
                yield from customer_key(resource, key, within=block)


def _hosted(resource: Resource) -> Findings:
    if resource.text("locationUri").lower() != "hosted":
        raise NotApplicableError("AppConfig does not keep it: it is encrypted where it stands")
    yield from customer_key(resource, "kmsKeyIdentifier")


_IMAGES = At("kmsKey", within="encryptionConfigurations", kind="encryptionType", kinds=("KMS", "KMS_DSSE"))


BUILDS = (
    stored(
        "enc-eks-secrets",
        "Secrets of Kubernetes are",
        {"aws:eks/cluster:Cluster": _cluster_secrets},
        "eks/latest/userguide/envelope-encryption.html",
        "Set encryptionConfig with provider.keyArn and the resources `secrets`. It cannot be taken back.",
    ),
    stored(
        "enc-ecr-repository",
        "Image repositories are",
        {"aws:ecr/repository:Repository": _IMAGES, "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": _IMAGES},
        "AmazonECR/latest/userguide/encryption-at-rest.html",
        "Set encryptionConfigurations with KMS and kmsKey. Changing it replaces the repository.",
    ),
    stored(
        "enc-ecs-sessions",
        "Sessions in containers and what they keep are",
        {"aws:ecs/cluster:Cluster": _commands},
        "AmazonECS/latest/developerguide/ecs-exec.html",
        "Set configuration.executeCommandConfiguration.kmsKeyId, and the encryption of each log.",
    ),
    stored(
        "enc-lambda-variables",
        "Variables of functions are",
        {
            "aws:lambda/function:Function": told_by(
                At("kmsKeyArn", when="environment.variables"),
                At("sourceKmsKeyArn", when="sourceKmsKeyArn"),
                otherwise="it has no variables",
            ),
            "aws:lambda/capacityProvider:CapacityProvider": At("kmsKeyArn"),
        },
        "lambda/latest/dg/security-encryption-at-rest.html",
        "Set kmsKeyArn.",
    ),
    stored(
        "enc-apprunner-service",
        "Copies of images and logs of App Runner are",
        {"aws:apprunner/service:Service": At("kmsKey", within="encryptionConfiguration")},
        "apprunner/latest/dg/security-data-protection-encryption.html",
        "Set encryptionConfiguration.kmsKey. Changing it replaces the service.",
    ),
    stored(
        "enc-codebuild-project",
        "What builds produce is",
        {"aws:codebuild/project:Project": _project, "aws:codebuild/reportGroup:ReportGroup": _reports},
        "codebuild/latest/userguide/security-encryption.html",
        "Set encryptionKey, and leave encryptionDisabled at false.",
    ),
    stored(
        "enc-codepipeline-artifacts",
        "Artifacts of pipelines are",
        {"aws:codepipeline/pipeline:Pipeline": At("encryptionKey.id", within="artifactStores")},
        "codepipeline/latest/userguide/S3-artifact-encryption.html",
        "Set encryptionKey of each artifact store.",
    ),
    stored(
        "enc-code-repository",
        "Code and packages are",
        {
            "aws:codeartifact/domain:Domain": At("encryptionKey"),
            "aws:codecommit/repository:Repository": At("kmsKeyId"),
            "aws:codegurureviewer/repositoryAssociation:RepositoryAssociation": At(
                "kmsKeyId", within="kmsKeyDetails", kind="encryptionOption", kinds=("CUSTOMER_MANAGED_CMK",)
            ),
        },
        "codeartifact/latest/ug/domain-create.html",
        "Name the key: encryptionKey of CodeArtifact, kmsKeyId of CodeCommit, kmsKeyDetails of CodeGuru.",
    ),
    stored(
        "enc-appconfig-configuration",
        "Hosted configurations are",
        {
            "aws:appconfig/configurationProfile:ConfigurationProfile": _hosted,
            "aws:appconfig/deployment:Deployment": told_by(
                At("kmsKeyIdentifier", when="kmsKeyIdentifier"), otherwise="it is encrypted as its profile is"
            ),
        },
        "appconfig/latest/userguide/appconfig-security.html",
        "Set kmsKeyIdentifier.",
    ),
    stored(
        "enc-mwaa-environment",
        "Airflow is",
        {"aws:mwaa/environment:Environment": At("kmsKey")},
        "mwaa/latest/userguide/encryption-at-rest.html",
        "Set kmsKey. Changing it replaces the environment.",
    ),
    stored(
        "enc-m2-environment",
        "Mainframe applications are",
        {"aws:m2/environment:Environment": At("kmsKeyId"), "aws:m2/application:Application": At("kmsKeyId")},
        "m2/latest/userguide/applications-m2-create.html",
        "Set kmsKeyId. Changing it replaces the environment.",
    ),
)
