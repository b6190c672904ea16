"""A Kubernetes API on Debian's etcd, and the question to it whether it would accept a manifest.

It is kube-apiserver alone: no controllers, no scheduler, no nodes. What a manifest is checked for comes before those: its schema, its
values, and admission by the plugins that are on by default, Pod Security among them.
"""

import http.client
import json
import secrets
import shutil
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import pytest

from tests.real.kube_apiserver.build import COMMAND, Build, current
from tests.real.servers import LOOPBACK, Account, RefusedError, free_ports, missing, program, run, running

Manifest: TypeAlias = Mapping[str, Any]
"""An object as it would be written in YAML."""

_ANSWER_SECONDS = 30
_SERVED_SECONDS = 30
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Resource:
    """How the server calls the objects of a kind in addresses."""

    plural: str
    namespaced: bool


@dataclass(frozen=True)
class KubernetesAPI:
    """A running server, asked as a member of `system:masters`."""

    port: int
    token: str
    certificate: Path
    _resources: dict[str, dict[str, Resource]] = field(default_factory=dict[str, dict[str, Resource]], repr=False)

    @property
    def version(self) -> dict[str, str]:
        """What the server says of itself: `gitVersion` as stamped by the build, `emulationMajor` and `emulationMinor` as compiled."""
        return json.loads(self._ask("GET", "/version"))

    def has_schema(self, manifest: Manifest) -> bool:
        """Whether the server knows the kind. It knows Kubernetes' own, and those of the projects in `kube_apiserver/custom_resources`."""
        return self._resource(manifest) is not None

    def dry_run(self, manifest: Manifest) -> None:
        """Asks whether the server would take the manifest, which leaves no trace. Raises `RefusedError` with its reasons.

        Unknown and doubled fields are refused. The manifest is applied (server-side apply), as Pulumi's provider does: what exists
        already is no conflict. Its namespace has to exist.
        """
        address = f"{self._collection(manifest)}/{quote(manifest['metadata']['name'])}"
        parameters = "dryRun=All&fieldValidation=Strict&fieldManager=tests&force=true"
        self._ask("PATCH", f"{address}?{parameters}", json.dumps(manifest), "application/apply-patch+yaml")

    def create(self, manifest: Manifest) -> None:
        """Creates an object for the rest of its time: a namespace, or what else others are refused without. Raises `RefusedError`."""
        self._ask("POST", f"{self._collection(manifest)}?fieldValidation=Strict", json.dumps(manifest), "application/json")

    def define(self, definition: Path) -> None:
        """Adds the custom resource that a YAML file defines, and waits until it is served."""
        address = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        spec = json.loads(self._ask("POST", address, definition.read_text(), "application/yaml"))["spec"]
        version = next(each["name"] for each in spec["versions"] if each["served"])
        served: Manifest = {"apiVersion": f"{spec['group']}/{version}", "kind": spec["names"]["kind"]}
        deadline = time.monotonic() + _SERVED_SECONDS
        while not self.has_schema(served):
            if time.monotonic() > deadline:
                pytest.fail(f"{definition.name} is not served after {_SERVED_SECONDS} s")
            time.sleep(_POLL_SECONDS)

    def is_ready(self) -> bool:
        """Whether it answers, and has set itself up."""
        try:
            return self._ask("GET", "/readyz") == "ok"
        except (RefusedError, OSError, http.client.HTTPException):
            # Not listening yet, or without a certificate
            return False

    def _collection(self, manifest: Manifest) -> str:
        resource = self._resource(manifest)
        if resource is None:
            raise RefusedError(f"the server knows no {manifest['kind']} of {manifest['apiVersion']}")
        namespace = f"/namespaces/{quote(manifest['metadata'].get('namespace', 'default'))}" if resource.namespaced else ""
        return f"{_version_address(manifest)}{namespace}/{resource.plural}"

    def _resource(self, manifest: Manifest) -> Resource | None:
        address = _version_address(manifest)
        # What is not there yet may come
        if manifest["kind"] not in self._resources.get(address, {}):
            self._resources[address] = self._discover(address)
        return self._resources[address].get(manifest["kind"])

    def _discover(self, address: str) -> dict[str, Resource]:
        status, text = self._exchange("GET", address)
        if status == http.client.NOT_FOUND:
            return {}
        resources = json.loads(_accepted(status, text))["resources"]
        # A name with a slash is a part of another resource, such as deployments/scale
        return {each["kind"]: Resource(each["name"], each["namespaced"]) for each in resources if "/" not in each["name"]}

    def _ask(self, method: str, address: str, body: str | None = None, kind: str = "") -> str:
        return _accepted(*self._exchange(method, address, body, kind))

    def _exchange(self, method: str, address: str, body: str | None = None, kind: str = "") -> tuple[int, str]:
        trust = ssl.create_default_context(cafile=self.certificate)
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Content-Type": kind} if kind else {})
        content = None if body is None else body.encode()
        with closing(http.client.HTTPSConnection(LOOPBACK, self.port, timeout=_ANSWER_SECONDS, context=trust)) as connection:
            connection.request(method, address, content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


def pod_of(manifest: Manifest) -> dict[str, Any]:
    """The first pod of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob, as its controller would submit it.

    Of the workload itself the server only warns where Pod Security forbids its pods; it is the pods that it refuses.
    """
    spec = manifest["spec"]
    match manifest["kind"]:
        case "Pod":
            return dict(manifest)
        case "CronJob":
            spec = spec["jobTemplate"]["spec"]
        case "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job":
            pass
        case kind:
            raise ValueError(f"a {kind} has no pods")
    template = spec["template"]
    owner = manifest["metadata"]
    metadata = dict(template.get("metadata", {})) | {key: owner[key] for key in ("name", "namespace") if key in owner}
    claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])]
    volumes = [{"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{owner['name']}-0"}} for claim in claims]
    pod = dict(template["spec"])
    if volumes:
        # A claim takes the place of a volume of its name
        pod["volumes"] = [*volumes, *(each for each in pod.get("volumes", []) if each["name"] not in claims)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


@contextmanager
def kubernetes(folder: Path) -> Iterator[KubernetesAPI]:
    """A fresh server that knows the custom resources, with its data in a folder. Skips the test if it was not built."""
    build = _built()
    account = Account()
    with _etcd(account, folder) as store:
        (port,) = free_ports(1)
        api = KubernetesAPI(port, secrets.token_hex(), folder / "apiserver" / "apiserver.crt")
        command = _server_command(account, build, folder / "apiserver", api, store)
        with running(account, command, folder / "apiserver", api.is_ready):
            for definition in build.definitions:
                api.define(definition)
            yield api


def _built() -> Build:
    program("go", package="golang-go")
    build = current()
    if not build.is_there:
        missing(f"kube-apiserver was not built from these modules by this Go; build it once, in about four minutes: {COMMAND}")
    return build


@contextmanager
def _etcd(account: Account, folder: Path) -> Iterator[str]:
    """The address of a fresh store."""
    server = program("etcd", package="etcd-server")
    own = folder / "etcd"
    own.mkdir()
    clients, peers = (f"http://{LOOPBACK}:{port}" for port in free_ports(2))
    addresses = [f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"]
    addresses += [f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}", f"--initial-cluster=default={peers}"]
    command = [*_ends_with_us(), server, f"--data-dir={own / 'data'}", *addresses]
    with running(account, command, own, lambda: _is_healthy(clients)):
        yield clients


def _is_healthy(address: str) -> bool:
    with closing(http.client.HTTPConnection(address.removeprefix("http://"), timeout=_ANSWER_SECONDS)) as connection:
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False


def _server_command(account: Account, build: Build, folder: Path, api: KubernetesAPI, store: str) -> Sequence[str | Path]:
    folder.mkdir()
    tokens, key = folder / "tokens.csv", folder / "service-accounts.pem"
    tokens.write_text(f"{api.token},tests,tests,system:masters\n")
    run(account, [program("openssl", package="openssl"), "genrsa", "-out", key, "2048"], folder)
    settings = {
        "etcd-servers": store,
        "bind-address": LOOPBACK,
        "advertise-address": LOOPBACK,
        "secure-port": api.port,
        "cert-dir": folder,
        "token-auth-file": tokens,
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "service-cluster-ip-range": "172.20.0.0/16",
        "endpoint-reconciler-type": "none",
        # As EKS has it: privileged pods are for Pod Security to refuse, not for the server as a whole
        "allow-privileged": "true",
        # Refuses pods whose service account is not there. A controller that does not run here makes the default one, and a manifest's
        # own was only tried
        "disable-admission-plugins": "ServiceAccount",
    }
    return [*_ends_with_us(), build.server, *(f"--{name}={value}" for name, value in settings.items())]


def _ends_with_us() -> list[str]:
    """What lets a server end with the tests even if they are killed, where Linux has the program for it."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig=KILL"] if found else []


def _version_address(manifest: Manifest) -> str:
    version: str = manifest["apiVersion"]
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _accepted(status: int, text: str) -> str:
    if status < http.client.BAD_REQUEST:
        return text
    try:
        raise RefusedError(json.loads(text)["message"])
    except (json.JSONDecodeError, KeyError, TypeError):
        raise RefusedError(f"HTTP {status}: {text.strip()}") from None
