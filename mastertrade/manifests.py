"""What `mastertrade manifests` does: the Kubernetes objects of one region's cluster as YAML."""

import contextlib
import sys
from pathlib import Path
from typing import Any, cast

import yaml

from mastertrade.offline import Evaluation, ProgramError, evaluate, masked
from settings.problems import SettingsError

__all__ = ["manifests_of", "write_manifests"]

_KIND = "kubernetes:"
_HEADER = """\
# {project} {stack}, {region}: {count} objects.
# Made offline: host names, ARNs and IDs that AWS gives at creation are made up. Secrets read "[secret]".
"""


def write_manifests(root: Path, stack: str, region: str | None) -> int:
    """Writes the objects to standard output and returns the exit code."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            evaluation = evaluate(root, stack)
    except SettingsError as error:
        return _refuse(str(error), 2)
    except ProgramError as error:
        return _refuse(f"Stack '{stack}' fails:\n{error.evaluation.error}", 1)
    regions = sorted({each.region for each in evaluation.resources if each.type.startswith(_KIND)})
    if not regions:
        return _refuse(f"Stack '{stack}' declares no Kubernetes objects.", 1)
    if region is None and len(regions) == 1:
        region = regions[0]
    if region not in regions:
        found = f"'{region}' has no cluster in stack '{stack}'" if region else f"stack '{stack}' has clusters in several regions"
        return _refuse(f"--region: {found}; allowed: {', '.join(regions)}. Example: --region {regions[0]}", 2)
    objects = manifests_of(evaluation, region)
    header = _HEADER.format(project=evaluation.project, stack=evaluation.stack, region=region, count=len(objects))
    text = yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False, explicit_start=True, width=160, allow_unicode=True)
    sys.stdout.write(header + text)
    return 0


def manifests_of(evaluation: Evaluation, region: str) -> list[dict[str, Any]]:
    """The Kubernetes objects that a stack declares in a region: namespaces first, then by namespace, kind and name."""
    objects = [
        cast("dict[str, Any]", masked(each.inputs))
        for each in evaluation.resources
        if each.type.startswith(_KIND) and each.region == region
    ]
    return sorted(objects, key=_place)


def _place(stated: dict[str, Any]) -> tuple[bool, str, str, str]:
    metadata = stated["metadata"]
    return stated["kind"] != "Namespace", metadata.get("namespace", ""), stated["kind"], metadata["name"]


def _refuse(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code


class _Dumper(yaml.SafeDumper):
    """Text of several lines stays readable; nothing is written as a reference to something above."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)  # pyright: ignore[reportUnknownMemberType]


_Dumper.add_representer(str, _text)
