"""Controls of search, analytics and models at rest."""

import json
import re
from typing import Any, cast

from policies.encryption.at_rest_forms import CUSTOMER_KEY, At, found_in, stored, told_by
from policies.engine.blocks import Block, MisshapenError
from policies.engine.control import Finding, Findings, NotApplicableError
from policies.engine.keys import customer_key
from policies.engine.resources import Resource

__all__ = ["ANALYTICS"]

# Instances with disks of their own: those are encrypted by the machine, and a key for the volume is refused.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
_OWN_DISKS = re.compile(r"^ml\.([a-z]+\d+[a-z]*d[a-z]*|g5|g6e?|p5[a-z]*|trn\d[a-z]*)\.")


def _volume_takes_a_key(block: Block) -> bool:
    return not _OWN_DISKS.match(block.text("instanceType").lower())


def _endpoint(resource: Resource) -> Findings:
    for capture in resource.blocks("dataCaptureConfig"):
        if capture.flag("enableCapture"):
            yield from customer_key(resource, "kmsKeyId", within=capture)
    for output in resource.walk("asyncInferenceConfig.outputConfig"):
        yield from customer_key(resource, "kmsKeyId", within=output)
    variants = resource.blocks("productionVariants")
    takes_no_key = not all(map(_volume_takes_a_key, variants)) or all(each.has("serverlessConfig") for each in variants)
    if variants and takes_no_key and not resource.has("kmsKeyArn"):
        raise NotApplicableError("not all of its machines have a volume that takes a key")
    yield from customer_key(resource, "kmsKeyArn")


def _online(block: Block) -> bool:
    return block.flag("enableOnlineStore")


def _shares(block: Block) -> bool:
    return block.text("notebookOutputOption").lower() == "allowed"


def _is_kept(block: Block) -> bool:
    return block.flag("enabled", default=True)


_JOBS = "monitoringScheduleConfig.monitoringJobDefinition"
_TUNING = ("trainingJobDefinition", "trainingJobDefinitions")
_TUNED = (
    *(At("kmsKeyId", within=f"{each}.outputDataConfig", needed=False) for each in _TUNING),
    *(At("volumeKmsKeyId", within=f"{each}.resourceConfig", needed=False, where=_volume_takes_a_key) for each in _TUNING),
)


def _json(resource: Resource, path: str) -> Block:
    """A JSON document of a property, also where it is not spelt as a text."""
    value = resource.value(path)
    if not isinstance(value, str):
        return resource.block(path)
    try:
        parsed: Any = json.loads(value)
    except ValueError:
        raise MisshapenError(path, "JSON") from None
    if not isinstance(parsed, dict):
        raise MisshapenError(path, "a JSON object")
    return Block(cast("dict[str, Any]", parsed), path)


def _disks_and_files(resource: Resource) -> Findings:
    """EMR's security configuration.

    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-create-security-configuration.html
    """
    encryption = _json(resource, "configuration").block("EncryptionConfiguration")
    if not encryption.flag("EnableAtRestEncryption"):
        yield found_in(resource, encryption, "EnableAtRestEncryption", "true")
        return
    files = encryption.block("AtRestEncryptionConfiguration.S3EncryptionConfiguration")
    mode = files.text("EncryptionMode").upper()
    if mode in ("SSE-KMS", "CSE-KMS"):
        yield from customer_key(resource, "AwsKmsKey", within=files)
    elif files.present and mode != "CSE-CUSTOM":
        yield found_in(resource, files, "EncryptionMode", "SSE-KMS or CSE-KMS, with AwsKmsKey")
    disks = encryption.block("AtRestEncryptionConfiguration.LocalDiskEncryptionConfiguration")
    provider = disks.text("EncryptionKeyProviderType").lower()
    if provider == "awskms":
        yield from customer_key(resource, "AwsKmsKey", within=disks)
    elif provider != "custom":
        yield found_in(resource, disks, "EncryptionKeyProviderType", "AwsKms, with AwsKmsKey")
    if disks.has("EnableEbsEncryption") and not disks.flag("EnableEbsEncryption"):
        yield found_in(resource, disks, "EnableEbsEncryption", "true")


def _search_policy(resource: Resource) -> Findings:
    if resource.text("type").lower() != "encryption":
        raise NotApplicableError("it says nothing of encryption")
    policy = _json(resource, "policy")
    if policy.flag("AWSOwnedKey"):
        yield found_in(resource, policy, "AWSOwnedKey", f"false, and KmsARN with {CUSTOMER_KEY}")
    else:
        yield from customer_key(resource, "KmsARN", within=policy)


def _collection(resource: Resource) -> Findings:
    configurations = resource.blocks("encryptionConfigs")
    if not configurations:
        raise NotApplicableError("it is encrypted as the security policy says that matches its name")
    for each in configurations:
        if each.flag("awsOwnedKey"):
            yield found_in(resource, each, "awsOwnedKey", "false")
        else:
            yield from customer_key(resource, "kmsKeyArn", within=each)


def _secured(resource: Resource) -> Findings:
    if not resource.has("securityConfiguration"):
        yield Finding("securityConfiguration", "a security configuration that encrypts")


def _emr_cluster(resource: Resource) -> Findings:
    yield from _secured(resource)
    if resource.has("logEncryptionKmsKeyId"):
        yield from customer_key(resource, "logEncryptionKmsKeyId")


def _workgroup(resource: Resource) -> Findings:
    managed = resource.block("configuration.managedQueryResultsConfiguration")
    if managed.flag("enabled"):
        yield from customer_key(resource, "encryptionConfiguration.kmsKey", within=managed)
        return
    if not resource.flag("configuration.enforceWorkgroupConfiguration", default=True):
        yield Finding("configuration.enforceWorkgroupConfiguration", "true: clients choose otherwise")
    results = resource.block("configuration.resultConfiguration.encryptionConfiguration")
    if results.text("encryptionOption").upper() not in ("SSE_KMS", "CSE_KMS"):
        yield found_in(resource, results, "encryptionOption", "SSE_KMS or CSE_KMS, with kmsKeyArn")
    else:
        yield from customer_key(resource, "kmsKeyArn", within=results)
    if resource.has("configuration.customerContentEncryptionConfiguration"):
        yield from customer_key(resource, "configuration.customerContentEncryptionConfiguration.kmsKey")


def _query_database(resource: Resource) -> Findings:
    if resource.has("workgroup") and not resource.has("encryptionConfiguration"):
        raise NotApplicableError("its results are encrypted as its workgroup says")
    yield from told_by(At("kmsKey", within="encryptionConfiguration", kind="encryptionOption", kinds=_RESULTS))(resource)


_OWN_KEY = At("customerEncryptionKeyArn")
_RESULTS = ("SSE_KMS", "CSE_KMS")

ANALYTICS = (
    stored(
        "enc-opensearch-storage",
        "Search domains are",
        {
            "aws:opensearch/domain:Domain": At("encryptAtRest.kmsKeyId", switch="encryptAtRest.enabled"),
            "aws:elasticsearch/domain:Domain": At("encryptAtRest.kmsKeyId", switch="encryptAtRest.enabled"),
        },
        "opensearch-service/latest/developerguide/encryption-at-rest.html",
        "Set encryptAtRest.enabled and encryptAtRest.kmsKeyId.",
    ),
    stored(
        "enc-opensearch-serverless",
        "Search collections, pipelines and applications are",
        {
            "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": _search_policy,
            "aws:opensearch/serverlessCollection:ServerlessCollection": _collection,
            "aws:opensearchingest/pipeline:Pipeline": At("kmsKeyArn", within="encryptionAtRestOptions"),
            "aws:opensearch/application:Application": At("kmsKeyArn"),
        },
        "opensearch-service/latest/developerguide/serverless-encryption.html",
        "Name the key: KmsARN of the encryption policy, kmsKeyArn of a pipeline or an application.",
    ),
    stored(
        "enc-athena-results",
        "Results of queries are",
        {
            "aws:athena/workgroup:Workgroup": _workgroup,
            "aws:athena/database:Database": _query_database,
        },
        "athena/latest/ug/encrypting-query-results-stored-in-s3.html",
        "Set encryptionOption SSE_KMS and the key, and leave enforceWorkgroupConfiguration at true.",
    ),
    stored(
        "enc-glue-catalog",
        "The data catalog and passwords of its connections are",
        {
            "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings": told_by(
                At(
                    "sseAwsKmsKeyId",
                    within="dataCatalogEncryptionSettings.encryptionAtRest",
                    kind="catalogEncryptionMode",
                    kinds=("SSE-KMS", "SSE-KMS-WITH-SERVICE-ROLE"),
                ),
                At(
                    "awsKmsKeyId",
                    within="dataCatalogEncryptionSettings.connectionPasswordEncryption",
                    switch="returnConnectionPasswordEncrypted",
                ),
            ),
            "aws:glue/catalog:Catalog": told_by(
                At("kmsKey", within="catalogProperties.dataLakeAccessProperties", needed=False, named_only=True),
                otherwise="it is encrypted as the account's catalog is",
            ),
        },
        "glue/latest/dg/encrypt-glue-data-catalog.html",
        "Set catalogEncryptionMode SSE-KMS and returnConnectionPasswordEncrypted, each with its key.",
    ),
    stored(
        "enc-glue-jobs",
        "What jobs of Glue write is",
        {
            "aws:glue/securityConfiguration:SecurityConfiguration": told_by(
                At("kmsKeyArn", within="encryptionConfiguration.s3Encryption", kind="s3EncryptionMode", kinds=("SSE-KMS",)),
                At(
                    "kmsKeyArn",
                    within="encryptionConfiguration.cloudwatchEncryption",
                    kind="cloudwatchEncryptionMode",
                    kinds=("SSE-KMS",),
                ),
                At(
                    "kmsKeyArn",
                    within="encryptionConfiguration.jobBookmarksEncryption",
                    kind="jobBookmarksEncryptionMode",
                    kinds=("CSE-KMS",),
                ),
            ),
            "aws:glue/job:Job": _secured,
            "aws:glue/crawler:Crawler": _secured,
            "aws:glue/devEndpoint:DevEndpoint": _secured,
        },
        "glue/latest/dg/encryption-security-configuration.html",
        "Name a securityConfiguration whose three modes are SSE-KMS, SSE-KMS and CSE-KMS, each with its key.",
    ),
    stored(
        "enc-emr-storage",
        "Disks and files of EMR are",
        {
            "aws:emr/securityConfiguration:SecurityConfiguration": _disks_and_files,
            "aws:emr/cluster:Cluster": _emr_cluster,
            "aws:emr/studio:Studio": At("encryptionKeyArn"),
            "aws:emrcontainers/jobTemplate:JobTemplate": At("kmsKeyArn"),
            "aws:emrserverless/application:Application": told_by(
                At(
                    "encryptionKeyArn",
                    within="monitoringConfiguration.managedPersistenceMonitoringConfiguration",
                    needed=False,
                    where=_is_kept,
                ),
                At("encryptionKeyArn", within="monitoringConfiguration.s3MonitoringConfiguration", needed=False),
                At("encryptionKeyArn", within="monitoringConfiguration.cloudwatchLoggingConfiguration", needed=False, named_only=True),
                otherwise="it names no logs",
            ),
        },
        "emr/latest/ManagementGuide/emr-data-encryption-options.html",
        "Name a securityConfiguration with EnableAtRestEncryption, SSE-KMS for S3 and AwsKms for local disks.",
    ),
    stored(
        "enc-sagemaker-notebook",
        "Notebooks and studios are",
        {
            "aws:sagemaker/notebookInstance:NotebookInstance": At("kmsKeyId"),
            "aws:sagemaker/domain:Domain": told_by(
                At("kmsKeyId"),
                At("s3KmsKeyId", within="defaultUserSettings.sharingSettings", needed=False, where=_shares),
            ),
            "aws:sagemaker/userProfile:UserProfile": told_by(
                At("s3KmsKeyId", within="userSettings.sharingSettings", needed=False, where=_shares), otherwise="it shares no notebook"
            ),
        },
        "sagemaker/latest/dg/encryption-at-rest.html",
        "Set kmsKeyId. Changing it replaces the notebook or the domain.",
    ),
    stored(
        "enc-sagemaker-endpoint",
        "Volumes and recordings of model endpoints are",
        {"aws:sagemaker/endpointConfiguration:EndpointConfiguration": _endpoint},
        "sagemaker/latest/dg/encryption-at-rest.html",
        "Set kmsKeyArn, and kmsKeyId of dataCaptureConfig and of asyncInferenceConfig.outputConfig.",
    ),
    stored(
        "enc-sagemaker-features",
        "Stores of features are",
        {
            "aws:sagemaker/featureGroup:FeatureGroup": told_by(
                At("securityConfig.kmsKeyId", within="onlineStoreConfig", needed=False, where=_online),
                At("kmsKeyId", within="offlineStoreConfig.s3StorageConfig", needed=False),
            )
        },
        "sagemaker/latest/dg/feature-store-security.html",
        "Set onlineStoreConfig.securityConfig.kmsKeyId and offlineStoreConfig.s3StorageConfig.kmsKeyId. Either replaces the group.",
    ),
    stored(
        "enc-sagemaker-jobs",
        "Volumes and results of model jobs are",
        {
            "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition": told_by(
                At("kmsKeyId", within="dataQualityJobOutputConfig"),
                At("volumeKmsKeyId", within="jobResources.clusterConfig", where=_volume_takes_a_key),
            ),
            "aws:sagemaker/monitoringSchedule:MonitoringSchedule": told_by(
                At("kmsKeyId", within=f"{_JOBS}.monitoringOutputConfig", needed=False),
                At("volumeKmsKeyId", within=f"{_JOBS}.monitoringResources.clusterConfig", needed=False, where=_volume_takes_a_key),
                otherwise="its job is defined elsewhere",
            ),
            "aws:sagemaker/trainingJob:TrainingJob": told_by(
                At("kmsKeyId", within="outputDataConfig"),
                At("volumeKmsKeyId", within="resourceConfig", needed=False, where=_volume_takes_a_key),
            ),
            "aws:sagemaker/hyperParameterTuningJob:HyperParameterTuningJob": told_by(*_TUNED),
            "aws:sagemaker/labelingJob:LabelingJob": told_by(
                At("kmsKeyId", within="outputConfig"),
                At("volumeKmsKeyId", within="labelingJobAlgorithmsConfig.labelingJobResourceConfig", needed=False),
            ),
            "aws:sagemaker/flowDefinition:FlowDefinition": At("kmsKeyId", within="outputConfig"),
            "aws:sagemaker/deviceFleet:DeviceFleet": At("kmsKeyId", within="outputConfig"),
            "aws:sagemaker/modelCard:ModelCard": At("kmsKeyId", within="securityConfig"),
        },
        "sagemaker/latest/dg/encryption-at-rest.html",
        "Set kmsKeyId of the output and volumeKmsKeyId of the machines.",
    ),
    stored(
        "enc-bedrock-model",
        "Agents, prompts and tuned models are",
        {
            "aws:bedrock/agentAgent:AgentAgent": _OWN_KEY,
            "aws:bedrock/agentFlow:AgentFlow": _OWN_KEY,
            "aws:bedrock/agentPrompt:AgentPrompt": _OWN_KEY,
            "aws:bedrock/agentDataSource:AgentDataSource": At("kmsKeyArn", within="serverSideEncryptionConfiguration"),
            "aws:bedrock/guardrail:Guardrail": At("kmsKeyArn"),
            "aws:bedrock/customModel:CustomModel": At("customModelKmsKeyId"),
            "aws:bedrock/evaluationJob:EvaluationJob": At("customerEncryptionKeyId"),
            "aws:bedrock/agentcoreEvaluator:AgentcoreEvaluator": At("kmsKeyArn"),
            "aws:bedrock/agentcoreGateway:AgentcoreGateway": At("kmsKeyArn"),
            "aws:bedrock/agentcoreMemory:AgentcoreMemory": At("encryptionKeyArn"),
            "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine": At("encryptionKeyArn"),
            "aws:bedrock/agentcoreTokenVaultCmk:AgentcoreTokenVaultCmk": At(
                "kmsKeyArn", within="kmsConfiguration", kind="keyType", kinds=("CustomerManagedKey",)
            ),
            "aws:bedrockmodel/invocationJob:InvocationJob": told_by(
                At("s3EncryptionKeyId", within="outputDataConfig.s3OutputDataConfig", named_only=True)
            ),
        },
        "bedrock/latest/userguide/data-encryption.html",
        "Name the key: customerEncryptionKeyArn of agents, kmsKeyArn of guardrails, customModelKmsKeyId of models.",
    ),
    stored(
        "enc-comprehend-model",
        "Models of texts and the volumes that train them are",
        {
            "aws:comprehend/documentClassifier:DocumentClassifier": told_by(
                At("modelKmsKeyId"), At("volumeKmsKeyId"), At("kmsKeyId", within="outputDataConfig", needed=False, named_only=True)
            ),
            "aws:comprehend/entityRecognizer:EntityRecognizer": told_by(At("modelKmsKeyId"), At("volumeKmsKeyId")),
        },
        "comprehend/latest/dg/kms-in-comprehend.html",
        "Set modelKmsKeyId and volumeKmsKeyId.",
    ),
    stored(
        "enc-assistant-index",
        "Indexes and assistants are",
        {
            "aws:kendra/index:Index": At("kmsKeyId", within="serverSideEncryptionConfiguration"),
            "aws:qbusiness/application:Application": At("kmsKeyId", within="encryptionConfiguration"),
            "aws:quicksight/keyRegistration:KeyRegistration": At("keyArn", within="keyRegistrations"),
            "aws:datazone/domain:Domain": At("kmsKeyIdentifier"),
            "aws:finspace/kxEnvironment:KxEnvironment": At("kmsKeyId"),
        },
        "kendra/latest/dg/encryption-at-rest.html",
        "Name the key in the encryption configuration; most replace the resource.",
    ),
    stored(
        "enc-media-processor",
        "What is made of pictures, sound and places is",
        {
            "aws:rekognition/streamProcessor:StreamProcessor": At("kmsKeyId"),
            "aws:elastictranscoder/pipeline:Pipeline": At("awsKmsKeyArn"),
            "aws:location/tracker:Tracker": At("kmsKeyId"),
            "aws:location/geofenceCollection:GeofenceCollection": At("kmsKeyId"),
        },
        "location/latest/developerguide/encryption-at-rest.html",
        "Set kmsKeyId, of a transcoder awsKmsKeyArn.",
    ),
)
