"""Controls of load balancers: the one way in from the internet, and for services that are meant for everybody."""

from mastertrade.values import UNKNOWN
from policies.engine.addresses import covers_world, networks
from policies.engine.blocks import Block, UnknownValueError
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["ENTRANCES"]

# Ports of databases, caches, brokers, file systems, and of administration. Services for everybody listen on others.
_PRIVATE_PORTS = frozenset(
    {22, 23, 111, 135, 139, 389, 445, 636, 1433, 1434, 1521, 2049, 2181, 2375, 2376, 2379, 3306, 3389, 5432, 5439, 5601, 5671, 5672}
    | {5900, 5984, 5985, 5986, 6379, 6380, 7000, 7001, 8086, 8162, 8182, 9042, 9142, 9200, 9300, 11211, 15671, 15672}
    | {27017, 27018, 27019, 50000, 61613, 61614, 61616, 61617, *range(9092, 9099), *range(9192, 9199)}
)


def _private(block: Block, first: str, last: str) -> list[int]:
    low, high = block.number(first), block.number(last)
    return [] if low is None or high is None else [each for each in sorted(_PRIVATE_PORTS) if low <= each <= high]


_PLAIN = ("tcp", "ssl", "tls", "udp", "tcp_udp", "")


def _classic(resource: Resource) -> Findings:
    if resource.flag("internal"):
        raise NotApplicableError("it is internal")
    for number, each in enumerate(resource.blocks("listeners")):
        behind = _private(each, "instancePort", "instancePort") if each.text("instanceProtocol").lower() in _PLAIN else []
        for port in dict.fromkeys([*_private(each, "lbPort", "lbPort"), *behind]):
            yield Finding(f"listeners.{number}", "an internal load balancer", found=f"port {port} on a public one")


def _listener(resource: Resource) -> Findings:
    ports = [("port", port) for port in _private(resource, "port", "port")]
    if resource.text("protocol").lower() in _PLAIN[:-1]:
        # what it hands over as it is may be a database under another port
        for target in resource.stack.of_type("aws:lb/targetGroup:TargetGroup"):
            if resource.stack.refers(resource, "defaultActions", target) and target.text("protocol").lower() in _PLAIN:
                ports += [("defaultActions", port) for port in _private(target, "port", "port")]
    for path, port in ports:
        every = resource.stack.of_type("aws:lb/loadBalancer:LoadBalancer")
        balancers = [each for each in every if resource.stack.refers(resource, "loadBalancerArn", each)]
        if not balancers:
            raise NotApplicableError("its load balancer is not declared in this stack")
        if not all(each.flag("internal") for each in balancers):
            yield Finding(path, "an internal load balancer", found=f"port {port} on a public one")


def _accelerator(resource: Resource) -> Findings:
    for number, each in enumerate(resource.blocks("portRanges")):
        for port in _private(each, "fromPort", "toPort")[:1]:
            yield Finding(f"portRanges.{number}", "ports of services for everybody", found=f"port {port} open to the world")


_ENTRANCES = {
    "aws:elb/loadBalancer:LoadBalancer": _classic,
    "aws:lb/listener:Listener": _listener,
    "aws:globalaccelerator/listener:Listener": _accelerator,
    "aws:globalaccelerator/customRoutingListener:CustomRoutingListener": _accelerator,
}


def _private_ports(resource: Resource) -> Findings:
    yield from _ENTRANCES[resource.type](resource)


_BALANCER = "service.beta.kubernetes.io/aws-load-balancer-"
_SOURCES = "service.beta.kubernetes.io/load-balancer-source-ranges"


def _service(resource: Resource) -> Findings:
    if resource.texts("spec.externalIPs"):
        yield Finding("spec.externalIPs", "nothing: whoever may create services takes over any address by it")
    kind = resource.text("spec.type", "ClusterIP")
    if kind == "NodePort":
        yield Finding("spec.type", "ClusterIP")
    if kind != "LoadBalancer":
        return
    notes = resource.pairs("metadata.annotations")
    for name, value in notes.items():
        if value is UNKNOWN and name in (f"{_BALANCER}scheme", f"{_BALANCER}internal", _SOURCES):
            raise UnknownValueError(f"metadata.annotations.{name}")
    scheme = str(notes.get(f"{_BALANCER}scheme") or "").strip().lower()
    internal = str(notes.get(f"{_BALANCER}internal") or "").strip().lower()
    if scheme == "internal" or (not scheme and internal not in ("", "false")):
        return
    annotated = tuple(each.strip() for each in str(notes.get(_SOURCES) or "").split(",") if each.strip())
    sources = resource.texts("spec.loadBalancerSourceRanges") or annotated
    if covers_world(networks(sources or ("0.0.0.0/0",), "spec.loadBalancerSourceRanges")):
        yield Finding(
            "spec.type",
            f"the annotation {_BALANCER}scheme: internal, or loadBalancerSourceRanges",
            found="a load balancer open to the world",
        )


_ALB = "alb.ingress.kubernetes.io/"


def _ingress(resource: Resource) -> Findings:
    """Of the load balancer controller: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/."""
    notes = resource.pairs("metadata.annotations")
    for name in ("scheme", "inbound-cidrs"):
        if notes.get(f"{_ALB}{name}") is UNKNOWN:
            raise UnknownValueError(f"metadata.annotations.{_ALB}{name}")
    if str(notes.get(f"{_ALB}scheme") or "internal").strip().lower() != "internet-facing":
        return
    sources = [each.strip() for each in str(notes.get(f"{_ALB}inbound-cidrs") or "").split(",") if each.strip()]
    if not covers_world(networks(sources or ("0.0.0.0/0",), "metadata.annotations")):
        return
    backends = [("spec.defaultBackend", resource.block("spec.defaultBackend"))]
    backends += [
        (path.at("backend"), path.block("backend")) for each in resource.blocks("spec.rules") for path in each.block("http").blocks("paths")
    ]
    for where, backend in backends:
        for port in _private(backend, "service.port.number", "service.port.number"):
            yield Finding(
                f"{where}.service.port.number", f"the annotation {_ALB}scheme: internal", found=f"port {port} behind a public one"
            )


_control = Family(Severity.CRITICAL, "What the internet reaches is tried by everybody, from its first minute on.").control

ENTRANCES = (
    _control(
        "exp-lb-private-ports",
        "Public load balancers and accelerators do not listen on ports of data or administration",
        tuple(_ENTRANCES),
        _private_ports,
        "elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html",
        "Set internal to true on the load balancer in front of data.",
    ),
    _control(
        "exp-k8s-service",
        "Services of Kubernetes are not open to the world",
        ("kubernetes:core:Service",),
        _service,
        "https://kubernetes.io/docs/concepts/services-networking/service/",
        "Use ClusterIP behind the load balancer that the platform has, or an internal one.",
    ),
    _control(
        "exp-k8s-ingress",
        "Public load balancers of Kubernetes do not lead to ports of data or administration",
        ("kubernetes:networking.k8s.io:Ingress",),
        _ingress,
        "https://docs.aws.amazon.com/eks/latest/userguide/alb-ingress.html",
        "Set the scheme to internal, or inbound-cidrs to the addresses of those who operate it.",
    ),
)
