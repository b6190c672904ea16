"""Controls of volumes, images and machines at rest."""

from policies.encryption.at_rest_forms import CUSTOMER_KEY, At, found_in, sealed, stored
from policies.engine.blocks import Block
from policies.engine.control import Finding, Findings, NotApplicableError
from policies.engine.keys import customer_key
from policies.engine.resources import Resource

__all__ = ["VOLUMES"]

_BY_DEFAULT = "aws:ebs/encryptionByDefault:EncryptionByDefault"
_DEFAULT_KEY = "aws:ebs/defaultKmsKey:DefaultKmsKey"


def _volume(resource: Resource, block: Block, *, key: str = "kmsKeyId") -> Findings:
    """A volume of EBS: as it says itself, otherwise as the region's default that the stack declares."""
    if not block.flag("encrypted", default=not block.has("encrypted") and _by_default(resource)):
        yield found_in(resource, block, "encrypted", "true")
    elif key and (block.has(key) or not _has_default_key(resource)):
        yield from customer_key(resource, key, within=block)


def _by_default(resource: Resource) -> bool:
    return any(each.flag("enabled", default=True) for each in _of_its_region(resource, _BY_DEFAULT))


def _has_default_key(resource: Resource) -> bool:
    # whether that key is the customer's is judged where it is declared
    return bool(_of_its_region(resource, _DEFAULT_KEY))


def _of_its_region(resource: Resource, type_: str) -> list[Resource]:
    # a volume of Kubernetes does not say its region
    return [each for each in resource.stack.of_type(type_) if resource.type.startswith("kubernetes:") or each.region() == resource.region()]


def _single(resource: Resource) -> Findings:
    yield from _volume(resource, resource)


def _devices(resource: Resource, owner: Block, *names: str, key: str = "kmsKeyId") -> Findings:
    for name in names:
        for device in owner.blocks(name):
            # the provider takes no encryption beside a snapshot: the volume is as the snapshot is
            if not device.flag("noDevice") and not (device.has("snapshotId") and not device.has("encrypted")):
                yield from _volume(resource, device, key=key)


def _from_encrypted_image(resource: Resource) -> bool:
    """Whether the image is a copy that the stack encrypts: volumes are then encrypted under the copy's key."""
    return any(
        resource.stack.refers(resource, by, copy) and copy.flag("encrypted")
        for copy in resource.stack.of_type("aws:ec2/amiCopy:AmiCopy")
        for by in ("ami", "imageId")
    )


def _machine(resource: Resource, key: str = "kmsKeyId") -> Findings:
    if not resource.has("rootBlockDevice"):
        if resource.has("launchTemplate") or _from_encrypted_image(resource):
            if not resource.has("ebsBlockDevices"):
                raise NotApplicableError("its volumes are those of its launch template or of an encrypted image")
        elif not _by_default(resource):
            yield Finding("rootBlockDevice", "encrypted true: an image's root volume is not, unless it is said")
        elif key and not _has_default_key(resource):
            yield Finding("rootBlockDevice", f"kmsKeyId with {CUSTOMER_KEY}")
    yield from _devices(resource, resource, "rootBlockDevice", "ebsBlockDevices", key=key)


def _launch_configuration(resource: Resource) -> Findings:
    yield from _machine(resource, key="")


def _spot_fleet(resource: Resource) -> Findings:
    specifications = resource.blocks("launchSpecifications")
    if not specifications:
        raise NotApplicableError("its volumes are those of its launch template")
    for specification in specifications:
        if not specification.has("rootBlockDevices") and not _by_default(resource):
            yield found_in(resource, specification, "rootBlockDevices", "encrypted true: an image's root volume is not, unless it is said")
        yield from _devices(resource, specification, "rootBlockDevices", "ebsBlockDevices")


def _launch_template(resource: Resource) -> Findings:
    yield from _mapped(resource, "blockDeviceMappings")


def _container_recipe(resource: Resource) -> Findings:
    yield from customer_key(resource, "kmsKeyId")
    yield from _mapped(resource, "instanceConfiguration.blockDeviceMappings")


def _image_recipe(resource: Resource) -> Findings:
    if not resource.has("blockDeviceMappings"):
        raise NotApplicableError("its volumes are as those of its parent image; a distribution encrypts copies")
    yield from _mapped(resource, "blockDeviceMappings")


def _mapped(resource: Resource, path: str) -> Findings:
    for mapping in resource.walk(path):
        for volume in mapping.blocks("ebs"):
            if not (volume.has("snapshotId") and not volume.has("encrypted")):
                yield from _volume(resource, volume)


def _image(resource: Resource) -> Findings:
    if not resource.has("ebsBlockDevices"):
        raise NotApplicableError("it declares no volume")
    yield from _devices(resource, resource, "ebsBlockDevices", key="")


def _distribution(resource: Resource) -> Findings:
    images = tuple(resource.walk("distributions.amiDistributionConfiguration"))
    if not images:
        raise NotApplicableError("it distributes no machine images")
    for image in images:
        yield from customer_key(resource, "kmsKeyId", within=image)


def _default_encryption(resource: Resource) -> Findings:
    if not resource.flag("enabled", default=True):
        yield Finding("enabled", "true")


def _task_volumes(resource: Resource) -> Findings:
    volumes = tuple(resource.walk("volumeConfiguration.managedEbsVolume"))
    if not volumes:
        raise NotApplicableError("it has no volumes of its own")
    for volume in volumes:
        # ECS encrypts unless it is told not to
        if not volume.flag("encrypted", default=True):
            yield found_in(resource, volume, "encrypted", "true")
        elif volume.has("kmsKeyId") or not _has_default_key(resource):
            yield from customer_key(resource, "kmsKeyId", within=volume)


def _recovery(resource: Resource) -> Findings:
    if resource.text("ebsEncryption").upper() != "CUSTOM" and not _has_default_key(resource):
        yield Finding("ebsEncryption", "CUSTOM, with ebsEncryptionKeyArn")
    elif resource.text("ebsEncryption").upper() == "CUSTOM":
        yield from customer_key(resource, "ebsEncryptionKeyArn")


_EBS_DRIVERS = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "kubernetes.io/aws-ebs")
_LUSTRE_DRIVER = "fsx.csi.aws.com"


def _storage_class(resource: Resource) -> Findings:
    provisioner = resource.text("provisioner").lower()
    if provisioner not in (*_EBS_DRIVERS, _LUSTRE_DRIVER):
        raise NotApplicableError("its volumes are those of neither EBS nor FSx")
    # drivers read the names of parameters in any case
    names = {name.lower(): name for name in resource.block("parameters").names()}
    key = f"parameters.{names.get('kmskeyid', 'kmsKeyId')}"
    if provisioner == _LUSTRE_DRIVER:
        if resource.text(f"parameters.{names.get('deploymenttype', 'deploymentType')}", "SCRATCH_1").upper().startswith("SCRATCH"):
            raise NotApplicableError("FSx encrypts scratch file systems under a key of its own")
        yield from customer_key(resource, key)
        return
    switch = f"parameters.{names.get('encrypted', 'encrypted')}"
    if not resource.flag(switch, default="encrypted" not in names and _by_default(resource)):
        yield Finding(switch, '"true"')
    elif resource.has(key) or not _has_default_key(resource):
        yield from customer_key(resource, key)


def _nodes(resource: Resource) -> Findings:
    """Machines that Karpenter starts. Where it says nothing of disks, the family of their image decides.

    https://karpenter.sh/docs/concepts/nodeclasses/#specblockdevicemappings
    """
    disks = tuple(resource.walk("spec.blockDeviceMappings.ebs"))
    if not disks:
        raise NotApplicableError("it says nothing of disks")
    for disk in disks:
        if not disk.flag("encrypted", default=not disk.has("encrypted") and _by_default(resource)):
            yield found_in(resource, disk, "encrypted", "true")
        elif disk.has("kmsKeyID") or not _has_default_key(resource):
            yield from customer_key(resource, "kmsKeyID", within=disk)


def _own_nodes(resource: Resource) -> Findings:
    if not resource.has("spec.ephemeralStorage.kmsKeyID"):
        raise NotApplicableError("EKS encrypts disks of its nodes")
    yield from customer_key(resource, "spec.ephemeralStorage.kmsKeyID")


def _api_objects(resource: Resource) -> Findings:
    """The file of a Kubernetes API server: its first provider writes, `identity` in plain."""
    for each in resource.blocks("resources"):
        providers = each.blocks("providers")
        if "secrets" in each.texts("resources") and (not providers or "kms" not in providers[0].names()):
            yield found_in(resource, each, "providers", "kms first: identity writes in plain, the others keep their keys beside the data")


def _desktop(resource: Resource) -> Findings:
    for switch in ("rootVolumeEncryptionEnabled", "userVolumeEncryptionEnabled"):
        if not resource.flag(switch):
            yield Finding(switch, "true")
    yield from customer_key(resource, "volumeEncryptionKey")


VOLUMES = (
    stored(
        "enc-ebs-volume",
        "Volumes are",
        {"aws:ebs/volume:Volume": _single},
        "ebs/latest/userguide/ebs-encryption.html",
        "Set encrypted and kmsKeyId. Changing either replaces the volume.",
    ),
    stored(
        "enc-ebs-snapshot",
        "Copied and imported snapshots are",
        {"aws:ebs/snapshotCopy:SnapshotCopy": _single, "aws:ebs/snapshotImport:SnapshotImport": _single},
        "ebs/latest/userguide/ebs-copy-snapshot.html",
        "Set encrypted and kmsKeyId. Changing either replaces the snapshot.",
    ),
    stored(
        "enc-ebs-default",
        "New volumes of the account are",
        {_BY_DEFAULT: _default_encryption, _DEFAULT_KEY: At("keyArn")},
        "ebs/latest/userguide/encryption-by-default.html",
        "Set enabled of EncryptionByDefault, and keyArn of DefaultKmsKey.",
    ),
    stored(
        "enc-ec2-instance",
        "Volumes of instances are",
        {
            "aws:ec2/instance:Instance": _machine,
            "aws:ec2/spotInstanceRequest:SpotInstanceRequest": _machine,
            "aws:ec2/spotFleetRequest:SpotFleetRequest": _spot_fleet,
        },
        "ebs/latest/userguide/ebs-encryption.html",
        "Set encrypted and kmsKeyId of rootBlockDevice and of each of ebsBlockDevices. Changing either replaces the instance.",
    ),
    sealed(
        "enc-ec2-launch-configuration",
        "Volumes of launch configurations are",
        {"aws:ec2/launchConfiguration:LaunchConfiguration": _launch_configuration},
        "autoscaling/ec2/userguide/launch-configurations.html",
        "Set encrypted of rootBlockDevice and of each of ebsBlockDevices; only a launch template can name a key.",
    ),
    stored(
        "enc-ec2-launch-template",
        "Volumes of launch templates are",
        {"aws:ec2/launchTemplate:LaunchTemplate": _launch_template},
        "ebs/latest/userguide/ebs-encryption.html",
        "Set encrypted and kmsKeyId in each block device mapping.",
    ),
    sealed(
        "enc-ec2-image",
        "Volumes of images are",
        {"aws:ec2/ami:Ami": _image},
        "AWSEC2/latest/UserGuide/AMIEncryption.html",
        "Set encrypted of each of ebsBlockDevices, or register an encrypted snapshot.",
    ),
    stored(
        "enc-ec2-image-copy",
        "Copies of images are",
        {"aws:ec2/amiCopy:AmiCopy": _single},
        "AWSEC2/latest/UserGuide/AMIEncryption.html",
        "Set encrypted and kmsKeyId. Changing either replaces the copy.",
    ),
    stored(
        "enc-imagebuilder-image",
        "What Image Builder makes is",
        {
            "aws:imagebuilder/component:Component": At("kmsKeyId"),
            "aws:imagebuilder/workflow:Workflow": At("kmsKeyId"),
            "aws:imagebuilder/containerRecipe:ContainerRecipe": _container_recipe,
            "aws:imagebuilder/imageRecipe:ImageRecipe": _image_recipe,
            "aws:imagebuilder/distributionConfiguration:DistributionConfiguration": _distribution,
        },
        "imagebuilder/latest/userguide/data-protection.html",
        "Set kmsKeyId; of recipes also encrypted and kmsKeyId of each volume, of distributions kmsKeyId of amiDistributionConfiguration.",
    ),
    stored(
        "enc-ecs-volume",
        "Volumes of services are",
        {"aws:ecs/service:Service": _task_volumes},
        "AmazonECS/latest/developerguide/ebs-kms-encryption.html",
        "Set kmsKeyId of managedEbsVolume, and leave encrypted at true.",
    ),
    stored(
        "enc-drs-replication",
        "Volumes that servers are replicated to are",
        {"aws:drs/replicationConfigurationTemplate:ReplicationConfigurationTemplate": _recovery},
        "drs/latest/userguide/data-protection.html",
        "Set ebsEncryption to CUSTOM and ebsEncryptionKeyArn.",
    ),
    stored(
        "enc-workspaces-volumes",
        "Volumes of desktops are",
        {"aws:workspaces/workspace:Workspace": _desktop},
        "workspaces/latest/adminguide/encrypt-workspaces.html",
        "Set rootVolumeEncryptionEnabled, userVolumeEncryptionEnabled and volumeEncryptionKey. Changing any replaces the desktop.",
    ),
    stored(
        "enc-k8s-storage-class",
        "Volumes of pods are",
        {"kubernetes:storage.k8s.io:StorageClass": _storage_class},
        "eks/latest/userguide/create-storage-class.html",
        'Set the parameters encrypted: "true" and kmsKeyId. A storage class cannot be changed: declare another.',
    ),
    stored(
        "enc-k8s-nodes",
        "Disks of nodes are",
        {"kubernetes:karpenter.k8s.aws:EC2NodeClass": _nodes, "kubernetes:eks.amazonaws.com:NodeClass": _own_nodes},
        "https://karpenter.sh/docs/concepts/nodeclasses/",
        "Set encrypted and kmsKeyID of each disk, of EKS Auto Mode spec.ephemeralStorage.kmsKeyID.",
    ),
    stored(
        "enc-k8s-api-objects",
        "Secrets that an API server writes are",
        {"kubernetes:apiserver.config.k8s.io:EncryptionConfiguration": _api_objects},
        "https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/",
        "Put the kms provider first.",
    ),
)
