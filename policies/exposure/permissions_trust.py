"""Controls of who may take on a role."""

import re

from policies.engine.control import Family, Finding, Findings, Severity
from policies.engine.documents import Condition, Statement, document, matches
from policies.engine.resources import Resource

__all__ = ["TRUST"]

_PATH = "assumeRolePolicy"
_SURE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")
# Providers that serve everybody who signs up: who is let in by the audience alone may be anybody.
_SHARED = re.compile(
    r"token\.actions\.githubusercontent\.com|gitlab\.com|app\.terraform\.io|oidc\.eks\.|agent\.buildkite\.com|"
    r"oidc\.(circleci|vercel)\.com|api\.pulumi\.com|container\.googleapis\.com"
)
# Claims that name where a token comes from as well as its subject does
_CLAIMS = ("repository", "repository_id", "job_workflow_ref", "project_path", "project_id", "terraform_workspace_id")
_OF_PEOPLE = ("accounts.google.com", "www.amazon.com", "graph.facebook.com", "cognito-identity.amazonaws.com")


def _trust(resource: Resource) -> Findings:
    stated = document(resource, _PATH)
    if stated is None:
        return
    for _, statement in stated.public():
        if not _is_federated(statement):
            yield Finding(_PATH, "named principals", found="a role that everybody may assume")
    for statement in stated.allowing():
        yield from _supplied(statement)
        for provider in statement.principals.get("federated", ()):
            yield from _federated(statement, provider)


# Accounts that suppliers publish for the roles that their customers give them, one for all customers; each asks for an external ID.
# Such as https://docs.datadoghq.com/integrations/guide/error-datadog-not-authorized-sts-assume-role/
_SUPPLIERS = {
    "464622532012": "Datadog",
    "754728514883": "New Relic",
    "454464851268": "CloudHealth",
    "414351767826": "Databricks",
    "834469178297": "Fivetran",
    "434813966438": "Lacework",
    "509560245411": "Dynatrace",
    "956993596390": "Vanta",
    "926226587429": "Sumo Logic",
}


def _supplied(statement: Statement) -> Findings:
    bound = any(each.key in ("sts:externalid", "aws:principalorgid") and not each.can_be_skipped for each in statement.conditions)
    for principal in statement.principals.get("aws", ()):
        account = principal.split(":")[4] if principal.count(":") > 4 else principal  # noqa: PLR2004 - an ARN, or an account alone
        if account in _SUPPLIERS and not bound:
            yield Finding(_PATH, "a condition on sts:ExternalId", found=f"every customer of {_SUPPLIERS[account]}")


def _is_federated(statement: Statement) -> bool:
    return set(statement.principals) == {"federated"} and not any(each == "*" for each in statement.principals["federated"])


def _federated(statement: Statement, provider: str) -> Findings:
    sure = [each for each in statement.conditions if not each.can_be_skipped and each.operator in _SURE and each.values]
    if ":saml-provider/" in provider:
        if not any(each.key.startswith("saml:") for each in sure):
            yield Finding(_PATH, "a condition on SAML:aud", found="everybody whom the provider knows, wherever he signs in")
        return
    host = provider.rpartition("oidc-provider/")[2]
    if "oidc-provider/" not in provider and host not in _OF_PEOPLE:
        return
    if _SHARED.search(host):
        named = any(_names_subject(each) for each in sure)
        wanted = "a condition on the subject (`…:sub`) that names a repository or a service account"
    else:
        named = any(_names_anybody(each) for each in sure)
        wanted = "a condition on the subject (`…:sub`) or the audience (`…:aud`)"
    if not named:
        yield Finding(_PATH, wanted, found=f"everybody whom {host} knows")


def _claim(condition: Condition) -> str:
    return condition.key.rpartition(":")[2]


def _names_subject(condition: Condition) -> bool:
    claim = _claim(condition)
    if claim != "sub" and claim not in _CLAIMS:
        return False
    if condition.operator.startswith("stringequals"):
        return True
    return all(_is_narrow(each) if claim == "sub" else bool(each.split("/")[0].strip("*?")) for each in condition.values)


def _names_anybody(condition: Condition) -> bool:
    claim = _claim(condition)
    if claim in ("aud", "sub", "oaud", "app_id", "azp", "client_id"):
        return condition.operator.startswith("stringequals") or all(each.strip("*?:") for each in condition.values)
    return _names_subject(condition)


# How subjects of the widespread providers begin, with what has to be named in them
_SUBJECTS = (
    # GitHub: repo:OWNER/REPOSITORY:…
    re.compile(r"repo:(?P<owner>[^:/]*)/(?P<name>[^:]*)(:.*)?$"),
    # GitLab: project_path:GROUP/PROJECT:…
    re.compile(r"project_path:(?P<owner>[^:/]*)/(?P<name>[^:]*)(:.*)?$"),
    # Kubernetes: system:serviceaccount:NAMESPACE:NAME
    re.compile(r"system:serviceaccount:(?P<owner>[^:]*):(?P<name>[^:]*)$"),
    # Terraform: organization:NAME:project:NAME:…
    re.compile(r"organization:(?P<owner>[^:]*):(?P<name>.*)$"),
)


def _is_narrow(subject: str) -> bool:
    """Whether a pattern names a repository or a service account, and whose it is."""
    for form in _SUBJECTS:
        if (found := form.match(subject)) is not None:
            return not re.search(r"[*?]", found["owner"]) and bool(found["name"].strip("*?"))
    first, _, rest = subject.partition(":")
    # `repo:*` and the like cover every form
    if any(matches(subject, f"{known}:a/b:c") for known in ("repo", "project_path")) or matches(subject, "system:serviceaccount:a:b"):
        return False
    return not re.search(r"[*?]", first) and bool(rest.strip("*/:?")) and not rest.startswith("*")


_control = Family(Severity.CRITICAL, "Who may take on a role has what the role has.").control


TRUST = (
    _control(
        "exp-iam-trust",
        "Roles are assumed by known principals only",
        ("aws:iam/role:Role",),
        _trust,
        "IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
        "Name principals; for identity providers, a condition on the subject.",
    ),
)
