"""What the engine refuses, the offline preview refuses: everything of one run together, each with name and line."""

from pathlib import Path

import pytest

from mastertrade.offline import Mode, ProgramError, Resource, evaluate
from mastertrade.offline.checks import checked
from tests.offline.programs import project


def refusal(folder: Path, program: str, mode: Mode = Mode.SIMULATED) -> str:
    with pytest.raises(ProgramError) as raised:
        evaluate(project(folder, program), "dev", mode=mode)
    assert raised.value.evaluation.error == str(raised.value)
    return str(raised.value)


def test_a_name_used_twice(tmp_path: Path) -> None:
    message = refusal(tmp_path, 'for _ in range(2): aws.ec2.Vpc("twin", cidr_block="10.0.0.0/16", opts=there)')
    assert "duplicate resource URN 'urn:pulumi:dev::demo::aws:ec2/vpc:Vpc::twin'" in message
    assert "first declared at __main__.py:8" in message


def test_a_resource_without_a_provider(tmp_path: Path) -> None:
    message = refusal(tmp_path, 'aws.ec2.Vpc("stray", cidr_block="10.0.0.0/16")')
    assert "default provider for 'aws' disabled; 'urn:pulumi:dev::demo::aws:ec2/vpc:Vpc::stray' must use an explicit provider" in message


def test_a_package_whose_default_provider_is_not_disabled_needs_none(tmp_path: Path) -> None:
    assert evaluate(project(tmp_path, 'random.RandomUuid("id")'), "dev").error is None


@pytest.mark.parametrize("mode", list(Mode))
def test_nested_properties_unknown_missing_and_of_the_wrong_kind(tmp_path: Path, mode: Mode) -> None:
    message = refusal(
        tmp_path,
        """
        aws.mq.Broker("broker", broker_name="b", engine_type="RabbitMQ", engine_version="3.13", host_instance_type="mq.m5.large",
            logs={"generall": True}, users=[{"username": "u"}], encryption_options="none", security_groups="sg-1", opts=there)
        """,
        mode,
    )
    assert "no property 'logs.generall', did you mean 'general'?" in message
    assert "missing required property 'users[0].password'" in message
    assert "property 'encryption_options' is text, where a mapping is needed" in message
    assert "property 'security_groups' is text, where a list is needed" in message
    assert message.count("aws:mq/broker:Broker 'broker' (__main__.py:") == 4


def test_a_property_that_the_type_does_not_have(tmp_path: Path) -> None:
    program = """
    class Vpc(pulumi.CustomResource):
        def __init__(self, name, **properties):
            super().__init__("aws:ec2/vpc:Vpc", name, properties, there)
    aws.ec2.Vpc
    Vpc("a", cidrBlok="10.0.0.0/16")
    """
    assert "no property 'cidrBlok', did you mean 'cidr_block'?" in refusal(tmp_path, program)


def test_a_required_property_whose_output_turns_out_to_be_nothing(tmp_path: Path) -> None:
    program = """
    nothing = pulumi.Output.from_input(None)
    aws.ec2.Subnet("a", vpc_id=nothing, cidr_block="10.0.0.0/24", opts=there)
    """
    assert "missing required property 'vpc_id'" in refusal(tmp_path, program)


def test_a_type_that_the_package_does_not_have(tmp_path: Path) -> None:
    program = """
    class Strange(pulumi.CustomResource):
        pass
    Strange("aws:ec2/nothing:Nothing", "x", {}, there)
    """
    assert "package 'aws' has no resource type 'aws:ec2/nothing:Nothing'" in refusal(tmp_path, program)


def test_unknown_values_and_secrets_may_stand_anywhere(tmp_path: Path) -> None:
    program = """
    one = aws.ec2.Vpc("one", cidr_block="10.0.0.0/16", opts=there)
    aws.ec2.SecurityGroup("two", vpc_id=one.id, tags=one.arn.apply(lambda arn: {"arn": arn}),
        ingress=pulumi.Output.secret([{"protocol": one.id, "from_port": 1, "to_port": 2}]),
        description=pulumi.Output.secret("x"), opts=there)
    """
    for mode in Mode:
        assert evaluate(project(tmp_path, program), "dev", mode=mode).error is None


def test_references_to_what_is_not_registered(tmp_path: Path) -> None:
    program = """
    ghost = "urn:pulumi:dev::demo::aws:ec2/vpc:Vpc::ghost"
    dependency = pulumi.resource.DependencyResource(ghost)
    aws.ec2.Vpc("a", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=home, depends_on=[dependency]))
    aws.ec2.Vpc("b", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=home, deleted_with=dependency))
    away = pulumi.resource.DependencyProviderResource("urn:pulumi:dev::demo::pulumi:providers:aws::away::1")
    aws.ec2.Vpc("d", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=away))
    """
    lines = refusal(tmp_path, program).splitlines()
    ghost = "urn:pulumi:dev::demo::aws:ec2/vpc:Vpc::ghost"
    for name, wrong in {
        "'a'": f"depends on '{ghost}'",
        "'b'": f"is deleted with '{ghost}'",
        "'d'": "unknown provider 'urn:pulumi:dev::demo::pulumi:providers:aws::away'",
    }.items():
        assert any(name in line and wrong in line for line in lines), wrong


def test_a_parent_that_is_not_registered() -> None:
    orphan = Resource(
        "urn:pulumi:dev::demo::demo:a:B$demo:a:C::x", "demo:a:C", "x", False, {}, {}, parent="urn:pulumi:dev::demo::demo:a:B::y"
    )
    assert list(checked(orphan, {}, None, frozenset())) == ["unknown parent 'urn:pulumi:dev::demo::demo:a:B::y'"]


def test_functions_of_providers(tmp_path: Path) -> None:
    message = refusal(tmp_path, "aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=home))")
    assert message == "offline preview answers no invoke: aws:index/getCallerIdentity:getCallerIdentity"


def test_outputs_that_wait_for_one_another(tmp_path: Path) -> None:
    program = """
    import asyncio
    later = asyncio.get_event_loop().create_future()
    one = aws.ec2.Vpc("one", cidr_block=pulumi.Output.from_input(later), opts=there)
    two = aws.ec2.Vpc("two", cidr_block=one.cidr_block, opts=there)
    two.cidr_block.apply(later.set_result)
    """
    message = refusal(tmp_path, program)
    assert "the program waits for itself and can never finish" in message
    assert "aws:ec2/vpc:Vpc 'one' waits for what becomes its property 'cidr_block'" in message
    assert "aws:ec2/vpc:Vpc 'two' waits for what becomes its property 'cidr_block'" in message


def test_a_program_that_only_takes_its_time_is_not_stopped(tmp_path: Path) -> None:
    program = """
    import asyncio, threading, time
    async def slowly():
        await asyncio.sleep(0.4)
        loop, waited = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        def work():
            time.sleep(0.6)
            loop.call_soon_threadsafe(waited.set_result, "10.0.0.0/16")
        threading.Thread(target=work).start()
        return await waited
    pulumi.export("cidr", aws.ec2.Vpc("slow", cidr_block=pulumi.Output.from_input(slowly()), opts=there).cidr_block)
    """
    assert evaluate(project(tmp_path, program), "dev").outputs["cidr"] == "10.0.0.0/16"


def test_errors_of_the_program_show_its_lines_and_no_others(tmp_path: Path) -> None:
    message = refusal(tmp_path, 'def broken():\n    return {}["key"]\nbroken()')
    assert message.startswith("Traceback (most recent call last):")
    assert 'File "__main__.py", line 9, in broken' in message
    assert message.endswith("KeyError: 'key'")
    assert "runpy" not in message
    assert "host.py" not in message


def test_errors_inside_of_outputs_are_all_reported_once(tmp_path: Path) -> None:
    program = """
    vpc = aws.ec2.Vpc("a", cidr_block="10.0.0.0/16", opts=there)
    def fails(value): raise ValueError("first trouble")
    bad = vpc.arn.apply(fails)
    aws.sns.Topic("b", display_name=bad, opts=there)
    aws.sns.Topic("c", display_name=bad, opts=there)
    vpc.id.apply(lambda value: {}["second trouble"])
    """
    message = refusal(tmp_path, program)
    assert message.count("first trouble") == 2, "the exception's text and the line that raises it"
    assert "second trouble" in message


def test_user_errors_show_only_their_message(tmp_path: Path) -> None:
    assert refusal(tmp_path, 'raise pulumi.RunError("choose a region")') == "choose a region"


def test_a_program_that_ends_itself(tmp_path: Path) -> None:
    assert refusal(tmp_path, "raise SystemExit(3)") == "the program ended itself with exit code 3"


def test_a_failed_run_leaves_nothing_for_the_next(tmp_path: Path) -> None:
    refusal(tmp_path / "bad", 'aws.ec2.Vpc("a", opts=there)\nraise pulumi.RunError("no")')
    evaluation = evaluate(project(tmp_path / "good", 'pulumi.export("x", 1)'), "dev")
    assert evaluation.outputs == {"x": 1}
    assert {each.type for each in evaluation.resources} == {"pulumi:pulumi:Stack", "pulumi:providers:aws"}
