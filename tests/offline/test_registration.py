"""What a program declares arrives as the engine would record it."""

from pathlib import Path

import pytest

from mastertrade.offline import UNKNOWN, Evaluation, Mode, Resource, Secret, evaluate
from tests.offline.programs import project

PLATFORM = """
class Network(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("demo:net:Network", name, None, opts)
        self.vpc = aws.ec2.Vpc(name, cidr_block="10.0.0.0/16", tags={"own": "yes"}, opts=pulumi.ResourceOptions(parent=self, protect=True))
        self.subnet = aws.ec2.Subnet(
            name, vpc_id=self.vpc.id, cidr_block="10.0.1.0/24", availability_zone_id="use1-az2",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.vpc], ignore_changes=["tags"], deleted_with=self.vpc,
                aliases=[pulumi.Alias(name="older")], retain_on_delete=True, custom_timeouts=pulumi.CustomTimeouts(create="30m")))
        self.register_outputs({"vpcId": self.vpc.id})

class Region(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("demo:top:Region", name, None, opts)
        self.network = Network("net", pulumi.ResourceOptions(parent=self))

region = Region("east", pulumi.ResourceOptions(providers=[home]))
password = random.RandomPassword("word", length=24, special=False)
topic = aws.sns.Topic("topic", display_name=password.result, opts=there)
zone = region.network.subnet.availability_zone.apply(lambda name: name.upper())
pulumi.export("zone", zone)
pulumi.export("password", password.result)
pulumi.export("nested", {"vpc": region.network.vpc.id, "list": [1, True, None, 1.5]})
"""


def named(evaluation: Evaluation, type_: str, name: str) -> Resource:
    return next(each for each in evaluation.resources if each.type.endswith(type_) and each.name == name)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return evaluate(project(tmp_path_factory.mktemp("simulated"), PLATFORM), "dev")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return evaluate(project(tmp_path_factory.mktemp("first"), PLATFORM), "dev", mode=Mode.FIRST)


def test_urn_has_the_whole_chain_of_parent_types_but_not_the_stack(simulated: Evaluation) -> None:
    assert named(simulated, ":Subnet", "net").urn == "urn:pulumi:dev::demo::demo:top:Region$demo:net:Network$aws:ec2/subnet:Subnet::net"
    assert named(simulated, ":Topic", "topic").urn == "urn:pulumi:dev::demo::aws:sns/topic:Topic::topic"
    assert named(simulated, ":Stack", "demo-dev").urn == "urn:pulumi:dev::demo::pulumi:pulumi:Stack::demo-dev"


def test_options_arrive(simulated: Evaluation) -> None:
    vpc, subnet = named(simulated, ":Vpc", "net"), named(simulated, ":Subnet", "net")
    assert vpc.protect
    assert not subnet.protect
    assert subnet.dependencies == (vpc.urn,)
    assert subnet.property_dependencies["vpcId"] == (vpc.urn,)
    assert subnet.ignore_changes == ("tags",)
    assert subnet.deleted_with == vpc.urn
    assert subnet.aliases == (subnet.urn.removesuffix("net") + "older",)
    assert subnet.retain_on_delete
    assert subnet.custom_timeouts == {"create": "30m"}


def test_provider_of_a_component_reaches_its_grandchildren(simulated: Evaluation) -> None:
    home = named(simulated, ":aws", "home")
    subnet = named(simulated, ":Subnet", "net")
    assert subnet.provider == home.urn
    assert subnet.region == "us-east-1"
    assert named(simulated, ":Region", "east").providers == {"aws": home.urn}


def test_account_and_default_tags_come_from_the_provider(simulated: Evaluation) -> None:
    vpc = named(simulated, ":Vpc", "net")
    assert vpc.outputs["arn"] == f"arn:aws:ec2:us-east-1:210987654321:vpc/{vpc.id}"
    assert vpc.outputs["tagsAll"] == {"platform": "test", "own": "yes"}


def test_inputs_hold_what_other_resources_gave_out(simulated: Evaluation) -> None:
    assert named(simulated, ":Subnet", "net").inputs["vpcId"] == named(simulated, ":Vpc", "net").id
    assert named(simulated, ":Subnet", "net").outputs["availabilityZone"] == "us-east-1b"
    assert simulated.outputs["zone"] == "US-EAST-1B"


def test_component_has_the_outputs_that_it_registers(simulated: Evaluation) -> None:
    assert named(simulated, ":Network", "net").outputs == {"vpcId": named(simulated, ":Vpc", "net").id}


def test_values_keep_their_kinds(simulated: Evaluation) -> None:
    assert simulated.outputs["nested"]["list"] == [1, True, None, 1.5]
    assert isinstance(simulated.outputs["nested"]["list"][0], int)


def test_secrets_stay_secret_and_never_show(simulated: Evaluation) -> None:
    password = simulated.outputs["password"]
    assert isinstance(password, Secret)
    assert len(password.value) == 24
    assert password.value.isalnum()
    topic = named(simulated, ":Topic", "topic")
    assert topic.inputs["displayName"] == password
    assert isinstance(topic.outputs["displayName"], Secret)
    assert password.value not in repr(simulated) + str(password) + f"{password}"


def test_declaration_has_the_line_of_the_program(simulated: Evaluation) -> None:
    source = named(simulated, ":Subnet", "net").source
    assert source is not None
    assert source.file == "__main__.py"
    provider = named(simulated, ":aws", "home").source
    assert provider is not None, "the SDK names its own file for providers; the program's must be found above it"
    assert source.line > provider.line


def test_computed_values_are_unknown_before_a_deployment(first: Evaluation) -> None:
    subnet, vpc = named(first, ":Subnet", "net"), named(first, ":Vpc", "net")
    assert vpc.id is UNKNOWN
    assert vpc.outputs["arn"] is UNKNOWN
    assert vpc.outputs["cidrBlock"] == "10.0.0.0/16"
    assert subnet.inputs["vpcId"] is UNKNOWN
    assert first.outputs["zone"] is UNKNOWN
    assert first.outputs["nested"]["vpc"] is UNKNOWN


def test_both_modes_declare_the_same(simulated: Evaluation, first: Evaluation) -> None:
    def declared(evaluation: Evaluation) -> list[tuple[object, ...]]:
        return [(each.urn, sorted(each.inputs), each.dependencies, each.provider, each.protect) for each in evaluation.resources]

    assert declared(simulated) == declared(first)


def test_two_runs_are_equal(simulated: Evaluation, tmp_path: Path) -> None:
    again = evaluate(project(tmp_path, PLATFORM), "dev")
    assert again == simulated
    assert [each.urn for each in again.resources] == [each.urn for each in simulated.resources]


def test_parents_come_before_children(simulated: Evaluation) -> None:
    seen = {""}
    for resource in simulated.resources:
        assert resource.parent in seen
        seen.add(resource.urn)


def test_additional_secret_outputs_are_secret(tmp_path: Path) -> None:
    program = """
    secret = pulumi.ResourceOptions(provider=home, additional_secret_outputs=["arn", "cidrBlock"])
    vpc = aws.ec2.Vpc("a", cidr_block="10.0.0.0/16", opts=secret)
    pulumi.export("arn", vpc.arn)
    pulumi.export("cidr", vpc.cidr_block)
    pulumi.export("owner", vpc.owner_id)
    """
    outputs = evaluate(project(tmp_path, program), "dev").outputs
    assert isinstance(outputs["arn"], Secret)
    assert isinstance(outputs["cidr"], Secret)
    assert outputs["owner"] == "210987654321"


@pytest.mark.parametrize("mode", list(Mode))
def test_resource_given_whole_arrives_as_its_id(tmp_path: Path, mode: Mode) -> None:
    program = """
    role = aws.iam.Role("role", assume_role_policy="{}", opts=there)
    aws.iam.RolePolicy("policy", role=role, policy="{}", opts=there)
    """
    evaluation = evaluate(project(tmp_path, program), "dev", mode=mode)
    assert named(evaluation, ":RolePolicy", "policy").inputs["role"] == named(evaluation, ":Role", "role").id


def test_callback_sees_every_resource_once(tmp_path: Path) -> None:
    seen: list[str] = []
    evaluation = evaluate(project(tmp_path, PLATFORM), "dev", on_resource=lambda resource: seen.append(resource.urn))
    assert sorted(seen) == sorted(each.urn for each in evaluation.resources)


def test_warnings_of_the_program_are_kept_and_debug_messages_are_not(tmp_path: Path) -> None:
    evaluation = evaluate(project(tmp_path, "pulumi.debug('detail'); pulumi.warn('mind this')"), "dev")
    assert [(each.severity, each.message) for each in evaluation.diagnostics] == [("warning", "mind this")]


def test_transforms_of_stack_component_and_resource_apply(tmp_path: Path) -> None:
    program = """
    def tagged(key):
        def transform(args):
            if args.type_ != "aws:ec2/vpc:Vpc":
                return None
            return pulumi.ResourceTransformResult({**args.props, "tags": {**args.props.get("tags", {}), key: "yes"}}, args.opts)
        return transform

    class Holder(pulumi.ComponentResource):
        def __init__(self):
            super().__init__("demo:a:Holder", "holder", None, pulumi.ResourceOptions(transforms=[tagged("component")]))
            own = pulumi.ResourceOptions(parent=self, provider=home, transforms=[tagged("own")])
            aws.ec2.Vpc("inside", cidr_block="10.0.0.0/16", opts=own)

    pulumi.runtime.register_resource_transform(tagged("stack"))
    Holder()
    aws.ec2.Vpc("outside", cidr_block="10.0.0.0/16", opts=there)
    """
    evaluation = evaluate(project(tmp_path, program), "dev")
    assert named(evaluation, ":Vpc", "inside").inputs["tags"] == {"own": "yes", "component": "yes", "stack": "yes"}
    assert named(evaluation, ":Vpc", "outside").inputs["tags"] == {"stack": "yes"}


def test_resource_that_exists_elsewhere_is_read(tmp_path: Path) -> None:
    program = """
    vpc = aws.ec2.Vpc.get("existing", "vpc-0123456789abcdef0", opts=there)
    pulumi.export("id", vpc.id)
    pulumi.export("arn", vpc.arn)
    """
    evaluation = evaluate(project(tmp_path, program), "dev")
    assert named(evaluation, ":Vpc", "existing").external
    assert evaluation.outputs["id"] == "vpc-0123456789abcdef0"
    assert str(evaluation.outputs["arn"]).startswith("arn:aws:ec2:us-east-1:210987654321:vpc/")
