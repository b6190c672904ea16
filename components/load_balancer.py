"""The public entry of a region: an application load balancer behind a web application firewall."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.buckets import LogBucket, LogBucketArgs
from components.cluster import cluster_name
from components.context import RegionContext
from components.firewall import Firewall, FirewallArgs
from components.sign_in import OperatorSignIn
from settings.model import LoadBalancerSettings
from settings.names import NameRule
from settings.routes import LOGS_HOST, MONITORING_HOST, ROUTES, Route, TargetGroupSpec
from settings.traffic import HTTP, HTTPS

ACCESS_LOGS, CONNECTION_LOGS = "access", "connection"


def regional_host(label: str, region: str, domain: str) -> str:
    """A host that always means one region, `api-us-east-1.mastertrade.example`: one label, so the wildcard certificate covers it."""
    return f"{label}-{region}.{domain}"


@dataclass(frozen=True)
class LoadBalancerArgs:
    """What the load balancer is given. `certificate_arn` covers the domain and all hosts one label below it."""

    context: RegionContext
    settings: LoadBalancerSettings
    domain: str
    operator_cidrs: Sequence[str]
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    certificate_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]
    internet_gateway: pulumi.Resource


class LoadBalancer(pulumi.ComponentResource):
    """TLS ends here; plain HTTP is redirected; requests go round robin to healthy pods, over TLS again."""

    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    """Hosted zone of `dns_name`, for alias records."""
    operator_pool_id: pulumi.Output[str]
    """User pool of those who may open monitoring. and logs."""
    firewall_log_group: aws.cloudwatch.LogGroup
    target_group_arns: dict[str, pulumi.Output[str]]
    """By name of the target group in `settings/routes.py`: what the workloads register their pods with."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:entry:LoadBalancer", name, None, opts)
        self._args = args
        self._context = args.context

        balancer = self._create_balancer(self._create_log_bucket())
        self._redirect_plain_http(balancer)
        listener = self._create_tls_listener(balancer)
        self._target_groups = {route.target.name: self._target_group(route.target) for route in ROUTES}
        sign_in = OperatorSignIn(self._context, hosts=self._operator_hosts(), parent=self)
        for route in ROUTES:
            self._route(route, listener, sign_in)
        firewall = Firewall(
            self._context.logical("firewall"),
            FirewallArgs(
                context=self._context,
                requests_per_minute=args.settings.requests_per_minute,
                log_retention_days=args.settings.log_retention_days,
                logs_key_arn=args.logs_key_arn,
                load_balancer_arn=balancer.arn,
            ),
            pulumi.ResourceOptions(parent=self),
        )

        self.firewall_log_group = firewall.log_group
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.operator_pool_id = sign_in.pool_id
        self.target_group_arns = {name: group.arn for name, group in self._target_groups.items()}
        self.register_outputs({"dnsName": self.dns_name, "zoneId": self.zone_id, "targetGroupArns": self.target_group_arns})

    def _hosts(self, label: str) -> list[str]:
        return [f"{label}.{self._args.domain}", regional_host(label, self._context.region, self._args.domain)]

    def _operator_hosts(self) -> list[str]:
        return [*self._hosts(MONITORING_HOST), *self._hosts(LOGS_HOST)]

    def _create_log_bucket(self) -> LogBucket:
        return LogBucket(
            self._context.logical("entry-logs"),
            LogBucketArgs(self._context, "entry-logs", self._args.settings.log_retention_days, (ACCESS_LOGS, CONNECTION_LOGS)),
            pulumi.ResourceOptions(parent=self),
        )

    def _create_balancer(self, logs: LogBucket) -> aws.lb.LoadBalancer:
        return aws.lb.LoadBalancer(
            self._context.logical("entry"),
            name=self._context.names.of(NameRule.LOAD_BALANCER, "entry"),
            load_balancer_type="application",
            internal=False,
            ip_address_type="ipv4",
            subnets=self._args.subnet_ids,
            security_groups=[self._args.security_group_id],
            idle_timeout=self._args.settings.idle_timeout_seconds,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="strictest",
            xff_header_processing_mode="append",
            preserve_host_header=True,
            enable_http2=True,
            enable_waf_fail_open=False,
            enable_zonal_shift=True,
            enable_deletion_protection=self._context.protect,
            access_logs={"bucket": logs.bucket, "prefix": ACCESS_LOGS, "enabled": True},
            connection_logs={"bucket": logs.bucket, "prefix": CONNECTION_LOGS, "enabled": True},
            # without the gateway its subnets do not count as public
            opts=pulumi.ResourceOptions(parent=self, protect=self._context.protect, depends_on=[self._args.internet_gateway]),
        )

    def _redirect_plain_http(self, balancer: aws.lb.LoadBalancer) -> None:
        aws.lb.Listener(
            self._context.logical("http"),
            load_balancer_arn=balancer.arn,
            port=HTTP,
            protocol="HTTP",
            default_actions=[{"type": "redirect", "redirect": {"protocol": "HTTPS", "port": str(HTTPS), "status_code": "HTTP_301"}}],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_tls_listener(self, balancer: aws.lb.LoadBalancer) -> aws.lb.Listener:
        return aws.lb.Listener(
            self._context.logical("https"),
            load_balancer_arn=balancer.arn,
            port=HTTPS,
            protocol="HTTPS",
            ssl_policy=self._args.settings.tls_policy,
            certificate_arn=self._args.certificate_arn,
            # a host or path that no rule names is nobody's
            default_actions=[
                {
                    "type": "fixed-response",
                    "fixed_response": {"content_type": "text/plain", "message_body": "Not found", "status_code": "404"},
                }
            ],
            routing_http_response_server_enabled=False,
            routing_http_response_strict_transport_security_header_value="max-age=31536000; includeSubDomains",
            routing_http_response_x_content_type_options_header_value="nosniff",
            routing_http_response_x_frame_options_header_value="SAMEORIGIN",
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _target_group(self, spec: TargetGroupSpec) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            self._context.logical("target", spec.name),
            # another port makes another group, which needs another name while the old one is in use
            name=self._context.names.of(NameRule.TARGET_GROUP, spec.name, str(spec.port)),
            # the cluster's load balancing may register pods in groups that carry its name
            tags={"eks:eks-cluster-name": cluster_name(self._context)},
            vpc_id=self._args.vpc_id,
            target_type="ip",
            port=spec.port,
            protocol="HTTPS",
            protocol_version="HTTP1",  # WebSocket upgrades exist in HTTP/1.1 only
            load_balancing_algorithm_type="round_robin",
            deregistration_delay=self._args.settings.drain_seconds,
            stickiness={"type": "lb_cookie", "enabled": spec.sticky, "cookie_duration": 86_400},
            health_check={
                "enabled": True,
                "protocol": "HTTPS",
                "port": "traffic-port",
                "path": spec.health_path,
                "matcher": "200",
                "interval": 10,
                "timeout": 5,
                "healthy_threshold": 2,
                "unhealthy_threshold": 3,  # the promised three failures in a row
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _route(self, route: Route, listener: aws.lb.Listener, sign_in: OperatorSignIn) -> None:
        forward: aws.lb.ListenerRuleActionArgsDict = {
            "type": "forward",
            "order": 2 if route.operators else 1,
            "target_group_arn": self._target_groups[route.target.name].arn,
        }
        conditions: list[aws.lb.ListenerRuleConditionArgsDict] = [{"host_header": {"values": self._hosts(route.host_label)}}]
        if route.operators:
            conditions.append({"source_ip": {"values": list(self._args.operator_cidrs)}})
        else:
            conditions.append({"path_pattern": {"values": list(route.paths)}})
        aws.lb.ListenerRule(
            self._context.logical("route", route.target.name),
            listener_arn=listener.arn,
            priority=route.priority,
            conditions=conditions,
            actions=[sign_in.action(), forward] if route.operators else [forward],
            opts=pulumi.ResourceOptions(parent=self),
        )
