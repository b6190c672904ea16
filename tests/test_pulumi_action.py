"""The Pulumi CLI of the workflows: of the SDK's version, and never an archive that this repository does not know."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.declared import ROOT

ACTION = Path(".github") / "actions" / "pulumi"
(VERSION,) = re.findall(r"^pulumi==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
ARCHIVE = f"pulumi-v{VERSION}-linux-{'arm64' if platform.machine() == 'aarch64' else 'x64'}.tar.gz"
DOWNLOAD = """#!/bin/sh
# Stands in for curl: the last argument is the address, the one before it the file
while [ $# -gt 2 ]; do shift; done
echo "$2" >> "$SITE/asked"
cp "$SITE/${2##*/}" "$1"
"""

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="runners of the workflows are Linux")


@dataclass(frozen=True)
class Repository:
    """A clone with the action, and the site that it downloads from."""

    folder: Path
    site: Path

    @property
    def checksums(self) -> Path:
        return self.folder / ACTION / "checksums.txt"

    @property
    def path(self) -> list[str]:
        """What later steps of the job find on their path."""
        file = self.site / "path"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def asked(self) -> list[str]:
        file = self.site / "asked"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def install(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.site / 'bin'}:{os.environ['PATH']}",
            "SITE": str(self.site),
            "RUNNER_TEMP": str(self.site / "temporary"),
            "GITHUB_PATH": str(self.site / "path"),
            "GITHUB_ACTIONS": "true",
        }
        command = [self.folder / ACTION / "install", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "clone", tmp_path / "site")
    shutil.copytree(ROOT / ACTION, made.folder / ACTION, ignore=shutil.ignore_patterns("checksums.txt*"))
    shutil.copy(ROOT / "requirements.txt", made.folder)
    for folder in ("bin", "temporary"):
        (made.site / folder).mkdir(parents=True)
    # As its releases are packed: one folder of programs
    (made.site / "pulumi").mkdir()
    (made.site / "pulumi" / "pulumi").write_text("#!/bin/sh\necho installed\n", encoding="utf-8")
    (made.site / "pulumi" / "pulumi").chmod(0o755)
    with tarfile.open(made.site / ARCHIVE, "w:gz") as archive:
        archive.add(made.site / "pulumi", "pulumi")
    sums = f"{hashlib.sha256((made.site / ARCHIVE).read_bytes()).hexdigest()}  {ARCHIVE}\n{'0' * 64}  {ARCHIVE}.other\n"
    (made.site / f"pulumi-{VERSION}-checksums.txt").write_text(sums, encoding="utf-8")
    (made.site / "bin" / "curl").write_text(DOWNLOAD, encoding="utf-8")
    (made.site / "bin" / "curl").chmod(0o755)
    return made


def test_the_version_is_that_of_the_sdk_and_its_sums_are_fetched_by_one_command(repository: Repository) -> None:
    assert repository.install("--checksums").returncode == 0
    assert repository.checksums.read_bytes() == (repository.site / f"pulumi-{VERSION}-checksums.txt").read_bytes()
    done = repository.install()
    assert (done.returncode, done.stderr) == (0, "")
    (folder,) = repository.path
    assert subprocess.run([Path(folder) / "pulumi"], capture_output=True, text=True, check=True).stdout == "installed\n"
    releases = f"https://github.com/pulumi/pulumi/releases/download/v{VERSION}/"
    assert repository.asked == [f"{releases}pulumi-{VERSION}-checksums.txt", releases + ARCHIVE]


def test_an_archive_with_another_sum_is_not_unpacked(repository: Repository) -> None:
    repository.install("--checksums")
    with tarfile.open(repository.site / ARCHIVE, "w:gz") as archive:
        archive.add(repository.site / "bin", "pulumi")
    done = repository.install()
    assert done.returncode == 1
    assert "It is not unpacked" in done.stderr
    assert repository.path == []
    assert not (repository.site / "temporary" / "pulumi").exists()


@pytest.mark.parametrize("sums", [None, "", f"{'0' * 64}  pulumi-v0.0.1-linux-x64.tar.gz\n", f"sum  {ARCHIVE}\n"])
def test_nothing_is_downloaded_without_a_sum_of_that_version(repository: Repository, sums: str | None) -> None:
    if sums is not None:
        repository.checksums.write_text(sums, encoding="utf-8")
    done = repository.install()
    assert done.returncode == 1
    assert done.stderr.startswith("::error::")
    assert "make checksums" in done.stderr
    assert repository.asked == []


def test_sums_that_cannot_be_fetched_leave_those_that_there_are(repository: Repository) -> None:
    repository.checksums.write_text("known\n", encoding="utf-8")
    (repository.site / f"pulumi-{VERSION}-checksums.txt").unlink()
    assert repository.install("--checksums").returncode != 0
    assert repository.checksums.read_text(encoding="utf-8") == "known\n"


@pytest.mark.skipif(not (ROOT / ACTION / "checksums.txt").exists(), reason="whoever adopts the platform fetches them: make checksums")
def test_committed_sums_are_of_the_version_that_is_pinned() -> None:
    assert f"  pulumi-v{VERSION}-linux-x64.tar.gz\n" in (ROOT / ACTION / "checksums.txt").read_text(encoding="utf-8")


def test_the_action_runs_the_script() -> None:
    (step,) = yaml.safe_load((ROOT / ACTION / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    assert step == {"name": "Install the Pulumi CLI", "shell": "bash", "run": '"$GITHUB_ACTION_PATH/install"'}
    assert os.access(ROOT / ACTION / "install", os.X_OK)
