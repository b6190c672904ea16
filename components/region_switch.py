"""The ordered hand-over between regions: approval, database, order execution, traffic."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_aws as aws

from components.policy_document import Principal, Statement, policy_document, trust
from settings.catalog import Region
from settings.model import FailoverSettings
from settings.names import NameRule, Names

_STEP_TIMEOUT_MINUTES = 5
_DATABASE_TIMEOUT_MINUTES = 15
_SAFETY_WAIT_MS = 5000


class Switch(StrEnum):
    """What can be switched on in a region."""

    TRAFFIC = "traffic"
    ORDERS = "orders"


@dataclass(frozen=True)
class RegionSwitchesArgs:
    """What the switches are given."""

    names: Names
    regions: Sequence[Region]


class RegionSwitches(pulumi.ComponentResource):
    """On-off switches per region, kept in five regions at once: they work while any one region does not.

    Route 53 follows the traffic switches. The order switches say where orders may be executed; a safety rule refuses two
    at once. All start off, and only a hand-over or an operator turns them.
    """

    cluster_arn: pulumi.Output[str]

    def __init__(self, name: str, args: RegionSwitchesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:failover:RegionSwitches", name, None, opts)
        self._args = args
        cluster = aws.route53recoverycontrol.Cluster(
            "switches", name=args.names.of(NameRule.ROUTING_CONTROL), opts=pulumi.ResourceOptions(parent=self)
        )
        self.cluster_arn = cluster.arn
        self._endpoints = pulumi.Output.json_dumps(cluster.cluster_endpoints)
        self._panels: dict[Switch, pulumi.Output[str]] = {}
        self._switches = {switch: self._create_switches(switch, cluster) for switch in Switch}
        self._checks = {region: self._create_check(region, control) for region, control in self._switches[Switch.TRAFFIC].items()}
        self.register_outputs({"clusterArn": self.cluster_arn})

    def arn(self, switch: Switch, region: Region) -> pulumi.Output[str]:
        """ARN of a switch."""
        return self._switches[switch][region].arn

    def arns(self, regions: Sequence[Region]) -> list[pulumi.Output[str]]:
        """ARNs of all switches of these regions."""
        return [self.arn(switch, region) for switch in Switch for region in regions]

    def endpoints(self) -> pulumi.Output[str]:
        """JSON: the five addresses at which a switch can be read, each in a region of its own."""
        return self._endpoints

    def panel_arns(self) -> list[pulumi.Output[str]]:
        """ARNs of the control panels that hold them."""
        return list(self._panels.values())

    def health_check_id(self, region: Region) -> pulumi.Output[str]:
        """Health check that is healthy while the region's traffic switch is on."""
        return self._checks[region].id

    def _create_switches(
        self, switch: Switch, cluster: aws.route53recoverycontrol.Cluster
    ) -> dict[Region, aws.route53recoverycontrol.RoutingControl]:
        names = self._args.names
        panel = aws.route53recoverycontrol.ControlPanel(
            switch, name=names.of(NameRule.ROUTING_CONTROL, switch), cluster_arn=cluster.arn, opts=pulumi.ResourceOptions(parent=self)
        )
        self._panels[switch] = panel.arn
        controls = {
            region: aws.route53recoverycontrol.RoutingControl(
                f"{switch}-{region}",
                name=names.of(NameRule.ROUTING_CONTROL, switch, region),
                cluster_arn=cluster.arn,
                control_panel_arn=panel.arn,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for region in self._args.regions
        }
        # there is no rule for «at most one»: it is «two or more», inverted
        aws.route53recoverycontrol.SafetyRule(
            f"{switch}-one-at-most",
            name=names.of(NameRule.ROUTING_CONTROL, switch, "one-at-most"),
            control_panel_arn=panel.arn,
            asserted_controls=[control.arn for control in controls.values()],
            rule_config={"type": "ATLEAST", "threshold": 2, "inverted": True},
            wait_period_ms=_SAFETY_WAIT_MS,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return controls

    def _create_check(self, region: Region, control: aws.route53recoverycontrol.RoutingControl) -> aws.route53.HealthCheck:
        return aws.route53.HealthCheck(
            f"{Switch.TRAFFIC}-{region}",
            type="RECOVERY_CONTROL",
            routing_control_arn=control.arn,
            tags={"Name": f"{Switch.TRAFFIC}-{region}"},
            opts=pulumi.ResourceOptions(parent=self),
        )


@dataclass(frozen=True)
class HandOverArgs:
    """What a hand-over plan is given. `clusters` are the database clusters of exactly two regions, the primary first."""

    names: Names
    account_id: str
    settings: FailoverSettings
    administrators: Sequence[str]
    switches: RegionSwitches
    global_cluster_id: pulumi.Input[str]
    clusters: dict[Region, pulumi.Output[str]]


class HandOver(pulumi.ComponentResource):
    """A Region switch plan between two regions, started by an operator in the region that takes over.

    Either way the same order: somebody approves; orders stop; the database changes its writer, without loss if the old
    region answers; orders resume in the new region; traffic follows. A step that fails holds all later ones.
    """

    plan_arn: pulumi.Output[str]

    def __init__(self, name: str, args: HandOverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:failover:HandOver", name, None, opts)
        self._args = args
        self._primary, self._standby = args.clusters
        # AWS gives a plan's regions back by name: any other order would differ at every preview
        self._pair = sorted(args.clusters)
        self._plan_name = args.names.of(NameRule.REGION_SWITCH_PLAN, self._standby)

        execution_role, permissions = self._create_execution_role()
        plan = self._create_plan(execution_role, self._create_approver_role(), permissions)

        self.plan_arn = plan.arn
        self.register_outputs({"planArn": self.plan_arn})

    def _logical(self, *parts: str) -> str:
        return "-".join(["hand-over", self._standby, *parts])

    def _plan_pattern(self) -> str:
        return f"arn:aws:arc-region-switch::{self._args.account_id}:plan/{self._plan_name}:*"  # ends in a random part

    def _create_execution_role(self) -> tuple[pulumi.Output[str], aws.iam.RolePolicy]:
        args = self._args
        name = args.names.of(NameRule.IAM_ROLE, "hand-over", self._standby)
        role = aws.iam.Role(
            self._logical("execution"),
            name=name,
            assume_role_policy=trust("arc-region-switch.amazonaws.com"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        permissions = aws.iam.RolePolicy(
            self._logical("execution"),
            role=role.name,
            policy=policy_document(
                Statement(actions=["iam:SimulatePrincipalPolicy"], resources=[f"arn:aws:iam::{args.account_id}:role/{name}"]),
                Statement(
                    # read only, and on everything, as Region switch's own example of this role has it
                    actions=["arc-region-switch:GetPlan", "arc-region-switch:GetPlanExecution", "arc-region-switch:ListPlanExecutions"],
                    resources=["*"],
                ),
                Statement(actions=["rds:DescribeGlobalClusters", "rds:DescribeDBClusters"], resources=["*"]),
                Statement(
                    actions=["rds:FailoverGlobalCluster", "rds:SwitchoverGlobalCluster"],
                    resources=[
                        pulumi.Output.format("arn:aws:rds::{0}:global-cluster:{1}", args.account_id, args.global_cluster_id),
                        *args.clusters.values(),
                    ],
                ),
                Statement(
                    actions=["route53-recovery-control-config:DescribeControlPanel", "route53-recovery-control-config:DescribeCluster"],
                    resources=[args.switches.cluster_arn, *args.switches.panel_arns()],
                ),
                Statement(
                    actions=["route53-recovery-cluster:GetRoutingControlState", "route53-recovery-cluster:UpdateRoutingControlStates"],
                    resources=args.switches.arns(self._pair),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role.arn, permissions

    def _create_approver_role(self) -> pulumi.Output[str]:
        """A role of its own: who approves need not be able to execute."""
        args = self._args
        role = aws.iam.Role(
            self._logical("approver"),
            name=args.names.of(NameRule.IAM_ROLE, "hand-over-approver", self._standby),
            assume_role_policy=policy_document(
                Statement(
                    actions=["sts:AssumeRole"],
                    principal=Principal.account(args.account_id),
                    conditions={"ArnLike": {"aws:PrincipalArn": list(args.administrators)}},
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.iam.RolePolicy(
            self._logical("approver"),
            role=role.name,
            policy=policy_document(
                Statement(
                    actions=[
                        "arc-region-switch:ApprovePlanExecutionStep",
                        "arc-region-switch:GetPlan",
                        "arc-region-switch:GetPlanExecution",
                        "arc-region-switch:ListPlanExecutions",
                    ],
                    resources=[self._plan_pattern()],
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role.arn

    def _create_plan(
        self, execution_role: pulumi.Output[str], approver_role: pulumi.Output[str], permissions: aws.iam.RolePolicy
    ) -> aws.arcregionswitch.Plan:
        args = self._args
        steps = self._steps(approver_role)
        return aws.arcregionswitch.Plan(
            self._logical("plan"),
            name=self._plan_name,
            description=f"Hand over between {self._primary} and {self._standby}: approval, database, orders, traffic",
            execution_role=execution_role,
            recovery_approach="activePassive",
            regions=self._pair,
            primary_region=self._primary,
            recovery_time_objective_minutes=args.settings.recovery_minutes,
            workflows=[{"workflow_target_action": "activate", "workflow_target_region": region, "steps": steps} for region in self._pair],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permissions]),
        )

    def _steps(self, approver_role: pulumi.Output[str]) -> list[aws.arcregionswitch.PlanWorkflowStepArgsDict]:
        args = self._args
        return [
            {
                "name": "approval",
                "description": "Somebody decides: a failover may lose the last second of data",
                "execution_block_type": "ManualApproval",
                "execution_approval_configs": [
                    {"approval_role": approver_role, "timeout_minutes": args.settings.approval_timeout_minutes},
                ],
            },
            self._switch_step("stop-orders", Switch.ORDERS, activated="Off"),
            {
                "name": "database",
                "description": "The other region's cluster becomes the writer: switched over, or failed over when run ungracefully",
                "execution_block_type": "AuroraGlobalDatabase",
                "global_aurora_configs": [
                    {
                        "behavior": "switchoverOnly",
                        "ungracefuls": [{"ungraceful": "failover"}],
                        "global_cluster_identifier": args.global_cluster_id,
                        "database_cluster_arns": [args.clusters[region] for region in self._pair],
                        "timeout_minutes": _DATABASE_TIMEOUT_MINUTES,
                    }
                ],
            },
            self._switch_step("start-orders", Switch.ORDERS, activated="On"),
            self._switch_step("traffic", Switch.TRAFFIC, activated="On"),
        ]

    def _switch_step(self, name: str, switch: Switch, *, activated: str) -> aws.arcregionswitch.PlanWorkflowStepArgsDict:
        """Sets both regions' switches at once: the activated region's to `activated`, the other's off."""
        switches = self._args.switches
        return {
            "name": name,
            "execution_block_type": "ARCRoutingControl",
            "arc_routing_control_configs": [
                {
                    "timeout_minutes": _STEP_TIMEOUT_MINUTES,
                    "region_and_routing_controls": [
                        {
                            "region": region,
                            "routing_controls": [
                                {"routing_control_arn": switches.arn(switch, each), "state": activated if each == region else "Off"}
                                for each in self._pair
                            ],
                        }
                        for region in self._pair
                    ],
                }
            ],
        }
