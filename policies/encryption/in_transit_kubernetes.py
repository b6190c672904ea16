"""Controls of what clusters of Kubernetes let in."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from policies.encryption.in_transit_family import moved, refuses_old_tls
from policies.engine.blocks import Block, MisshapenError
from policies.engine.control import Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["IN_TRANSIT_KUBERNETES"]

_ALB = "alb.ingress.kubernetes.io/"
_NGINX = "nginx.ingress.kubernetes.io/"
_TRAEFIK = "traefik.ingress.kubernetes.io/"
_NLB = "service.beta.kubernetes.io/aws-load-balancer-"


class _Annotations:
    """Annotations of a resource. Their names have dots, so that they are no paths."""

    def __init__(self, resource: Resource) -> None:
        block = resource.block("metadata.annotations")
        self._values = {name: Block({"it": block.raw()[name]}, block.at(name)) for name in block.names()}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str, default: str = "") -> str:
        """One of them. Raises `UnknownValueError`."""
        found = self._values.get(name)
        return default if found is None else found.text("it", default)


def _decoded(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise MisshapenError(f"metadata.annotations.{name}", "JSON") from None


def _is_covered(host: str, covered: Iterable[str]) -> bool:
    """Whether a certificate's names include a host; a wildcard stands for one label."""
    return any(each == host or (each.startswith("*.") and host.partition(".")[2] == each[2:]) for each in covered)


_CLASS_PARAMETERS = ("kubernetes:eks.amazonaws.com:IngressClassParams", "kubernetes:elbv2.k8s.aws:IngressClassParams")


def _ingress(resource: Resource) -> Findings:
    if resource.type in _CLASS_PARAMETERS:
        policy = resource.text("spec.sslPolicy")
        if policy and not refuses_old_tls(policy):
            yield Finding("spec.sslPolicy", "ELBSecurityPolicy-TLS13-1-2-2021-06")
        return
    annotations = _Annotations(resource)
    name = resource.text("spec.ingressClassName") or annotations.get("kubernetes.io/ingress.class", "")
    if any(each.startswith(_ALB) for each in annotations) or name == "alb" or _class_of(resource, name).endswith("/alb"):
        yield from _load_balancer(resource, annotations, name)
        return
    for each in ("ssl-redirect", "force-ssl-redirect"):
        if annotations.get(f"{_NGINX}{each}", "true").lower() == "false":
            yield Finding("metadata.annotations", f'{_NGINX}{each}: "true"', found="requests by HTTP that are served")
    if annotations.get(f"{_TRAEFIK}router.tls", "").lower() == "true":
        return
    tls = resource.blocks("spec.tls")
    if not tls:
        yield Finding("spec.tls", "the hosts and the secret of their certificate")
        return
    covered = [host for each in tls for host in each.texts("hosts")]
    # an entry without hosts is for all of them
    if all(each.has("hosts") for each in tls):
        bare = [host for rule in resource.blocks("spec.rules") if (host := rule.text("host")) and not _is_covered(host, covered)]
        if bare:
            yield Finding("spec.tls", "every host of the rules", found=f"rules without TLS for {', '.join(bare)}")


def _class_of(resource: Resource, name: str) -> str:
    """The controller of the class that an Ingress names, where the stack declares it."""
    if not name:
        return ""
    for each in resource.stack.of_type("kubernetes:networking.k8s.io:IngressClass"):
        if name in (each.text("metadata.name"), each.name):
            return each.text("spec.controller")
    return ""


def _class_has_certificates(resource: Resource) -> bool:
    """Whether parameters of a class, of the load balancer controller or of EKS, name certificates for all that use it."""
    parameters = resource.stack.of_type(*_CLASS_PARAMETERS)
    return any(each.has("spec.certificateARNs") or each.has("spec.certificateArn") for each in parameters)


def _load_balancer(resource: Resource, annotations: _Annotations, name: str) -> Findings:
    ports = annotations.get(f"{_ALB}listen-ports", "")
    protocols: set[str] = set()
    if ports:
        stated = _decoded(ports, f"{_ALB}listen-ports")
        listed = cast("list[Any]", stated) if isinstance(stated, list) else [stated]
        protocols = {key.upper() for each in listed if isinstance(each, dict) for key in cast("dict[str, Any]", each)}
    certificate = f"{_ALB}certificate-arn" in annotations
    # without ports, those of the certificate: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
    speaks_tls = (
        "HTTPS" in protocols if ports else certificate or resource.has("spec.tls") or bool(name and _class_has_certificates(resource))
    )
    if not speaks_tls:
        yield Finding(
            "metadata.annotations", f"{_ALB}certificate-arn, and {_ALB}listen-ports with HTTPS", found="a load balancer that serves HTTP"
        )
    elif "HTTP" in protocols and not _redirects(annotations):
        yield Finding("metadata.annotations", f'{_ALB}ssl-redirect: "443"', found="a listener of HTTP that serves requests")
    policy = annotations.get(f"{_ALB}ssl-policy", "")
    if policy and not refuses_old_tls(policy):
        yield Finding("metadata.annotations", "ELBSecurityPolicy-TLS13-1-2-2021-06", found=policy)


def _redirects(annotations: _Annotations) -> bool:
    if annotations.get(f"{_ALB}ssl-redirect"):
        return True
    # before that annotation: an action that a path of the rules names
    for name in annotations:
        if name.startswith(f"{_ALB}actions."):
            action: Any = _decoded(annotations.get(name), name)
            config = Block(cast("dict[str, Any]", action), name) if isinstance(action, dict) else Block({})
            if any(config.text(each).upper() == "HTTPS" for each in ("redirectConfig.protocol", "RedirectConfig.Protocol")):
                return True
    return False


def _service(resource: Resource) -> Findings:
    if resource.text("spec.type") != "LoadBalancer":
        raise NotApplicableError("it is reached within the cluster")
    annotations = _Annotations(resource)
    policy = annotations.get(f"{_NLB}ssl-negotiation-policy", "")
    if policy and not refuses_old_tls(policy):
        yield Finding("metadata.annotations", "ELBSecurityPolicy-TLS13-1-2-2021-06", found=policy)
    ports = resource.blocks("spec.ports")
    if f"{_NLB}ssl-cert" in annotations:
        encrypted = {each.strip() for each in annotations.get(f"{_NLB}ssl-ports", "*").split(",")}
        for number, port in enumerate(ports):
            if port.text("protocol", "TCP") == "TCP" and "*" not in encrypted and not {port.text("port"), port.text("name")} & encrypted:
                yield Finding(f"spec.ports.{number}", f"the port in {_NLB}ssl-ports", found=f"port {port.text('port')} without TLS")
    elif ports and all(port.text("port") == "80" or port.text("appProtocol").lower() == "http" for port in ports):
        yield Finding("metadata.annotations", f"{_NLB}ssl-cert", found="a load balancer that serves HTTP alone")


def _gateway(resource: Resource) -> Findings:
    for number, listener in enumerate(resource.blocks("spec.listeners")):
        if listener.text("protocol").upper() == "HTTP" and not _routes_redirect(resource, listener.text("name")):
            yield Finding(f"spec.listeners.{number}.protocol", "HTTPS, or an HTTPRoute that redirects to https")


def _routes_redirect(resource: Resource, section: str) -> bool:
    """Whether every known route of a listener redirects to HTTPS, and there is one."""
    name = resource.text("metadata.name") or resource.name
    routes = [
        route
        for route in resource.stack.of_type("kubernetes:gateway.networking.k8s.io:HTTPRoute")
        if any(
            parent.text("name") in (name, resource.name) and parent.text("sectionName", section) == section
            for parent in route.blocks("spec.parentRefs")
        )
    ]
    return bool(routes) and all(_route_redirects(each) for each in routes)


def _route_redirects(route: Resource) -> bool:
    rules = route.blocks("spec.rules")
    return bool(rules) and all(
        any(each.text("type") == "RequestRedirect" and each.text("requestRedirect.scheme") == "https" for each in rule.blocks("filters"))
        for rule in rules
    )


def _mesh_gateway(resource: Resource) -> Findings:
    for number, server in enumerate(resource.blocks("spec.servers")):
        if server.text("port.protocol").upper() in ("HTTP", "HTTP2", "GRPC") and not server.flag("tls.httpsRedirect"):
            yield Finding(f"spec.servers.{number}.tls.httpsRedirect", "true, or the port's protocol HTTPS")
        # TLS 1.2 unless it is lowered
        if server.text("tls.minProtocolVersion").upper() in ("TLSV1_0", "TLSV1_1"):
            yield Finding(f"spec.servers.{number}.tls.minProtocolVersion", "TLSV1_2")


def _mesh(resource: Resource) -> Findings:
    if resource.type == "kubernetes:networking.istio.io:Gateway":
        yield from _mesh_gateway(resource)
    elif resource.type == "kubernetes:networking.istio.io:DestinationRule":
        if resource.text("spec.trafficPolicy.tls.mode").upper() == "DISABLE":
            yield Finding("spec.trafficPolicy.tls.mode", "ISTIO_MUTUAL")
    else:
        yield from _peers(resource)


def _peers(resource: Resource) -> Findings:
    if resource.text("spec.mtls.mode", "UNSET").upper() in ("PERMISSIVE", "DISABLE"):
        yield Finding("spec.mtls.mode", "STRICT")
    ports = resource.block("spec.portLevelMtls")
    for port in ports.names():
        if ports.text(f"{port}.mode").upper() in ("PERMISSIVE", "DISABLE"):
            yield Finding("spec.portLevelMtls", "STRICT", found=f"port {port}: {ports.text(f'{port}.mode')}")


IN_TRANSIT_KUBERNETES = (
    moved(
        "enc-k8s-ingress-tls",
        "Ingresses serve HTTPS and redirect to it",
        ("kubernetes:networking.k8s.io:Ingress", *_CLASS_PARAMETERS),
        _ingress,
        "https://kubernetes.io/docs/concepts/services-networking/ingress/#tls",
        "Set spec.tls for every host; for a load balancer of AWS, certificate-arn, listen-ports with HTTPS and ssl-redirect.",
    ),
    moved(
        "enc-k8s-service-tls",
        "Load balancers of services serve TLS",
        ("kubernetes:core:Service",),
        _service,
        "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/",
        f"Set {_NLB}ssl-cert for every port, and a current ssl-negotiation-policy.",
    ),
    moved(
        "enc-k8s-gateway-tls",
        "Gateways serve HTTPS and redirect to it",
        ("kubernetes:gateway.networking.k8s.io:Gateway",),
        _gateway,
        "https://gateway-api.sigs.k8s.io/guides/tls/",
        "Set the protocol HTTPS with certificateRefs, and let an HTTPRoute redirect what comes by HTTP.",
    ),
    moved(
        "enc-k8s-mesh-tls",
        "Pods and gateways of a mesh speak TLS only",
        (
            "kubernetes:security.istio.io:PeerAuthentication",
            "kubernetes:networking.istio.io:DestinationRule",
            "kubernetes:networking.istio.io:Gateway",
        ),
        _mesh,
        "https://istio.io/latest/docs/reference/config/security/peer_authentication/",
        "Set the mode STRICT, or ISTIO_MUTUAL, and redirect what comes by HTTP.",
        severity=Severity.MEDIUM,
    ),
)
