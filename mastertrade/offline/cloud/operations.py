"""What watches and keeps: CloudWatch, SNS, SQS, Managed Service for Prometheus, AWS Backup."""

from mastertrade.offline.cloud.declaration import Declaration, Simulation
from mastertrade.values import Properties

__all__ = ["SIMULATIONS"]


def _log_group(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    return name, {"name": name, "arn": declaration.arn(f"log-group:{name}", "logs")}


def _metric_alarm(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    return name, {"name": name, "arn": declaration.arn(f"alarm:{name}")}


def _composite_alarm(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.text("alarmName")
    return name, {"arn": declaration.arn(f"alarm:{name}")}


def _log_resource_policy(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.text("policyName") or declaration.text("resourceArn"), {
        "policyScope": "ACCOUNT",
        "revisionId": declaration.digits(19),
    }


def _event_rule(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    return name, {"name": name, "arn": declaration.arn(f"rule/{name}", "events")}


def _topic(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    arn = declaration.arn(name)
    return arn, {"name": name, "arn": arn, "owner": declaration.account, "beginningArchiveTime": ""}


def _subscription(declaration: Declaration) -> tuple[str, Properties]:
    arn = f"{declaration.text('topic')}:{declaration.uuid()}"
    waits = declaration.text("protocol") in ("email", "email-json", "http", "https")
    return arn, {"arn": arn, "ownerId": declaration.account, "pendingConfirmation": waits, "confirmationWasAuthenticated": not waits}


def _topic_policy(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.text("arn"), {"owner": declaration.account}


def _queue(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    url = f"https://sqs.{declaration.region}.amazonaws.com/{declaration.account}/{name}"
    return url, {"name": name, "arn": declaration.arn(name), "url": url}


def _function(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    arn = declaration.arn(f"function:{name}", "lambda")
    return name, {
        "name": name,
        "arn": arn,
        "qualifiedArn": f"{arn}:$LATEST",
        "version": "$LATEST",
        "invokeArn": f"arn:aws:apigateway:{declaration.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
        "responseStreamingInvokeArn": (
            f"arn:aws:apigateway:{declaration.region}:lambda:path/2021-11-15/functions/{arn}/response-streaming-invocations"
        ),
        "codeSha256": declaration.hexadecimal(64),
    }


def _event_source_mapping(declaration: Declaration) -> tuple[str, Properties]:
    id_ = declaration.uuid()
    function = declaration.text("functionName")
    return id_, {
        "uuid": id_,
        "arn": declaration.arn(f"event-source-mapping:{id_}", "lambda"),
        "functionArn": function if function.startswith("arn:") else declaration.arn(f"function:{function}", "lambda"),
        "state": "Enabled",
        "stateTransitionReason": "USER_INITIATED",
        "lastProcessingResult": "",
    }


def _invocation(declaration: Declaration) -> tuple[str, Properties]:
    return f"{declaration.text('functionName')}_$LATEST_{declaration.hexadecimal(32)}", {"result": "{}"}


def _metrics_workspace(declaration: Declaration) -> tuple[str, Properties]:
    id_ = f"ws-{declaration.uuid()}"
    endpoint = f"https://aps-workspaces.{declaration.region}.amazonaws.com/workspaces/{id_}/"
    return id_, {"arn": declaration.arn(f"workspace/{id_}", "aps"), "prometheusEndpoint": endpoint}


def _metrics_scraper(declaration: Declaration) -> tuple[str, Properties]:
    id_ = f"s-{declaration.uuid()}"
    role = "aws-service-role/scraper.aps.amazonaws.com/AWSServiceRoleForAmazonPrometheusScraper"
    return id_, {
        "arn": declaration.arn(f"scraper/{id_}", "aps"),
        "roleArn": declaration.arn(f"role/{role}_{declaration.hexadecimal(12)}", "iam", is_global=True),
    }


def _rule_groups(declaration: Declaration) -> tuple[str, Properties]:
    arn = declaration.arn(f"rulegroupsnamespace/{declaration.text('workspaceId')}/{declaration.text('name')}", "aps")
    return arn, {"arn": arn}


def _canary(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    function = f"cwsyn-{name}-{declaration.uuid()}"
    return name, {
        "name": name,
        "arn": declaration.arn(f"canary:{name}"),
        "engineArn": declaration.arn(f"function:{function}:1", "lambda"),
        "sourceLocationArn": declaration.arn(f"layer:{function}:1", "lambda"),
    }


def _of_workspace(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.text("workspaceId"), {}


def _vault(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    return name, {"name": name, "arn": declaration.arn(f"backup-vault:{name}"), "recoveryPoints": 0}


def _of_vault(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.text("backupVaultName")
    return name, {"backupVaultArn": declaration.arn(f"backup-vault:{name}")}


def _plan(declaration: Declaration) -> tuple[str, Properties]:
    id_ = declaration.uuid()
    return id_, {"name": declaration.physical_name(), "arn": declaration.arn(f"backup-plan:{id_}"), "version": declaration.letters(48)}


def _selection(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.uuid(), {"name": declaration.physical_name()}


def _restore_testing_plan(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.text("name")
    return name, {"arn": declaration.arn(f"restore-testing-plan:{name}-{declaration.uuid()}")}


def _restore_testing_selection(declaration: Declaration) -> tuple[str, Properties]:
    return f"{declaration.text('name')}:{declaration.text('restoreTestingPlanName')}", {}


SIMULATIONS: dict[str, Simulation] = {
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _metric_alarm,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _composite_alarm,
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": _log_resource_policy,
    "aws:cloudwatch/eventRule:EventRule": _event_rule,
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
    "aws:sns/topicPolicy:TopicPolicy": _topic_policy,
    "aws:sqs/queue:Queue": _queue,
    "aws:lambda/eventSourceMapping:EventSourceMapping": _event_source_mapping,
    "aws:lambda/function:Function": _function,
    "aws:lambda/invocation:Invocation": _invocation,
    "aws:amp/workspace:Workspace": _metrics_workspace,
    "aws:amp/scraper:Scraper": _metrics_scraper,
    "aws:amp/ruleGroupNamespace:RuleGroupNamespace": _rule_groups,
    "aws:amp/alertManagerDefinition:AlertManagerDefinition": _of_workspace,
    "aws:amp/workspaceConfiguration:WorkspaceConfiguration": _of_workspace,
    "aws:synthetics/canary:Canary": _canary,
    "aws:backup/vault:Vault": _vault,
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": _of_vault,
    "aws:backup/vaultPolicy:VaultPolicy": _of_vault,
    "aws:backup/vaultNotifications:VaultNotifications": _of_vault,
    "aws:backup/plan:Plan": _plan,
    "aws:backup/selection:Selection": _selection,
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": _restore_testing_plan,
    "aws:backup/restoreTestingSelection:RestoreTestingSelection": _restore_testing_selection,
}
