"""Logs in one place: what AWS services and pods leave in CloudWatch Logs is brought to a store, without the secrets in it.

log groups  ->  shipper (function)  ->  log store  <-  pods at logs.  <-  operators
                                           ^
                                     set-up (function)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.logs import log_group
from components.observability.log_documents import prepared_searches, store_documents
from components.observability.log_store import LogStore, LogStoreArgs, log_store_arn
from components.observability.logs.contract import LOG_SOURCES, STORE_ENDPOINT, STORE_REGION, LogSource
from components.observability.logs.packaged import SET_UP, SHIPPER, FunctionCode
from components.policy_document import Statement, policy_document, trust
from components.roles import permitted_arn
from components.secrets import service_role_arn
from settings.names import NameRule
from settings.observability import ObservabilitySettings
from settings.traffic import Party

_RUNTIME, _ARCHITECTURE = "python3.13", "arm64"
_EVERYTHING = ""  # as a filter pattern
_KEPT_SECONDS = 14 * 24 * 3600  # the longest that SQS keeps a message
_OLDEST_SECONDS = 6 * 3600  # the longest that Lambda keeps an event that it has not tried often enough


@dataclass(frozen=True)
class CentralLogsArgs:
    """What central logs are given. `groups`: what is brought to the store, by source and kind; `zones`: how many the region has."""

    context: RegionContext
    settings: ObservabilitySettings
    groups: Mapping[LogSource, Mapping[str, aws.cloudwatch.LogGroup]]
    zones: int
    store_subnet_ids: Sequence[pulumi.Input[str]]
    store_security_group_id: pulumi.Input[str]
    function_subnet_ids: Sequence[pulumi.Input[str]]
    function_security_group_id: pulumi.Input[str]
    store_key_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]


@dataclass(frozen=True)
class _FunctionSpec:
    """One function: its name, its code, what it may ask of the store, and how large it is."""

    name: str
    code: FunctionCode
    methods: tuple[str, ...]
    memory_mib: int
    timeout_seconds: int


_SHIPPER = _FunctionSpec("log-shipper", SHIPPER, ("Post",), 512, 120)
# Lambda asks for six times the function's own at least (Lambda developer guide, "Using Lambda with Amazon SQS")
_AGAIN_SECONDS = 6 * _SHIPPER.timeout_seconds
_SET_UP = _FunctionSpec("log-set-up", SET_UP, ("Get", "Post", "Put"), 256, 600)


class CentralLogs(pulumi.ComponentResource):
    """The store of a region and what fills it. Each region has its own: what is lost with a region is about that region."""

    endpoint: pulumi.Output[str]
    store_arn: pulumi.Output[str]

    def __init__(self, name: str, args: CentralLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:CentralLogs", name, None, opts)
        self._args = args
        self._context = args.context

        self._unsent = self._create_queue()
        roles = {spec.name: self._create_role(spec) for spec in (_SHIPPER, _SET_UP)}
        self._store = self._create_store(roles[_SET_UP.name])
        functions = {spec.name: self._create_function(spec, roles[spec.name]) for spec in (_SHIPPER, _SET_UP)}
        self._keep_what_fails(functions[_SHIPPER.name])
        ready = self._set_up(functions[_SET_UP.name], roles[_SHIPPER.name])
        self._prepare_searches(functions[_SET_UP.name], ready)
        self._subscribe(functions[_SHIPPER.name], ready)

        self.endpoint, self.store_arn = self._store.endpoint, self._store.arn
        self.register_outputs({"endpoint": self.endpoint})

    def _logical(self, *parts: str) -> str:
        return self._context.logical(*parts)

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _function_name(self, spec: _FunctionSpec) -> str:
        return self._context.names.of(NameRule.FUNCTION, spec.name)

    def _create_store(self, master_arn: pulumi.Input[str]) -> LogStore:
        args = self._args
        return LogStore(
            self._logical("log-store"),
            LogStoreArgs(
                context=self._context,
                settings=args.settings.logs,
                zones=args.zones,
                subnet_ids=args.store_subnet_ids,
                security_group_id=args.store_security_group_id,
                key_arn=args.store_key_arn,
                logs_key_arn=args.logs_key_arn,
                log_retention_days=args.settings.log_retention_days,
                master_arn=master_arn,
            ),
            self._child(),
        )

    def _create_role(self, spec: _FunctionSpec) -> pulumi.Output[str]:
        """Writes its own log, has an address in the VPC, and asks the store (Lambda developer guide, "Attaching to a VPC")."""
        context = self._context
        group = log_group(
            self._logical(spec.name),
            name=f"/aws/lambda/{self._function_name(spec)}",
            retention_days=self._args.settings.log_retention_days,
            key_arn=self._args.logs_key_arn,
            parent=self,
        )
        role = aws.iam.Role(
            self._logical(spec.name),
            name=context.name(NameRule.IAM_ROLE, spec.name),
            assume_role_policy=trust("lambda.amazonaws.com"),
            opts=self._child(),
        )
        rights = aws.iam.RolePolicy(
            self._logical(spec.name),
            role=role.name,
            policy=policy_document(
                Statement(
                    sid="WriteOwnLog",
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[pulumi.Output.format("{0}:*", group.arn)],
                ),
                Statement(
                    sid="HaveAnAddress",
                    actions=[
                        "ec2:CreateNetworkInterface",
                        "ec2:DeleteNetworkInterface",
                        "ec2:AssignPrivateIpAddresses",
                        "ec2:UnassignPrivateIpAddresses",
                    ],
                    # narrower, and the function may find no way into the VPC (same page)
                    resources=[context.arn("ec2", "*/*")],
                ),
                Statement(sid="FindSubnets", actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], resources=["*"]),
                Statement(
                    sid="AskTheStore",
                    actions=[f"es:ESHttp{method}" for method in spec.methods],
                    resources=[f"{log_store_arn(context)}/*"],
                ),
                # Lambda's own grant dies with a role of the same name that is made anew
                Statement(
                    sid="ReadVariables",
                    actions=["kms:Decrypt"],
                    resources=[self._args.store_key_arn],
                    conditions={"StringEquals": {"kms:ViaService": f"lambda.{context.region}.amazonaws.com"}},
                ),
                *(self._rights_in_queue() if spec is _SHIPPER else ()),
            ),
            opts=self._child(),
        )
        return permitted_arn(role, rights)

    def _create_queue(self) -> aws.sqs.Queue:
        """Of batches that the store did not take: each is tried again after a while, for as long as SQS keeps it."""
        return aws.sqs.Queue(
            self._logical("log-shipper"),
            name=self._context.name(NameRule.QUEUE, "log-shipper"),
            message_retention_seconds=_KEPT_SECONDS,
            visibility_timeout_seconds=_AGAIN_SECONDS,
            kms_master_key_id=self._args.store_key_arn,
            opts=self._child(),
        )

    def _rights_in_queue(self) -> list[Statement]:
        """Lambda keeps there, and takes from there, in the name of the function."""
        return [
            Statement(
                sid="TryAgain",
                actions=["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                resources=[self._unsent.arn],
            ),
            Statement(
                sid="EncryptBatches",
                actions=["kms:GenerateDataKey", "kms:Decrypt"],
                resources=[self._args.store_key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"sqs.{self._context.region}.amazonaws.com"}},
            ),
        ]

    def _keep_what_fails(self, shipper: aws.lambda_.Function) -> None:
        """CloudWatch Logs sends a batch once. Lambda tries it three times within minutes, then it waits in the queue."""
        aws.lambda_.FunctionEventInvokeConfig(
            self._logical("log-shipper"),
            function_name=shipper.name,
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=_OLDEST_SECONDS,
            destination_config={"on_failure": {"destination": self._unsent.arn}},
            opts=self._child(),
        )
        aws.lambda_.EventSourceMapping(
            self._logical("log-shipper"),
            function_name=shipper.arn,
            event_source_arn=self._unsent.arn,
            batch_size=1,
            scaling_config={"maximum_concurrency": 2},  # the least: what comes now goes first
            opts=self._child(),
        )

    def _create_function(self, spec: _FunctionSpec, role_arn: pulumi.Input[str]) -> aws.lambda_.Function:
        args = self._args
        variables: dict[str, pulumi.Input[str]] = {STORE_ENDPOINT: self._store.endpoint, STORE_REGION: self._context.region}
        if spec is _SHIPPER:
            variables[LOG_SOURCES] = pulumi.Output.json_dumps(
                {source: [group.name for group in groups.values()] for source, groups in args.groups.items()}
            )
        return aws.lambda_.Function(
            self._logical(spec.name),
            name=self._function_name(spec),
            role=role_arn,
            runtime=_RUNTIME,
            architectures=[_ARCHITECTURE],
            handler=spec.code.handler,
            code=pulumi.AssetArchive({name: pulumi.StringAsset(text) for name, text in spec.code.files().items()}),
            memory_size=spec.memory_mib,
            timeout=spec.timeout_seconds,
            kms_key_arn=args.store_key_arn,
            environment={"variables": variables},
            vpc_config={"subnet_ids": args.function_subnet_ids, "security_group_ids": [args.function_security_group_id]},
            logging_config={"log_format": "JSON", "log_group": f"/aws/lambda/{self._function_name(spec)}"},
            opts=self._child(),
        )

    def _set_up(self, function: aws.lambda_.Function, shipper_arn: pulumi.Input[str]) -> aws.lambda_.Invocation:
        """Roles, templates, retention and saved searches. Runs again when one of them changes, or the code that writes them."""
        settings, context = self._args.settings.logs, self._context
        reader = service_role_arn(context.names, context.account_id, Party.LOGS, context.region)
        documents = pulumi.Output.from_input(shipper_arn).apply(
            lambda shipper: json.dumps(
                store_documents(
                    shipper_role_arn=shipper,
                    reader_role_arn=reader,
                    copies=settings.spread(self._args.zones) - 1,  # one in every other zone
                    # one on every node: small shards, which find room to move to warm nodes
                    shards=settings.spread(self._args.zones) * settings.nodes_per_zone,
                    hot_days=settings.hot_days,
                    warm=settings.warm is not None,
                    retention_days=settings.retention_days,
                ),
                sort_keys=True,
            )
        )
        return self._call("log-store", function, documents, [])

    def _prepare_searches(self, function: aws.lambda_.Function, ready: aws.lambda_.Invocation) -> None:
        """Apart: logs flow whether or not OpenSearch Dashboards takes them."""
        self._call("log-searches", function, json.dumps(prepared_searches(), sort_keys=True), [ready])

    def _call(
        self, name: str, function: aws.lambda_.Function, told: pulumi.Input[str], after: Sequence[pulumi.Resource]
    ) -> aws.lambda_.Invocation:
        return aws.lambda_.Invocation(
            self._logical(name),
            function_name=function.name,
            input=told,
            triggers={"code": _SET_UP.code.digest(), "store": self._store.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )

    def _subscribe(self, shipper: aws.lambda_.Function, ready: aws.lambda_.Invocation) -> None:
        context = self._context
        admitted = aws.lambda_.Permission(
            self._logical("log-shipper"),
            statement_id="CloudWatchLogs",
            action="lambda:InvokeFunction",
            function=shipper.name,
            principal="logs.amazonaws.com",
            source_arn=context.arn("logs", "log-group:*:*"),
            source_account=context.account_id,
            opts=self._child(),
        )
        for source, groups in self._args.groups.items():
            for kind, group in groups.items():
                aws.cloudwatch.LogSubscriptionFilter(
                    self._logical("logs-of", source, kind),
                    name="log-store",
                    log_group=group.name,
                    filter_pattern=_EVERYTHING,
                    destination_arn=shipper.arn,
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[admitted, ready]),
                )
