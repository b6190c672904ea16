"""Controls of messages, streams and events at rest."""

from policies.encryption.at_rest_forms import At, stored, told_by
from policies.engine.blocks import Block
from policies.engine.control import Finding, Findings, NotApplicableError
from policies.engine.keys import customer_key
from policies.engine.resources import Resource

__all__ = ["MESSAGES"]


def _broker(resource: Resource) -> Findings:
    if resource.text("engineType").lower() == "rabbitmq":
        raise NotApplicableError("Amazon MQ encrypts RabbitMQ under a key of its own: a customer's cannot be chosen")
    if resource.flag("encryptionOptions.useAwsOwnedKey", default=True):
        yield Finding("encryptionOptions.useAwsOwnedKey", "false")
    else:
        yield from customer_key(resource, "encryptionOptions.kmsKeyId")


_TARGETS = (
    "extendedS3Configuration",
    "extendedS3Configuration.s3BackupConfiguration",
    "redshiftConfiguration.s3Configuration",
    "redshiftConfiguration.s3BackupConfiguration",
    "elasticsearchConfiguration.s3Configuration",
    "opensearchConfiguration.s3Configuration",
    "opensearchserverlessConfiguration.s3Configuration",
    "splunkConfiguration.s3Configuration",
    "httpEndpointConfiguration.s3Configuration",
    "icebergConfiguration.s3Configuration",
    "snowflakeConfiguration.s3Configuration",
)


def _delivery(resource: Resource) -> Findings:
    # what it writes is encrypted as its bucket is, unless it names a key
    for target in _TARGETS:
        for block in resource.walk(target):
            if block.has("kmsKeyArn"):
                yield from customer_key(resource, "kmsKeyArn", within=block)
    if resource.has("kinesisSourceConfiguration") or resource.has("mskSourceConfiguration"):
        raise NotApplicableError("it reads from a stream that is encrypted itself, and takes no encryption of its own")
    if not resource.flag("serverSideEncryption.enabled"):
        yield Finding("serverSideEncryption.enabled", "true")
    elif resource.text("serverSideEncryption.keyType").upper() != "CUSTOMER_MANAGED_CMK":
        yield Finding("serverSideEncryption.keyType", "CUSTOMER_MANAGED_CMK")
    else:
        yield from customer_key(resource, "serverSideEncryption.keyArn")


def _event_bus(resource: Resource) -> Findings:
    if not resource.has("kmsKeyIdentifier") and resource.stack.companions(resource, "aws:schemas/discoverer:Discoverer", by="sourceArn"):
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
        raise NotApplicableError("schemas cannot be discovered on a bus with a customer's key")
    yield from customer_key(resource, "kmsKeyIdentifier")


def _stream_application(resource: Resource) -> Findings:
    if resource.text("runtimeEnvironment").upper().startswith("SQL"):
        raise NotApplicableError("only applications of Flink take a key")
    encryption = At(
        "keyId", within="applicationConfiguration.applicationEncryptionConfiguration", kind="keyType", kinds=("CUSTOMER_MANAGED_KEY",)
    )
    yield from told_by(encryption)(resource)


def _to_bucket(block: Block) -> bool:
    return block.text("destination").upper() == "S3"


_FLOW = At("kmsKeyId", within="encryptionConfiguration", kind="type", kinds=("CUSTOMER_MANAGED_KMS_KEY",))

MESSAGES = (
    stored(
        "enc-sns-topic",
        "Topics are",
        {"aws:sns/topic:Topic": At("kmsMasterKeyId")},
        "sns/latest/dg/sns-server-side-encryption.html",
        "Set kmsMasterKeyId; the key's policy has to admit the services that publish.",
    ),
    stored(
        "enc-sqs-queue",
        "Queues are",
        {"aws:sqs/queue:Queue": At("kmsMasterKeyId")},
        "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html",
        "Set kmsMasterKeyId.",
    ),
    stored(
        "enc-mq-storage",
        "What ActiveMQ brokers store is",
        {"aws:mq/broker:Broker": _broker},
        "amazon-mq/latest/developer-guide/data-protection.html",
        "Set encryptionOptions with useAwsOwnedKey false and kmsKeyId. Changing it replaces the broker.",
    ),
    stored(
        "enc-msk-storage",
        "Kafka clusters are",
        {
            "aws:msk/cluster:Cluster": At("encryptionInfo.encryptionAtRestKmsKeyArn"),
            "aws:msk/channel:Channel": At("kmsKeyArn", within="encryptionConfiguration"),
        },
        "msk/latest/developerguide/msk-encryption.html",
        "Set encryptionInfo.encryptionAtRestKmsKeyArn. Changing it replaces the cluster.",
    ),
    stored(
        "enc-kinesis-stream",
        "Streams are",
        {
            "aws:kinesis/stream:Stream": At("kmsKeyId", kind="encryptionType", kinds=("KMS",)),
            "aws:kinesis/videoStream:VideoStream": At("kmsKeyId"),
        },
        "streams/latest/dg/server-side-encryption.html",
        "Set encryptionType to KMS and kmsKeyId, of a video stream kmsKeyId.",
    ),
    stored(
        "enc-kinesis-delivery",
        "Delivery streams are",
        {"aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": _delivery},
        "firehose/latest/dev/encryption.html",
        "Set serverSideEncryption with enabled, CUSTOMER_MANAGED_CMK and keyArn.",
    ),
    stored(
        "enc-kinesis-analytics",
        "State of stream applications is",
        {"aws:kinesisanalyticsv2/application:Application": _stream_application},
        "managed-flink/latest/java/key-management-flink.html",
        "Set applicationConfiguration.applicationEncryptionConfiguration with CUSTOMER_MANAGED_KEY and keyId.",
    ),
    stored(
        "enc-events-bus",
        "Events, their archives and schedules are",
        {
            "aws:cloudwatch/eventBus:EventBus": _event_bus,
            "aws:cloudwatch/eventArchive:EventArchive": At("kmsKeyIdentifier"),
            "aws:cloudwatch/eventConnection:EventConnection": At("kmsKeyIdentifier"),
            "aws:pipes/pipe:Pipe": At("kmsKeyIdentifier"),
            "aws:scheduler/schedule:Schedule": At("kmsKeyArn"),
            # only the filter's patterns, and only where a key is named
            "aws:lambda/eventSourceMapping:EventSourceMapping": told_by(At("kmsKeyArn", when="kmsKeyArn")),
        },
        "eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html",
        "Set kmsKeyIdentifier, of a schedule kmsKeyArn.",
    ),
    stored(
        "enc-sfn-executions",
        "Inputs and outputs of workflows are",
        {"aws:sfn/stateMachine:StateMachine": _FLOW, "aws:sfn/activity:Activity": _FLOW},
        "step-functions/latest/dg/encryption-at-rest.html",
        "Set encryptionConfiguration with CUSTOMER_MANAGED_KMS_KEY and kmsKeyId.",
    ),
    stored(
        "enc-appflow-flow",
        "Flows between applications are",
        {
            "aws:appflow/flow:Flow": At("kmsArn"),
            "aws:appflow/connectorProfile:ConnectorProfile": At("kmsArn"),
            "aws:appintegrations/dataIntegration:DataIntegration": At("kmsKey"),
            "aws:dataexchange/eventAction:EventAction": At(
                "kmsKeyArn", within="action.exportRevisionToS3.encryption", kind="type", kinds=("aws:kms",)
            ),
            "aws:appfabric/appBundle:AppBundle": At("customerManagedKeyArn"),
        },
        "appflow/latest/userguide/data-protection.html",
        "Set kmsArn, of a data integration kmsKey, of a bundle customerManagedKeyArn.",
    ),
    stored(
        "enc-mail-archive",
        "Mail is",
        {
            "aws:mailmanager/archive:Archive": At("kmsKeyArn"),
            "aws:workmail/organization:Organization": At("kmsKeyArn"),
            "aws:ses/receiptRule:ReceiptRule": told_by(
                At("kmsKeyArn", within="s3Actions", needed=False, named_only=True), otherwise="no mail is kept"
            ),
        },
        "ses/latest/dg/eb-archiving.html",
        "Set kmsKeyArn.",
    ),
    stored(
        "enc-contact-center",
        "Conversations with customers are",
        {
            "aws:connect/instanceStorageConfig:InstanceStorageConfig": told_by(
                At(
                    "keyId", within="storageConfig.kinesisVideoStreamConfig.encryptionConfig", when="storageConfig.kinesisVideoStreamConfig"
                ),
                At("keyId", within="storageConfig.s3Config.encryptionConfig", when="storageConfig.s3Config"),
                otherwise="it is a stream that is encrypted itself",
            ),
            "aws:customerprofiles/domain:Domain": At("defaultEncryptionKey"),
            "aws:chime/sdkvoiceVoiceProfileDomain:SdkvoiceVoiceProfileDomain": At("kmsKeyArn", within="serverSideEncryptionConfiguration"),
            "aws:lex/botAlias:BotAlias": told_by(
                At("kmsKeyArn", within="conversationLogs.logSettings", needed=False, where=_to_bucket), otherwise="no log goes to a bucket"
            ),
        },
        "connect/latest/adminguide/encryption-at-rest.html",
        "Name the key in each storage's encryption: keyId, defaultEncryptionKey or kmsKeyArn.",
    ),
)
