"""A comparison does to resources what Pulumi would do."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mastertrade.changes.comparing import compare
from mastertrade.changes.model import Danger, Operation, PolicyChange, Replaces
from mastertrade.changes.sides import Control, Side, State, States
from mastertrade.offline import Resource
from mastertrade.offline.evaluation import urn_of
from tests.changes.changing import added, compared, find, only, production, with_inputs, with_options, without

CREATE, UPDATE, REPLACE, DELETE = Operation.CREATE, Operation.UPDATE, Operation.REPLACE, Operation.DELETE
BUCKET, QUEUE, TABLE = "aws:s3/bucket:Bucket", "aws:sqs/queue:Queue", "aws:dynamodb/table:Table"
HOME = "urn:pulumi:dev::demo::pulumi:providers:aws::home"


def resource(name: str, type_: str = BUCKET, inputs: Mapping[str, Any] | None = None, parent: str = "", **more: Any) -> Resource:
    stated = dict(inputs or {})
    urn = urn_of("dev", "demo", parent, type_, name)
    return Resource(
        urn, type_, name, True, stated, {**stated, "arn": f"arn:aws:made:::{name}-computed"}, f"{name}-id", parent=parent, **more
    )


def component(name: str, **more: Any) -> Resource:
    return Resource(urn_of("dev", "demo", "", "demo:net:Network", name), "demo:net:Network", name, False, {}, {}, **more)


def side(*resources: Resource, **more: Any) -> Side:
    return Side("dev", "demo", resources, **more)


def test_the_same_version_twice_changes_nothing() -> None:
    found = compare(production(), production())
    assert (found.changes, dict(found.counts)) == ((), {})
    assert found.unchanged > 700


def test_changes_are_counted_by_what_happens() -> None:
    before = side(resource("a", inputs={"bucket": "a"}), resource("b"), resource("c"), resource("d", inputs={"forceDestroy": True}))
    after = side(resource("a", inputs={"bucket": "z"}), resource("b"), resource("d", inputs={"forceDestroy": False}), resource("e"))
    found = compare(before, after)
    assert (dict(found.counts), found.unchanged) == ({REPLACE: 1, DELETE: 1, UPDATE: 1, CREATE: 1}, 1)


def test_a_rename_with_an_alias_is_no_deletion() -> None:
    old = resource("old", inputs={"bucket": "b"})
    found = compare(side(old), side(resource("new", inputs={"bucket": "b"}, aliases=(old.urn,))))
    assert (found.changes, found.unchanged) == ((), 1)


def test_an_aliased_resource_that_changes_says_so() -> None:
    old = resource("old", inputs={"forceDestroy": False})
    change = only(side(old), side(resource("new", inputs={"forceDestroy": True}, aliases=(old.urn,))))
    assert (change.operation, change.old_urn) == (UPDATE, old.urn)
    assert any("alias" in each for each in change.notes)


def test_a_rename_without_an_alias_deletes_and_creates() -> None:
    assert {each.operation for each in compared(side(resource("old")), side(resource("new")))} == {CREATE, DELETE}


def test_children_follow_the_alias_of_their_component() -> None:
    old, new = component("net"), component("network")
    before = side(old, resource("net-logs", parent=old.urn), resource("other", parent=old.urn))
    renamed = replace(new, aliases=(old.urn,))
    after = side(renamed, resource("network-logs", parent=new.urn), resource("other", parent=new.urn))
    assert compare(before, after).changes == ()


def test_an_alias_of_something_that_is_still_there_matches_nothing() -> None:
    old = resource("old")
    assert only(side(old), side(resource("new", aliases=(old.urn,)), old)).operation is CREATE


@pytest.mark.parametrize("pattern", ["tags", "tags.owner", 'tags["owner"]', "*"])
def test_an_ignored_property_is_no_change(pattern: str) -> None:
    before = resource("a", inputs={"tags": {"owner": "ada"}})
    after = resource("a", inputs={"tags": {"owner": "eve"}}, ignore_changes=(pattern,))
    assert compare(side(before), side(after)).changes == ()


@pytest.mark.parametrize("pattern", ["tag", "tags.own", "tags.owner.x", "other"])
def test_what_is_not_ignored_is_a_change(pattern: str) -> None:
    before = resource("a", inputs={"tags": {"owner": "ada"}})
    after = resource("a", inputs={"tags": {"owner": "eve"}}, ignore_changes=(pattern,))
    assert only(side(before), side(after)).operation is UPDATE


def test_elements_of_lists_can_be_ignored() -> None:
    before, after = ({"rules": [{"days": days, "id": "x"}]} for days in (1, 2))
    ignoring = resource("a", inputs=after, ignore_changes=("rules[*].days",))
    assert compare(side(resource("a", inputs=before)), side(ignoring)).changes == ()


def test_production_ignores_what_a_failover_changes() -> None:
    before = production()
    after = with_inputs(before, "rds/cluster:Cluster", "us-east-1-database", lambda inputs: inputs.update(engineVersion="18.1"))
    assert compare(before, after).changes == ()


def test_deleting_a_protected_resource_is_refused() -> None:
    change = only(side(resource("a", protect=True)), side())
    assert change.refused
    assert any("Pulumi refuses" in each for each in change.notes)


def test_replacing_a_protected_resource_is_refused() -> None:
    before, after = (resource("a", inputs={"bucket": name}, protect=True) for name in "ab")
    assert only(side(before), side(after)).refused


def test_what_goes_with_something_else_is_not_deleted_by_itself() -> None:
    cluster = resource("cluster", "aws:eks/cluster:Cluster")
    inside = resource("inside", "kubernetes:core/v1:Namespace", deleted_with=cluster.urn)
    changes = {each.name: each for each in compared(side(cluster, inside), side())}
    assert any("deletedWith" in each for each in changes["inside"].notes)
    assert not any("deletedWith" in each for each in only(side(cluster, inside), side(cluster)).notes)


@pytest.mark.parametrize(("option", "after"), [("protect", False), ("retain_on_delete", False)])
def test_a_protection_that_ends_is_a_change(option: str, after: bool) -> None:
    before = replace(resource("a"), **{option: not after})
    assert only(side(before), side(replace(before, **{option: after}))).danger is Danger.DATA_LOSS


def test_replace_on_changes_replaces() -> None:
    before, after = (resource("q", QUEUE, {"delaySeconds": n}, replace_on_changes=("delaySeconds",)) for n in (1, 2))
    assert only(side(before), side(after)).operation is REPLACE


def test_another_provider_replaces() -> None:
    before, after = (resource("a", provider=f"{HOME}-{n}") for n in (1, 2))
    assert only(side(before), side(after)).operation is REPLACE


def test_a_type_of_which_nothing_is_known_says_so() -> None:
    before, after = (resource("t", TABLE, {"hashKey": key}) for key in "ab")
    assert any("not known" in each for each in only(side(before), side(after)).notes)


def test_components_and_what_is_only_read_are_not_counted() -> None:
    read = resource("read", external=True)
    assert compare(side(component("net"), read), side()).changes == ()


def test_what_refers_to_a_replaced_resource_changes_with_it() -> None:
    before = production()
    after = with_inputs(before, "ec2/vpc:Vpc", "us-east-1-vpc", lambda inputs: inputs.update(cidrBlock="10.99.0.0/16"))
    changes = {(each.type, each.name): each for each in compared(before, after)}
    subnet = changes["aws:ec2/subnet:Subnet", "us-east-1-data-use1-az1"]
    assert (subnet.operation, subnet.cause) == (REPLACE, "us-east-1-vpc")
    broker = changes["aws:mq/broker:Broker", "us-east-1-broker"]
    assert (broker.operation, broker.danger, broker.cause) == (REPLACE, Danger.DATA_LOSS, "us-east-1-vpc")
    assert not any("us-west-2" in name for _, name in changes), "the other region has a network of its own"
    assert changes["aws:rds/cluster:Cluster", "us-east-1-database"].operation is UPDATE, "only its security groups are others"


def test_a_replacement_that_is_not_certain_makes_none_certain() -> None:
    before = production()
    subnets = find(before, "lb/loadBalancer:LoadBalancer", "us-east-1-entry").inputs["subnets"]
    after = with_inputs(before, "lb/loadBalancer:LoadBalancer", "us-east-1-entry", lambda inputs: inputs.update(subnets=subnets[:2]))
    followers = [each for each in compared(before, after) if each.cause and each.operation is REPLACE]
    assert followers
    assert all(each.uncertain for each in followers)


def test_both_values_are_told() -> None:
    before = production()
    after = with_inputs(before, "rds/cluster:Cluster", "us-east-1-database", lambda inputs: inputs.update(backupRetentionPeriod=7))
    (difference,) = only(before, after).differences
    assert (difference.path, difference.before, difference.after, difference.replaces) == ("backupRetentionPeriod", 30, 7, Replaces.NO)


def test_a_change_knows_the_account_of_its_stack() -> None:
    before = production()
    change = only(before, with_options(before, "rds/cluster:Cluster", "us-east-1-database", protect=False))
    assert f":{change.account}:" in find(before, "rds/cluster:Cluster", "us-east-1-database").outputs["arn"]
    assert re.fullmatch(r"\d{12}", change.account)


def test_the_gravest_differences_come_first() -> None:
    panels = {f"a{number:03}": number for number in range(200)}
    before = {**panels, "instanceClass": "db.r8g.large", "settings": {"deletionProtection": True}, "storageEncrypted": True}
    after = {name: value + 1 for name, value in panels.items()}
    after |= {"instanceClass": "db.r8g.xlarge", "settings": {"deletionProtection": False}, "storageEncrypted": False}
    old = resource("a", "aws:rds/cluster:Cluster", before, protect=True)
    found = only(side(old), side(replace(old, inputs=after, protect=False))).differences
    first = ["storageEncrypted", "protect (option)", "settings.deletionProtection", "instanceClass", "a000"]
    assert [each.path for each in found][: len(first)] == first
    assert len(found) == 204


def test_a_block_that_holds_something_grave_comes_before_what_does_not() -> None:
    before = resource("a", "aws:rds/cluster:Cluster", {"a": 1})
    after = replace(before, inputs={"a": 2, "options": {"access": [{"publiclyAccessible": True}]}})
    assert [each.path for each in only(side(before), side(after)).differences] == ["options", "a"]


def test_a_change_names_the_line_that_declares_the_resource() -> None:
    before = production()
    change = only(before, with_options(before, "rds/cluster:Cluster", "us-east-1-database", protect=False))
    assert re.fullmatch(r"components/database\.py:\d+", change.source)


def test_a_side_that_fails_is_told_and_nothing_is_compared() -> None:
    found = compare(side(resource("a")), side(error="NameError: x"))
    assert (found.changes, found.error) == ((), "NameError: x")


# -- what controls say --------------------------------------------------------------------------------------------


def states(**by_name: str) -> States:
    control = {"enc-1": Control("a title", "high", "mandatory")}
    return States(control, {("enc-1", resource(name).urn): State(state, "a message") for name, state in by_name.items()})


def policies(before: States | None, after: States | None) -> dict[str, PolicyChange]:
    names = ("a", "b", "c")
    found = compare(side(*map(resource, names), states=before), side(*map(resource, names), states=after))
    return {each.name: each for each in found.policies}


def test_a_verdict_that_changed_is_told() -> None:
    found = policies(states(a="pass", b="fail", c="pass"), states(a="fail", b="pass", c="pass"))
    assert {name: (each.before, each.after) for name, each in found.items()} == {"a": ("pass", "fail"), "b": ("fail", "pass")}
    assert list(found) == ["a", "b"], "what became worse comes first"
    assert (found["a"].worse, found["b"].better) == (True, True)


def test_a_new_verdict_is_told_unless_it_passes() -> None:
    assert list(policies(states(), states(a="pass", b="unknown"))) == ["b"]


def test_verdicts_that_are_not_known_are_not_guessed() -> None:
    assert policies(None, states(a="fail")) == {}


def test_verdicts_follow_a_renamed_resource() -> None:
    old = resource("a")
    new = resource("b", aliases=(old.urn,))
    found = compare(side(old, states=states(a="pass")), side(new, states=states(b="pass")))
    assert found.policies == ()


def test_a_deleted_resource_is_in_the_digest_with_its_danger() -> None:
    before = production()
    after = without(before, "secretsmanager/secret:Secret", "us-east-1-jwt-signing-key")
    assert next(each for each in compared(before, after) if not each.cause).danger is Danger.DATA_LOSS
    assert added(after, find(before, "secretsmanager/secret:Secret", "us-east-1-jwt-signing-key")).stack == "prod"
