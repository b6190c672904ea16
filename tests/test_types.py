"""What the type checker is kept for: a misspelt key inside an AWS argument, which the SDK itself lets vanish."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.declared import ROOT

PROGRAM = """
import pulumi_aws as aws

aws.s3.BucketVersioning("right", bucket="b", versioning_configuration={"status": "Enabled"})
aws.s3.BucketVersioning("wrong", bucket="b", versioning_configuration={"statsu": "Enabled"})
"""


def test_misspelt_nested_key_is_a_type_error(tmp_path: Path) -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["basedpyright"]
    environment = Path(sys.executable).parent.parent
    options |= {"venvPath": str(environment.parent), "venv": environment.name, "strict": []}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(options))
    (tmp_path / "program.py").write_text(PROGRAM)
    checker = Path(sys.executable).parent / "basedpyright"
    result = subprocess.run([checker, "--outputjson", "--project", tmp_path], capture_output=True, text=True, check=False)
    errors = [each for each in json.loads(result.stdout)["generalDiagnostics"] if each["severity"] == "error"]
    assert {error["range"]["start"]["line"] for error in errors} == {4}
