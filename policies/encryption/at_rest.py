"""Controls of data at rest."""

from collections.abc import Callable

from policies.engine.control import Control, Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.keys import customer_key
from policies.engine.resources import Resource

__all__ = ["AT_REST"]


def _encrypted(switch: str, key: str) -> Callable[[Resource], Findings]:
    """Encryption that is off unless it is switched on, under a key that is AWS's unless one is named."""

    def judge(resource: Resource) -> Findings:
        if resource.flag(switch):
            yield from customer_key(resource, key)
        else:
            yield Finding(switch, "true")

    return judge


def _keyed(key: str) -> Callable[[Resource], Findings]:
    """Encryption that is always on, under a key that is AWS's unless one is named."""
    return lambda resource: customer_key(resource, key)


_FAMILY = Family(
    Severity.HIGH,
    "Whoever gets hold of the storage or of a copy reads it, unless a key is needed whose use the customer grants, logs and can end.",
)


def _stored(id_: str, what: str, types: tuple[str, ...], judge: Callable[[Resource], Findings], guide: str, fix: str) -> Control:
    return _FAMILY.control(id_, f"{what} encrypted with a customer managed key", types, judge, guide, fix)


def _rds_instance(resource: Resource) -> Findings:
    if resource.has("replicateSourceDb") and not resource.text("replicateSourceDb").startswith("arn:") and not resource.has("kmsKeyId"):
        raise NotApplicableError("a replica in the same region is encrypted as its source is")
    yield from _encrypted("storageEncrypted", "kmsKeyId")(resource)


def _rds_member(resource: Resource) -> Findings:
    if not resource.flag("performanceInsightsEnabled"):
        raise NotApplicableError("Performance Insights is off")
    yield from customer_key(resource, "performanceInsightsKmsKeyId")


def _managed_password(resource: Resource) -> Findings:
    if not resource.flag("manageMasterUserPassword"):
        raise NotApplicableError("the password is not managed in Secrets Manager")
    yield from customer_key(resource, "masterUserSecretKmsKeyId")


def _cache(resource: Resource) -> Findings:
    # the provider's default differs by engine, and its default engine is redis
    if resource.flag("atRestEncryptionEnabled", default=resource.text("engine").lower() == "valkey"):
        yield from customer_key(resource, "kmsKeyId")
    else:
        yield Finding("atRestEncryptionEnabled", "true")


def _broker(resource: Resource) -> Findings:
    if resource.text("engineType").lower() == "rabbitmq":
        raise NotApplicableError("Amazon MQ encrypts RabbitMQ under a key of its own: a customer's cannot be chosen")
    if resource.flag("encryptionOptions.useAwsOwnedKey", default=True):
        yield Finding("encryptionOptions.useAwsOwnedKey", "false")
    else:
        yield from customer_key(resource, "encryptionOptions.kmsKeyId")


def _cluster_secrets(resource: Resource) -> Findings:
    block = resource.block("encryptionConfig")
    if not block.present:
        yield Finding("encryptionConfig", "provider.keyArn of a customer managed key, for the resources `secrets`")
        return
    if "secrets" not in block.texts("resources"):
        yield Finding("encryptionConfig.resources", "secrets")
    yield from customer_key(resource, "encryptionConfig.provider.keyArn")


_BUCKET_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def _bucket(resource: Resource) -> Findings:
    inline = resource.block("serverSideEncryptionConfiguration")
    stated = [("serverSideEncryptionConfiguration.rule", resource)] if inline.present else []
    stated += [("rules", each) for each in resource.stack.companions(resource, _BUCKET_ENCRYPTION, by="bucket")]
    if not stated:
        yield Finding("serverSideEncryptionConfiguration", "aws:kms with a customer managed key, here or in a configuration of its own")
    for path, owner in stated:
        default = f"{path}.applyServerSideEncryptionByDefault"
        algorithm = owner.text(f"{default}.sseAlgorithm")
        if algorithm == "AES256" and resource.stack.companions(resource, "aws:lb/loadBalancer:LoadBalancer", by="accessLogs.bucket"):
            raise NotApplicableError("a load balancer delivers its access logs to buckets under S3's own keys only")
        if not algorithm.startswith("aws:kms"):
            yield Finding(f"{default}.sseAlgorithm", "aws:kms", found=algorithm or "nothing")
        else:
            for finding in customer_key(owner, f"{default}.kmsMasterKeyId"):
                yield Finding(finding.property, finding.wanted, found=owner.text(finding.property) or "nothing")


def _stream(resource: Resource) -> Findings:
    if resource.text("encryptionType").upper() != "KMS":
        yield Finding("encryptionType", "KMS")
    else:
        yield from customer_key(resource, "kmsKeyId")


def _repository(resource: Resource) -> Findings:
    if not resource.text("encryptionConfigurations.encryptionType").upper().startswith("KMS"):
        yield Finding("encryptionConfigurations", "encryptionType KMS with a customer managed key")
    else:
        yield from customer_key(resource, "encryptionConfigurations.kmsKey")


def _launch_template(resource: Resource) -> Findings:
    for number, mapping in enumerate(resource.blocks("blockDeviceMappings")):
        path = f"blockDeviceMappings.{number}.ebs"
        volume = mapping.block("ebs")
        if volume.present and not volume.flag("encrypted"):
            yield Finding(f"{path}.encrypted", "true")
        elif volume.present:
            yield from customer_key(resource, f"{path}.kmsKeyId")


def _storage_class(resource: Resource) -> Findings:
    if resource.text("provisioner") not in ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com"):
        raise NotApplicableError("its volumes are not those of EBS")
    if not resource.flag("parameters.encrypted"):
        yield Finding("parameters.encrypted", '"true"')
    else:
        yield from customer_key(resource, "parameters.kmsKeyId")


def _release_pipeline(resource: Resource) -> Findings:
    for number, _ in enumerate(resource.blocks("artifactStores")):
        yield from customer_key(resource, f"artifactStores.{number}.encryptionKey.id")


AT_REST = (
    _stored(
        "enc-rds-instance-storage",
        "Storage of database instances is",
        ("aws:rds/instance:Instance",),
        _rds_instance,
        "AmazonRDS/latest/UserGuide/Overview.Encryption.html",
        "Set storageEncrypted and kmsKeyId. Changing either replaces the instance: restore an encrypted copy of a snapshot.",
    ),
    _stored(
        "enc-rds-cluster-storage",
        "Storage of database clusters is",
        ("aws:rds/cluster:Cluster",),
        _encrypted("storageEncrypted", "kmsKeyId"),
        "AmazonRDS/latest/AuroraUserGuide/Overview.Encryption.html",
        "Set storageEncrypted and kmsKeyId. Changing either replaces the cluster.",
    ),
    _stored(
        "enc-rds-performance-insights",
        "Performance Insights is",
        ("aws:rds/instance:Instance", "aws:rds/clusterInstance:ClusterInstance"),
        _rds_member,
        "AmazonRDS/latest/UserGuide/USER_PerfInsights.access-control.cmk-policy.html",
        "Set performanceInsightsKmsKeyId. It holds query texts; the key cannot be changed later.",
    ),
    _stored(
        "enc-rds-managed-password",
        "The managed master password is",
        ("aws:rds/instance:Instance", "aws:rds/cluster:Cluster", "aws:docdb/cluster:Cluster"),
        _managed_password,
        "AmazonRDS/latest/UserGuide/rds-secrets-manager.html",
        "Set masterUserSecretKmsKeyId.",
    ),
    _stored(
        "enc-documentdb-storage",
        "Storage of DocumentDB is",
        ("aws:docdb/cluster:Cluster",),
        _encrypted("storageEncrypted", "kmsKeyId"),
        "documentdb/latest/developerguide/encryption-at-rest.html",
        "Set storageEncrypted and kmsKeyId. Changing either replaces the cluster.",
    ),
    _stored(
        "enc-neptune-storage",
        "Storage of Neptune is",
        ("aws:neptune/cluster:Cluster",),
        _encrypted("storageEncrypted", "kmsKeyArn"),
        "neptune/latest/userguide/encrypt.html",
        "Set storageEncrypted and kmsKeyArn. Changing either replaces the cluster.",
    ),
    _stored(
        "enc-elasticache-storage",
        "What caches write to disk is",
        ("aws:elasticache/replicationGroup:ReplicationGroup",),
        _cache,
        "AmazonElastiCache/latest/dg/at-rest-encryption.html",
        "Set atRestEncryptionEnabled and kmsKeyId. Changing either replaces the cache.",
    ),
    _stored(
        "enc-elasticache-serverless",
        "Serverless caches are",
        ("aws:elasticache/serverlessCache:ServerlessCache",),
        _keyed("kmsKeyId"),
        "AmazonElastiCache/latest/dg/at-rest-encryption.html",
        "Set kmsKeyId. Changing it replaces the cache.",
    ),
    _stored(
        "enc-memorydb-storage",
        "MemoryDB is",
        ("aws:memorydb/cluster:Cluster",),
        _keyed("kmsKeyArn"),
        "memorydb/latest/devguide/at-rest-encryption.html",
        "Set kmsKeyArn. Changing it replaces the cluster.",
    ),
    _stored(
        "enc-mq-storage",
        "What ActiveMQ brokers store is",
        ("aws:mq/broker:Broker",),
        _broker,
        "amazon-mq/latest/developer-guide/data-protection.html",
        "Set encryptionOptions with useAwsOwnedKey false and kmsKeyId. Changing it replaces the broker.",
    ),
    _stored(
        "enc-opensearch-storage",
        "Search domains are",
        ("aws:opensearch/domain:Domain", "aws:elasticsearch/domain:Domain"),
        _encrypted("encryptAtRest.enabled", "encryptAtRest.kmsKeyId"),
        "opensearch-service/latest/developerguide/encryption-at-rest.html",
        "Set encryptAtRest.enabled and encryptAtRest.kmsKeyId.",
    ),
    _stored(
        "enc-s3-bucket",
        "Buckets are",
        ("aws:s3/bucket:Bucket",),
        _bucket,
        "AmazonS3/latest/userguide/UsingKMSEncryption.html",
        "Declare a BucketServerSideEncryptionConfiguration with aws:kms and kmsMasterKeyId.",
    ),
    _stored(
        "enc-ebs-volume",
        "Volumes are",
        ("aws:ebs/volume:Volume",),
        _encrypted("encrypted", "kmsKeyId"),
        "ebs/latest/userguide/ebs-encryption.html",
        "Set encrypted and kmsKeyId. Changing either replaces the volume.",
    ),
    _stored(
        "enc-ec2-launch-template",
        "Volumes of launch templates are",
        ("aws:ec2/launchTemplate:LaunchTemplate",),
        _launch_template,
        "ebs/latest/userguide/ebs-encryption.html",
        "Set encrypted and kmsKeyId in each block device mapping.",
    ),
    _stored(
        "enc-efs-storage",
        "File systems are",
        ("aws:efs/fileSystem:FileSystem",),
        _encrypted("encrypted", "kmsKeyId"),
        "efs/latest/ug/encryption-at-rest.html",
        "Set encrypted and kmsKeyId. Changing either replaces the file system.",
    ),
    _stored(
        "enc-sns-topic",
        "Topics are",
        ("aws:sns/topic:Topic",),
        _keyed("kmsMasterKeyId"),
        "sns/latest/dg/sns-server-side-encryption.html",
        "Set kmsMasterKeyId; the key's policy has to admit the services that publish.",
    ),
    _stored(
        "enc-sqs-queue",
        "Queues are",
        ("aws:sqs/queue:Queue",),
        _keyed("kmsMasterKeyId"),
        "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html",
        "Set kmsMasterKeyId.",
    ),
    _stored(
        "enc-kinesis-stream",
        "Streams are",
        ("aws:kinesis/stream:Stream",),
        _stream,
        "streams/latest/dg/server-side-encryption.html",
        "Set encryptionType to KMS and kmsKeyId.",
    ),
    _stored(
        "enc-dynamodb-table",
        "Tables are",
        ("aws:dynamodb/table:Table",),
        _encrypted("serverSideEncryption.enabled", "serverSideEncryption.kmsKeyArn"),
        "amazondynamodb/latest/developerguide/EncryptionAtRest.html",
        "Set serverSideEncryption with enabled and kmsKeyArn.",
    ),
    _stored(
        "enc-logs-group",
        "Log groups are",
        ("aws:cloudwatch/logGroup:LogGroup",),
        # Amazon MQ and some other services create groups of their own; those that are declared can all have a key
        _keyed("kmsKeyId"),
        "AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        "Set kmsKeyId; the key's policy has to admit the regional logs service.",
    ),
    _stored(
        "enc-secretsmanager-secret",
        "Secrets are",
        ("aws:secretsmanager/secret:Secret",),
        _keyed("kmsKeyId"),
        "secretsmanager/latest/userguide/security-encryption.html",
        "Set kmsKeyId.",
    ),
    _stored(
        "enc-backup-vault",
        "Backup vaults are",
        ("aws:backup/vault:Vault",),
        _keyed("kmsKeyArn"),
        "aws-backup/latest/devguide/encryption.html",
        "Set kmsKeyArn. Changing it replaces the vault.",
    ),
    _stored(
        "enc-eks-secrets",
        "Secrets of Kubernetes are",
        ("aws:eks/cluster:Cluster",),
        _cluster_secrets,
        "eks/latest/userguide/envelope-encryption.html",
        "Set encryptionConfig with provider.keyArn and the resources `secrets`. It cannot be taken back.",
    ),
    _stored(
        "enc-ecr-repository",
        "Image repositories are",
        ("aws:ecr/repository:Repository",),
        _repository,
        "AmazonECR/latest/userguide/encryption-at-rest.html",
        "Set encryptionConfigurations with KMS and kmsKey. Changing it replaces the repository.",
    ),
    _stored(
        "enc-cloudtrail-logs",
        "Trails are",
        ("aws:cloudtrail/trail:Trail",),
        _keyed("kmsKeyId"),
        "awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html",
        "Set kmsKeyId.",
    ),
    _stored(
        "enc-prometheus-workspace",
        "Metrics workspaces are",
        ("aws:amp/workspace:Workspace",),
        _keyed("kmsKeyArn"),
        "prometheus/latest/userguide/encryption-at-rest-Amazon-Service-Prometheus.html",
        "Set kmsKeyArn. Changing it replaces the workspace.",
    ),
    _stored(
        "enc-redshift-storage",
        "Data warehouses are",
        ("aws:redshift/cluster:Cluster",),
        _encrypted("encrypted", "kmsKeyId"),
        "redshift/latest/mgmt/working-with-db-encryption.html",
        "Set encrypted and kmsKeyId.",
    ),
    _stored(
        "enc-dms-instance",
        "Replication instances are",
        ("aws:dms/replicationInstance:ReplicationInstance",),
        _keyed("kmsKeyArn"),
        "dms/latest/userguide/CHAP_Security.html",
        "Set kmsKeyArn. Changing it replaces the instance.",
    ),
    _stored(
        "enc-msk-storage",
        "Kafka clusters are",
        ("aws:msk/cluster:Cluster",),
        _keyed("encryptionInfo.encryptionAtRestKmsKeyArn"),
        "msk/latest/developerguide/msk-encryption.html",
        "Set encryptionInfo.encryptionAtRestKmsKeyArn. Changing it replaces the cluster.",
    ),
    _stored(
        "enc-codepipeline-artifacts",
        "Artifacts of pipelines are",
        ("aws:codepipeline/pipeline:Pipeline",),
        _release_pipeline,
        "codepipeline/latest/userguide/S3-artifact-encryption.html",
        "Set encryptionKey of each artifact store.",
    ),
    _stored(
        "enc-k8s-storage-class",
        "Volumes of pods are",
        ("kubernetes:storage.k8s.io:StorageClass",),
        _storage_class,
        "eks/latest/userguide/create-storage-class.html",
        'Set the parameters encrypted: "true" and kmsKeyId. A storage class cannot be changed: declare another.',
    ),
)
