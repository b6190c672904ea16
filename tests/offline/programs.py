"""Small Pulumi projects for the tests of the offline preview."""

import textwrap
from pathlib import Path

PREAMBLE = """
import pulumi
import pulumi_aws as aws
import pulumi_random as random

home = aws.Provider("home", region="us-east-1", allowed_account_ids=["210987654321"], default_tags={"tags": {"platform": "test"}})
there = pulumi.ResourceOptions(provider=home)
"""

PROJECT = """
name: demo
runtime: python
config:
  pulumi:disable-default-providers:
    value: [aws]
"""


def project(folder: Path, program: str, *, preamble: str = PREAMBLE, yaml: str = PROJECT, **stacks: str) -> Path:
    """A project in a folder; `stacks` are names to the text of their files."""
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").write_text(textwrap.dedent(yaml), encoding="utf-8")
    (folder / "__main__.py").write_text(preamble + textwrap.dedent(program), encoding="utf-8")
    for stack, text in (stacks or {"dev": "config: {}"}).items():
        (folder / f"Pulumi.{stack}.yaml").write_text(textwrap.dedent(text), encoding="utf-8")
    return folder
