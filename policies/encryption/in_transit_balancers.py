"""Controls of load balancers and meshes."""

from policies.encryption.in_transit_family import moved, old_versions, refuses_old_tls
from policies.engine.blocks import Block
from policies.engine.control import Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["IN_TRANSIT_BALANCERS"]

_MODERN = "a policy of TLS 1.2 or later, such as ELBSecurityPolicy-TLS13-1-2-Res-2021-06 (AWS's default is of 2016 and takes TLS 1.0)"
_LISTENER = "aws:lb/listener:Listener"
_PACKETS = ("TCP", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC")


def _stays_plain(action: Block) -> bool:
    """Whether an action of an HTTP listener serves the request; a redirect to HTTPS and a refusal do not."""
    kind = action.text("type").lower()
    if kind == "redirect":
        return action.text("redirect.protocol", "#{protocol}").upper() != "HTTPS"
    return not (kind == "fixed-response" and action.text("fixedResponse.statusCode").startswith("4"))


def _downgrades(resource: Resource, path: str) -> Findings:
    """Actions that send from HTTPS to HTTP."""
    for number, each in enumerate(resource.blocks(path)):
        if each.text("redirect.protocol").upper() == "HTTP":
            yield Finding(f"{path}.{number}.redirect.protocol", "HTTPS")


def _listener(resource: Resource) -> Findings:
    protocol = resource.text("protocol").upper()
    if not protocol and not resource.has("port"):
        raise NotApplicableError("listeners of gateway load balancers forward packets")
    if protocol in _PACKETS:
        if resource.has("certificateArn"):
            yield Finding("protocol", "TLS: a certificate is used by no other")
            return
        raise NotApplicableError("it forwards packets: TLS ends behind it")
    if protocol in ("HTTPS", "TLS"):
        if not refuses_old_tls(resource.text("sslPolicy")):
            yield Finding("sslPolicy", _MODERN)
        yield from _downgrades(resource, "defaultActions")
        return
    actions = resource.blocks("defaultActions")
    if not actions or any(_stays_plain(each) for each in actions):
        yield Finding("protocol", "HTTPS, or a redirect to HTTPS")


def _listener_rule(resource: Resource) -> Findings:
    if found := list(_downgrades(resource, "actions")):
        yield from found
        return
    listeners = [each for each in resource.stack.of_type(_LISTENER) if resource.stack.refers(resource, "listenerArn", each)]
    if not any(each.text("protocol", "HTTP").upper() == "HTTP" for each in listeners):
        raise NotApplicableError("it is not known as a rule of an HTTP listener")
    if any(_stays_plain(each) for each in resource.blocks("actions")):
        yield Finding(
            "actions", "a redirect to HTTPS, or a listener that speaks it", found="an action of an HTTP listener that serves requests"
        )


def _target_group(resource: Resource) -> Findings:
    if resource.text("targetType").lower() == "lambda":
        raise NotApplicableError("a function is called by AWS's API")
    protocol = resource.text("protocol").upper()
    if protocol == "HTTP":
        yield Finding("protocol", "HTTPS")
    elif protocol in ("HTTPS", "TLS") and resource.text("healthCheck.protocol").upper() == "HTTP":
        yield Finding("healthCheck.protocol", "HTTPS")


def _lattice_targets(resource: Resource) -> Findings:
    if resource.text("type").upper() == "LAMBDA":
        raise NotApplicableError("a function is called by AWS's API")
    protocol = resource.text("config.protocol").upper()
    if protocol == "HTTP":
        yield Finding("config.protocol", "HTTPS")


def _verified_access(resource: Resource) -> Findings:
    for block in ("loadBalancerOptions", "networkInterfaceOptions"):
        if resource.text(f"{block}.protocol").lower() == "http":
            yield Finding(f"{block}.protocol", "https")


def _targets(resource: Resource) -> Findings:
    judges = {
        "aws:lb/targetGroup:TargetGroup": _target_group,
        "aws:vpclattice/targetGroup:TargetGroup": _lattice_targets,
        "aws:verifiedaccess/endpoint:Endpoint": _verified_access,
    }
    yield from judges[resource.type](resource)


_CLASSIC_POLICY = "aws:elb/loadBalancerPolicy:LoadBalancerPolicy"
_CLASSIC_NEGOTIATION = "aws:elb/sslNegotiationPolicy:SslNegotiationPolicy"
_CLASSIC_ATTACHED = "aws:elb/listenerPolicy:ListenerPolicy"
_CLASSIC_MODERN = "ELBSecurityPolicy-TLS-1-2-2017-01"


def _classic(resource: Resource) -> Findings:
    speaks_tls = False
    for number, listener in enumerate(resource.blocks("listeners")):
        protocol = listener.text("lbProtocol").upper()
        speaks_tls = speaks_tls or protocol in ("HTTPS", "SSL")
        if protocol == "HTTP":
            yield Finding(f"listeners.{number}.lbProtocol", "HTTPS")
    if speaks_tls:
        stack = resource.stack
        attached = (
            *stack.companions(resource, _CLASSIC_NEGOTIATION, by="loadBalancer"),
            *stack.companions(resource, _CLASSIC_ATTACHED, by="loadBalancerName"),
        )
        if not attached:
            yield Finding(
                "listeners", f"an SslNegotiationPolicy that refers to {_CLASSIC_MODERN}", found="AWS's default policy, which takes TLS 1.0"
            )


def _classic_policy(resource: Resource) -> Findings:
    path = "attributes" if resource.type == _CLASSIC_NEGOTIATION else "policyAttributes"
    if resource.type == _CLASSIC_POLICY and resource.text("policyTypeName") != "SSLNegotiationPolicyType":
        raise NotApplicableError("it does not say which versions of TLS are taken")
    attributes = {each.text("name"): each.text("value") for each in resource.blocks(path)}
    reference = attributes.get("Reference-Security-Policy", "")
    on = [name.removeprefix("Protocol-") for name, value in attributes.items() if name.startswith("Protocol-") and value.lower() == "true"]
    if reference and not refuses_old_tls(reference):
        yield Finding(path, _CLASSIC_MODERN, found=reference)
    elif old := old_versions(on):
        yield Finding(path, "Protocol-TLSv1.2 alone", found=", ".join(old))
    elif not reference and not on:
        yield Finding(path, f"Reference-Security-Policy {_CLASSIC_MODERN}", found="AWS's default policy, which takes TLS 1.0")


def _lattice(resource: Resource) -> Findings:
    if resource.text("protocol").upper() == "HTTP":
        yield Finding("protocol", "HTTPS")


def _mesh(resource: Resource) -> Findings:
    spec = resource.block("spec")
    for number, listener in enumerate(spec.blocks("listeners")):
        if listener.text("tls.mode").upper() != "STRICT":
            yield Finding(f"spec.listeners.{number}.tls.mode", "STRICT")
    policies = [("spec.backendDefaults.clientPolicy", spec.block("backendDefaults.clientPolicy"))]
    policies += [
        (f"spec.backends.{number}.virtualService.clientPolicy", each.block("virtualService.clientPolicy"))
        for number, each in enumerate(spec.blocks("backends"))
    ]
    for path, policy in policies:
        if policy.has("tls") and not policy.flag("tls.enforce", default=True):
            yield Finding(f"{path}.tls.enforce", "true")


_SIMPLE_BALANCER = "aws:lightsail/lb:Lb"
_SIMPLE_REDIRECT = "aws:lightsail/lbHttpsRedirectionPolicy:LbHttpsRedirectionPolicy"


def _simple_balancer(resource: Resource) -> Findings:
    if resource.type == _SIMPLE_REDIRECT:
        if resource.flag("enabled"):
            return
        if any(resource.stack.refers(resource, "lbName", each) for each in resource.stack.of_type(_SIMPLE_BALANCER)):
            raise NotApplicableError("its load balancer is judged")
        yield Finding("enabled", "true")
        return
    redirects = resource.stack.companions(resource, _SIMPLE_REDIRECT, by="lbName")
    if not any(each.flag("enabled") for each in redirects):
        yield Finding("", "an LbHttpsRedirectionPolicy that is enabled", found="a load balancer that serves plain HTTP")


def _beanstalk(resource: Resource) -> Findings:
    settings = {(each.text("namespace"), each.text("name")): each.text("value") for each in resource.blocks("settings")}
    kind = settings.get(("aws:elasticbeanstalk:environment", "EnvironmentType"), "LoadBalanced")
    if kind != "LoadBalanced" or resource.text("tier", "WebServer") != "WebServer" or not settings:
        raise NotApplicableError("no load balancer is declared for it")
    listeners = [
        namespace
        for (namespace, name), value in settings.items()
        if ":listener" in namespace and name in ("Protocol", "ListenerProtocol") and value.upper() in ("HTTPS", "SSL", "TLS")
    ]
    if not listeners and resource.has("templateName"):
        raise NotApplicableError("its template says how it listens")
    if not listeners:
        yield Finding("settings", "a listener with the protocol HTTPS, in aws:elbv2:listener:443", found="no listener that speaks TLS")
    for namespace in listeners:
        policy = settings.get((namespace, "SSLPolicy"), "")
        if namespace.startswith("aws:elbv2:") and not refuses_old_tls(policy):
            yield Finding("settings", f"{namespace} SSLPolicy: {_MODERN}", found=policy or "no SSLPolicy")


IN_TRANSIT_BALANCERS = (
    moved(
        "enc-lb-listener",
        "Listeners speak TLS 1.2 or later",
        (_LISTENER,),
        _listener,
        "elasticloadbalancing/latest/application/describe-ssl-policies.html",
        "Set the protocol HTTPS and a current sslPolicy, or redirect.",
    ),
    moved(
        "enc-lb-listener-rule",
        "Rules of listeners redirect to HTTPS, and those of HTTP do nothing else",
        ("aws:lb/listenerRule:ListenerRule",),
        _listener_rule,
        "elasticloadbalancing/latest/application/load-balancer-listeners.html",
        "Redirect with the protocol HTTPS, or move the rule to an HTTPS listener.",
    ),
    moved(
        "enc-lb-target-group",
        "Load balancers speak TLS to their targets",
        (
            "aws:lb/targetGroup:TargetGroup",
            "aws:vpclattice/targetGroup:TargetGroup",
            "aws:verifiedaccess/endpoint:Endpoint",
        ),
        _targets,
        "elasticloadbalancing/latest/application/load-balancer-target-groups.html",
        "Set the protocol HTTPS. Changing it replaces the target group.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-elb-listener",
        "Classic load balancers speak TLS 1.2 or later",
        ("aws:elb/loadBalancer:LoadBalancer",),
        _classic,
        "elasticloadbalancing/latest/classic/elb-security-policy-table.html",
        f"Set lbProtocol to HTTPS and declare an SslNegotiationPolicy that refers to {_CLASSIC_MODERN}.",
    ),
    moved(
        "enc-elb-policy",
        "Policies of classic load balancers take TLS 1.2 alone",
        (_CLASSIC_NEGOTIATION, _CLASSIC_POLICY),
        _classic_policy,
        "elasticloadbalancing/latest/classic/elb-security-policy-table.html",
        f"Set the attribute Reference-Security-Policy to {_CLASSIC_MODERN}.",
    ),
    moved(
        "enc-vpclattice-listener",
        "Services of VPC Lattice speak HTTPS",
        ("aws:vpclattice/listener:Listener",),
        _lattice,
        "vpc-lattice/latest/ug/https-listeners.html",
        "Set the protocol HTTPS, or TLS_PASSTHROUGH.",
    ),
    moved(
        "enc-appmesh-tls",
        "Nodes of a mesh speak TLS only",
        ("aws:appmesh/virtualGateway:VirtualGateway", "aws:appmesh/virtualNode:VirtualNode"),
        _mesh,
        "app-mesh/latest/userguide/tls.html",
        "Set tls.mode to STRICT on each listener, and leave enforce of client policies at true.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-lightsail-balancer",
        "Load balancers of Lightsail redirect to HTTPS",
        (_SIMPLE_BALANCER, _SIMPLE_REDIRECT),
        _simple_balancer,
        "lightsail/latest/userguide/amazon-lightsail-configure-load-balancer-https-redirection.html",
        "Attach a certificate and declare an LbHttpsRedirectionPolicy that is enabled.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-beanstalk-listener",
        "Environments of Elastic Beanstalk speak HTTPS",
        ("aws:elasticbeanstalk/environment:Environment", "aws:elasticbeanstalk/configurationTemplate:ConfigurationTemplate"),
        _beanstalk,
        "elasticbeanstalk/latest/dg/configuring-https-elb.html",
        "Set Protocol HTTPS, SSLCertificateArns and SSLPolicy in the namespace aws:elbv2:listener:443.",
        severity=Severity.MEDIUM,
    ),
)
