"""kube-apiserver and the definitions of custom resources, made by Go from pinned modules and kept in the user's cache folder.

    .venv/bin/python -m tests.real.kube_apiserver.build

What is kept depends on both go.mod, both go.sum and the version of Go alone; each of them makes a new folder. Go checks every module
against go.sum. Needs nothing beyond Python and Go, so that it also runs where pytest is not installed.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

COMMAND = ".venv/bin/python -m tests.real.kube_apiserver.build"

_SERVER_MODULE = Path(__file__).parent
_DEFINITIONS_MODULE = _SERVER_MODULE / "custom_resources"

_DEFINITIONS = {
    "sigs.k8s.io/karpenter": "pkg/apis/crds/*.yaml",
    "github.com/cert-manager/cert-manager": "deploy/crds/*.yaml",
    "sigs.k8s.io/secrets-store-csi-driver": "config/crd/bases/*.yaml",
}
"""Where each module keeps its definitions. EKS publishes none of Auto Mode's kinds; AWS Load Balancer Controller none as a Go module."""


@dataclass(frozen=True)
class Build:
    """A folder with a server and definitions, complete if it exists."""

    folder: Path

    @property
    def server(self) -> Path:
        """kube-apiserver."""
        return self.folder / "kube-apiserver"

    @property
    def definitions(self) -> list[Path]:
        """One custom resource definition per file, as its project publishes it."""
        return sorted((self.folder / "custom-resources").iterdir())

    @property
    def is_there(self) -> bool:
        """Whether it was built."""
        return self.folder.is_dir()


def pinned_version() -> str:
    """The version of Kubernetes in go.mod, such as `v1.35.4`."""
    return _stated(_SERVER_MODULE, "require k8s.io/kubernetes ")


def current() -> Build:
    """What belongs to the pinned modules and the Go of this machine, built or not."""
    key = hashlib.sha256(_go_version().encode())
    for module in (_SERVER_MODULE, _DEFINITIONS_MODULE):
        for name in ("go.mod", "go.sum"):
            key.update((module / name).read_bytes())
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Build(Path(cache) / "mastertrade" / f"kube-apiserver-{key.hexdigest()[:16]}")


def build() -> Build:
    """Builds what is missing. Two builds at a time do no harm: the first to finish stays."""
    wanted = current()
    if wanted.is_there:
        return wanted
    wanted.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=wanted.folder.parent) as name:
        unfinished = Build(Path(name) / "build")
        _copy(_published_definitions(), unfinished.folder / "custom-resources")
        _compile(unfinished.server)
        try:
            unfinished.folder.rename(wanted.folder)
        except OSError:
            if not wanted.is_there:
                raise
    return wanted


def _stated(module: Path, start: str) -> str:
    """The rest of the line of go.mod that starts like this."""
    lines = (module / "go.mod").read_text().splitlines()
    return next(line.removeprefix(start) for line in lines if line.startswith(start))


def _published_definitions() -> Iterator[Path]:
    answer = _go(_DEFINITIONS_MODULE, "mod", "download", "-json", *_DEFINITIONS)
    for module in _documents(answer):
        found = list(Path(module["Dir"]).glob(_DEFINITIONS[module["Path"]]))
        if not found:
            raise LookupError(f"{module['Path']} {module['Version']} has no {_DEFINITIONS[module['Path']]}")
        yield from found


def _documents(text: str) -> Iterator[dict[str, str]]:
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]


def _copy(files: Iterable[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)


def _compile(server: Path) -> None:
    # As upstream stamps it; without it the server calls itself v0.0.0-master
    version = f"-X k8s.io/component-base/version.gitVersion={pinned_version()}"
    _go(_SERVER_MODULE, "build", "-trimpath", f"-ldflags=-s -w {version}", f"-o={server}", "k8s.io/kubernetes/cmd/kube-apiserver")


def _go_version() -> str:
    return _go(_SERVER_MODULE, "env", "GOVERSION").strip()


def _go(module: Path, *arguments: str) -> str:
    """What a go command prints. Its progress and errors go where ours go."""
    # No C compiler, and no workspace or vendor folder of somebody else
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
    return subprocess.run(["go", *arguments], cwd=module, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Builds, and says so."""
    if shutil.which("go") is None:
        sys.exit(f"Go {_stated(_DEFINITIONS_MODULE, 'go ')} or newer has to be installed")
    wanted = current()
    if wanted.is_there:
        print(f"kube-apiserver {pinned_version()} is already in {wanted.folder}")
        return
    print(f"Building kube-apiserver {pinned_version()} with {_go_version()} (once; three to four minutes on two processors)", flush=True)
    started = time.monotonic()
    try:
        build()
    except subprocess.CalledProcessError as error:
        sys.exit(f"`{' '.join(error.cmd)}` ended with exit code {error.returncode}")
    print(f"Built in {time.monotonic() - started:.0f} s, kept in {wanted.folder}")


if __name__ == "__main__":
    main()
