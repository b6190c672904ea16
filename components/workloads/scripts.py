"""Files for pods: scripts and configuration beside the code, mounted under a name that says what they contain."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pulumi
from pulumi_kubernetes import core

from components.workloads.objects import ClusterContext, metadata
from settings.traffic import Peer


def files_in(folder: Path, *endings: str) -> dict[str, str]:
    """The files of a folder by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.name.endswith(endings)}


def named_after_content(name: str, files: Mapping[str, str]) -> str:
    """`order-lease-1a2b3c4d`: other content makes another name, and so another pod."""
    digest = hashlib.sha256("".join(f"{file}\0{text}\0" for file, text in sorted(files.items())).encode()).hexdigest()
    return f"{name}-{digest[:8]}"


def config_map(
    cluster: ClusterContext,
    logical: str,
    *,
    name: str,
    namespace: str,
    party: Peer,
    files: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource],
) -> core.v1.ConfigMap:
    """Files that never change under a pod: others have another name."""
    stated = metadata(name, namespace, party)
    stated["name"] = pulumi.Output.all(*files.values()).apply(lambda texts: named_after_content(name, dict(zip(files, texts, strict=True))))
    return core.v1.ConfigMap(
        cluster.logical(logical),
        metadata=stated,
        data=files,
        immutable=True,
        opts=cluster.child(parent, after),
    )
