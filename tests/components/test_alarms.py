"""What is watched, and who hears of it."""

import pytest

from tests.declared import Declared, declare, document

REGIONS = ("us-east-1", "us-west-2")


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def topic(declared: Declared, region: str, name: str) -> str:
    return declared.one("aws:sns/topic:Topic", region, f"{region}-{name}").outputs["arn"]


def test_every_alarm_goes_to_the_topic_of_its_region(prod: Declared) -> None:
    for region in REGIONS:
        assert prod.of("MetricAlarm", region)
        for alarm in prod.of("MetricAlarm", region):
            assert alarm.inputs["alarmActions"] in ([topic(prod, region, "alarms-warning")], [topic(prod, region, "alarms-critical")])


def test_what_is_called_critical_goes_where_people_are_woken(prod: Declared) -> None:
    for region in REGIONS:
        for alarm in prod.of("MetricAlarm", region):
            severity = next((each for each in ("warning", "critical") if alarm.inputs["alarmDescription"].startswith(each)), None)
            if severity:
                assert alarm.inputs["alarmActions"] == [topic(prod, region, f"alarms-{severity}")], alarm.name


def test_operators_hear_of_every_region(prod: Declared) -> None:
    for region in REGIONS:
        for name in ("alarms-warning", "alarms-critical", "alerts-mail"):
            subscriptions = [
                each.inputs for each in prod.of("TopicSubscription", region) if each.inputs["topic"] == topic(prod, region, name)
            ]
            assert [(each["protocol"], each["endpoint"]) for each in subscriptions] == [("email", "oncall@mastertrade.example")]


def test_alarms_and_backups_may_publish_and_use_the_topics_key(prod: Declared) -> None:
    """A topic whose key refuses the publisher takes the message and drops it."""
    for region in REGIONS:
        publishers: set[str] = set()
        for policy in prod.of("TopicPolicy", region):
            (publish,) = [each for each in document(policy.inputs["policy"])["Statement"] if each["Effect"] == "Allow"]
            named = publish["Principal"]["Service"]
            publishers |= {named} if isinstance(named, str) else set(named)
        assert publishers == {"cloudwatch.amazonaws.com", "backup.amazonaws.com", "aps.amazonaws.com"}
        key = prod.one("aws:kms/key:Key", region, name=f"{region}-key-notifications").inputs["policy"]
        users = {
            each["Principal"]["Service"]
            for each in document(key)["Statement"]
            if "Service" in each["Principal"] and {"kms:Decrypt", "kms:GenerateDataKey*"} <= set(each["Action"])
        }
        assert publishers <= users


def test_memory_warns_before_it_is_critical(prod: Declared) -> None:
    for region in REGIONS:
        for purpose in ("cache", "sessions"):
            marks = []
            for severity in ("warning", "critical"):
                alarms = [
                    each.inputs for each in prod.of("MetricAlarm", region) if each.name.startswith(f"{region}-{purpose}-memory-{severity}")
                ]
                assert {each["comparisonOperator"] for each in alarms} == {"GreaterThanThreshold"}
                (mark,) = {each["threshold"] for each in alarms}
                marks.append(mark)
            assert marks == [85, 95]


def test_a_cache_that_seldom_answers_is_reported_and_one_that_often_does_is_not(prod: Declared) -> None:
    for region in REGIONS:
        for alarm in prod.of("MetricAlarm", region):
            if alarm.name.startswith(f"{region}-cache-hit-rate"):
                assert (alarm.inputs["comparisonOperator"], alarm.inputs["threshold"]) == ("LessThanThreshold", 80)


def test_the_first_failed_backup_or_restore_is_reported(prod: Declared) -> None:
    for region in REGIONS:
        for job, metric in (
            ("backup", "NumberOfBackupJobsFailed"),
            ("expired-backup", "NumberOfBackupJobsExpired"),
            ("restore", "NumberOfRestoreJobsFailed"),
        ):
            alarm = prod.one("MetricAlarm", region, name=f"{region}-backup-failed-{job}").inputs
            assert (alarm["comparisonOperator"], alarm["threshold"]) == ("GreaterThanThreshold", 0)
            assert f"SUM({metric})" in alarm["metricQueries"][0]["expression"]


def test_a_failed_copy_of_a_backup_is_reported(prod: Declared) -> None:
    for region in REGIONS:
        announced = prod.one("VaultNotifications", region).inputs
        assert "COPY_JOB_FAILED" in announced["backupVaultEvents"]
        assert announced["snsTopicArn"] == topic(prod, region, "alarms-warning")


def test_lag_is_measured_as_data_that_a_failover_would_lose(prod: Declared) -> None:
    for region in REGIONS:
        (query,) = prod.one("MetricAlarm", region, name=f"{region}-database-replication-lag").inputs["metricQueries"]
        assert "AuroraGlobalDBRPOLag" in query["expression"]
