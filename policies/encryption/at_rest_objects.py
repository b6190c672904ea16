"""Controls of objects, files and backups at rest."""

from collections.abc import Callable, Iterator

from policies.encryption.at_rest_forms import CUSTOMER_KEY, At, found_in, stored, told_by
from policies.engine.blocks import Block, shown
from policies.engine.control import Finding, Findings, NotApplicableError
from policies.engine.keys import customer_key, is_customer_key
from policies.engine.resources import Resource

__all__ = ["OBJECTS", "written_to_bucket"]

_BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/directoryBucket:DirectoryBucket")
_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
# Writers of logs that cannot write to a bucket whose default is a key of KMS, and the property that names the bucket.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
# https://docs.aws.amazon.com/redshift/latest/mgmt/db-auditing.html
_PLAIN_WRITERS = (
    ("aws:lb/loadBalancer:LoadBalancer", "accessLogs.bucket"),
    ("aws:lb/loadBalancer:LoadBalancer", "connectionLogs.bucket"),
    ("aws:elb/loadBalancer:LoadBalancer", "accessLogs.bucket"),
    ("aws:s3/bucketLogging:BucketLogging", "targetBucket"),
    ("aws:s3/bucket:Bucket", "logging.targetBucket"),
    ("aws:s3/bucket:Bucket", "loggings.targetBucket"),
    ("aws:redshift/logging:Logging", "bucketName"),
)


def _bucket(resource: Resource) -> Findings:
    stated = list(_rules(resource))
    for companion in resource.stack.companions(resource, _ENCRYPTION, by="bucket"):
        stated += [(companion, default) for _, default in _rules(companion)]
    if all(default.text("sseAlgorithm") == "AES256" for _, default in stated) and _takes_plain_logs(resource):
        raise NotApplicableError("logs are delivered to it by a service that can use S3's own keys only")
    if not stated:
        yield Finding("serverSideEncryptionConfiguration", "aws:kms with a customer managed key, here or in a configuration of its own")
    for owner, default in stated:
        for finding in _default(owner, default):
            found = finding.found if finding.found is not None else shown(owner, finding.property)
            yield Finding(finding.property, finding.wanted, found=found)


def _configuration(resource: Resource) -> Findings:
    buckets = [each for each in resource.stack.of_type(*_BUCKETS) if resource.stack.refers(resource, "bucket", each)]
    if buckets:
        raise NotApplicableError("its bucket is judged")
    rules = list(_rules(resource))
    if not rules:
        yield Finding("rules", "aws:kms with a customer managed key")
    for _, default in rules:
        yield from _default(resource, default)


def _rules(owner: Resource) -> Iterator[tuple[Resource, Block]]:
    """Defaults that a bucket or its configuration states, in the spelling of each of their versions."""
    for rules in ("serverSideEncryptionConfiguration.rule", "serverSideEncryptionConfigurations.rules", "rules"):
        for default in ("applyServerSideEncryptionByDefault", "applyServerSideEncryptionByDefaults"):
            for block in owner.walk(f"{rules}.{default}"):
                yield owner, block


def _default(owner: Resource, default: Block) -> Findings:
    if not default.text("sseAlgorithm").lower().startswith("aws:kms"):
        yield found_in(owner, default, "sseAlgorithm", "aws:kms")
    else:
        yield from customer_key(owner, "kmsMasterKeyId", within=default)


def _takes_plain_logs(bucket: Resource) -> bool:
    return any(bucket.stack.companions(bucket, writer, by=by) for writer, by in _PLAIN_WRITERS)


def _is_of_this_stack(resource: Resource, path: str) -> bool:
    """Whether a property names a bucket of the stack, which is judged itself."""
    buckets = resource.stack.of_type(*_BUCKETS)
    if any(resource.stack.refers(resource, path, each) for each in buckets):
        return True
    # an ARN that is written out
    return any(name in each.identities() for each in buckets for name in resource.text(path).split(":::")[1:])


def _object(resource: Resource) -> Findings:
    algorithm = resource.text("serverSideEncryption").lower()
    if resource.has("kmsKeyId"):
        yield from customer_key(resource, "kmsKeyId")
    elif algorithm and not algorithm.startswith("aws:kms"):
        yield Finding("serverSideEncryption", "aws:kms with kmsKeyId, or nothing: the bucket's default")
    elif algorithm:
        # without a key S3 takes its own of KMS, whatever the bucket's default is
        yield Finding("kmsKeyId", CUSTOMER_KEY)
    elif _is_of_this_stack(resource, "bucket"):
        raise NotApplicableError("it is encrypted as its bucket is")
    else:
        yield Finding("kmsKeyId", f"{CUSTOMER_KEY}: its bucket is not of this stack, and may encrypt under S3's own")


def written_to_bucket(key: str, bucket: str) -> Callable[[Resource], Findings]:
    """What a service writes to a bucket, under the bucket's default unless a key is named."""

    def judge(resource: Resource) -> Findings:
        if not resource.has(key) and _is_of_this_stack(resource, bucket):
            raise NotApplicableError("it is encrypted as its bucket is")
        yield from customer_key(resource, key)

    return judge


def _report(destination: str, bucket: str) -> Callable[[Resource], Findings]:
    """Reports that S3 writes to a bucket, under the bucket's default unless they say otherwise."""

    def judge(resource: Resource) -> Findings:
        stated = False
        for block in resource.walk(destination):
            stated = True
            if block.has("encryption.sseKms") or block.has("encryption.sseS3") or block.has("encryption.sseS3s"):
                for key in block.walk("encryption.sseKms"):
                    yield from customer_key(resource, "keyId", within=key)
                if not block.has("encryption.sseKms"):
                    yield found_in(resource, block, "encryption", f"sseKms with {CUSTOMER_KEY}")
            elif not _is_of_this_stack(resource, bucket):
                yield found_in(resource, block, "encryption", f"sseKms with {CUSTOMER_KEY}")
        if not stated:
            raise NotApplicableError("nothing is written to a bucket")

    return judge


def _replicas(resource: Resource) -> Findings:
    judged = False
    for rule in resource.blocks("rules"):
        selects = rule.text("sourceSelectionCriteria.sseKmsEncryptedObjects.status").lower() == "enabled"
        key = "destination.encryptionConfiguration.replicaKmsKeyId"
        if rule.text("status").lower() != "disabled" and (selects or rule.has(key)):
            judged = True
            yield from customer_key(resource, key, within=rule)
    if not judged:
        raise NotApplicableError("replicas are encrypted as their objects are")


def _lustre(resource: Resource) -> Findings:
    # the provider's default is SCRATCH_1, and those are encrypted under a key of FSx
    if resource.text("deploymentType", "SCRATCH_1").upper().startswith("SCRATCH"):
        raise NotApplicableError("FSx encrypts scratch file systems under a key of its own")
    yield from customer_key(resource, "kmsKeyId")


def _file_replica(resource: Resource) -> Findings:
    for destination in resource.walk("destination"):
        if destination.has("fileSystemId"):
            raise NotApplicableError("the file system that it copies to is encrypted itself")
        yield from customer_key(resource, "kmsKeyId", within=destination)


def _vault_copies(resource: Resource) -> Findings:
    judged = False
    for schedule in resource.walk("policyDetails.schedules"):
        for rule in schedule.blocks("crossRegionCopyRules"):
            judged = True
            yield from At("cmkArn", switch="encrypted").findings(resource, rule)
    for copy in resource.walk("policyDetails.action.crossRegionCopies.encryptionConfiguration"):
        judged = True
        yield from At("cmkArn", switch="encrypted").findings(resource, copy)
    if not judged:
        raise NotApplicableError("nothing is copied to another region")


def _lake(resource: Resource) -> Findings:
    for region in resource.blocks("configuration"):
        keys = region.blocks("encryptionConfigurations")
        if not keys:
            yield found_in(resource, region, "encryptionConfigurations", f"kmsKeyId with {CUSTOMER_KEY}")
        for key in keys:
            if not is_customer_key(key.text("kmsKeyId")):
                yield found_in(resource, key, "kmsKeyId", CUSTOMER_KEY)


def _tables(within: str, kind: str, *, needed: bool = True) -> At:
    return At("kmsKeyArn", within=within, needed=needed, kind=kind, kinds=("aws:kms",))


_SHARE = At("kmsKeyArn", switch="kmsEncrypted")
_VOLUME = At("kmsKey", switch="kmsEncrypted")

OBJECTS = (
    stored(
        "enc-s3-bucket",
        "Buckets are",
        {**dict.fromkeys(_BUCKETS, _bucket), _ENCRYPTION: _configuration},
        "AmazonS3/latest/userguide/UsingKMSEncryption.html",
        "Declare a BucketServerSideEncryptionConfiguration with aws:kms and kmsMasterKeyId.",
    ),
    stored(
        "enc-s3-object",
        "Objects are",
        {
            "aws:s3/bucketObject:BucketObject": _object,
            "aws:s3/bucketObjectv2:BucketObjectv2": _object,
            "aws:s3/objectCopy:ObjectCopy": _object,
        },
        "AmazonS3/latest/userguide/specifying-kms-encryption.html",
        "Set kmsKeyId, or leave serverSideEncryption to a bucket whose default has a customer's key.",
    ),
    stored(
        "enc-s3-reports",
        "Reports of what buckets hold are",
        {
            "aws:s3/inventory:Inventory": _report("destination.bucket", "destination.bucket.bucketArn"),
            "aws:s3control/storageLensConfiguration:StorageLensConfiguration": _report(
                "storageLensConfiguration.dataExport.s3BucketDestination", "storageLensConfiguration.dataExport.s3BucketDestination.arn"
            ),
        },
        "AmazonS3/latest/userguide/configure-inventory.html",
        "Set encryption.sseKms.keyId of the destination.",
    ),
    stored(
        "enc-s3-replicas",
        "Replicas of objects are",
        {"aws:s3/bucketReplicationConfig:BucketReplicationConfig": _replicas},
        "AmazonS3/latest/userguide/replication-config-for-kms-objects.html",
        "Set destination.encryptionConfiguration.replicaKmsKeyId to a key of the destination's region.",
    ),
    stored(
        "enc-s3-tables",
        "Buckets of tables and of vectors are",
        {
            "aws:s3tables/tableBucket:TableBucket": _tables("encryptionConfiguration", "sseAlgorithm"),
            "aws:s3tables/table:Table": told_by(
                _tables("encryptionConfiguration", "sseAlgorithm", needed=False), otherwise="it is encrypted as its bucket is"
            ),
            "aws:s3/vectorsVectorBucket:VectorsVectorBucket": _tables("encryptionConfigurations", "sseType"),
            "aws:s3/vectorsIndex:VectorsIndex": told_by(
                _tables("encryptionConfigurations", "sseType", needed=False), otherwise="it is encrypted as its bucket is"
            ),
            "aws:s3/bucketMetadataConfiguration:BucketMetadataConfiguration": told_by(
                _tables("metadataConfiguration.inventoryTableConfiguration.encryptionConfiguration", "sseAlgorithm", needed=False),
                _tables("metadataConfiguration.journalTableConfiguration.encryptionConfiguration", "sseAlgorithm", needed=False),
                otherwise="they are encrypted as the bucket of tables is",
            ),
            "aws:s3/filesFileSystem:FilesFileSystem": At("kmsKeyId"),
            "aws:observabilityadmin/s3TableIntegration:S3TableIntegration": _tables("encryption", "sseAlgorithm"),
        },
        "AmazonS3/latest/userguide/s3-tables-kms-encryption.html",
        "Name aws:kms and the key in the encryption configuration. Changing it replaces vector buckets.",
    ),
    stored(
        "enc-efs-storage",
        "File systems are",
        {
            "aws:efs/fileSystem:FileSystem": At("kmsKeyId", switch="encrypted"),
            "aws:efs/replicationConfiguration:ReplicationConfiguration": _file_replica,
        },
        "efs/latest/ug/encryption-at-rest.html",
        "Set encrypted and kmsKeyId, of a replica destination.kmsKeyId. Changing any replaces the file system.",
    ),
    stored(
        "enc-fsx-storage",
        "File systems of FSx are",
        {
            "aws:fsx/windowsFileSystem:WindowsFileSystem": At("kmsKeyId"),
            "aws:fsx/ontapFileSystem:OntapFileSystem": At("kmsKeyId"),
            "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": At("kmsKeyId"),
            "aws:fsx/lustreFileSystem:LustreFileSystem": _lustre,
            "aws:fsx/fileCache:FileCache": At("kmsKeyId"),
        },
        "fsx/latest/WindowsGuide/encryption-at-rest.html",
        "Set kmsKeyId. Changing it replaces the file system.",
    ),
    stored(
        "enc-storagegateway-storage",
        "What storage gateways keep is",
        {
            "aws:storagegateway/nfsFileShare:NfsFileShare": _SHARE,
            "aws:storagegateway/smbFileShare:SmbFileShare": _SHARE,
            "aws:storagegateway/cachesIscsiVolume:CachesIscsiVolume": _VOLUME,
            "aws:storagegateway/storedIscsiVolume:StoredIscsiVolume": _VOLUME,
        },
        "storagegateway/latest/APIReference/API_CreateNFSFileShare.html",
        "Set kmsEncrypted and the key.",
    ),
    stored(
        "enc-backup-vault",
        "Backup vaults are",
        {
            "aws:backup/vault:Vault": At("kmsKeyArn"),
            "aws:backup/logicallyAirGappedVault:LogicallyAirGappedVault": At("encryptionKeyArn"),
        },
        "aws-backup/latest/devguide/encryption.html",
        "Set kmsKeyArn (encryptionKeyArn of an air-gapped vault). Changing it replaces the vault.",
    ),
    stored(
        "enc-dlm-copies",
        "Copies of snapshots in other regions are",
        {"aws:dlm/lifecyclePolicy:LifecyclePolicy": _vault_copies},
        "ebs/latest/userguide/snapshot-lifecycle.html",
        "Set encrypted and cmkArn of each copy to another region.",
    ),
    stored(
        "enc-securitylake-lake",
        "The lake of security logs is",
        {"aws:securitylake/dataLake:DataLake": _lake},
        "security-lake/latest/userguide/data-protection.html",
        "Set encryptionConfigurations with kmsKeyId for each region.",
    ),
)
