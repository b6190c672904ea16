"""How operators sign in to dashboards and logs: a user pool of the region, second factor required."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from settings.names import NameRule

_SESSION_SECONDS = 3600


class OperatorSignIn:
    """A Cognito user pool that only administrators fill. A region keeps its own, so that losing one locks nobody out."""

    def __init__(self, context: RegionContext, *, hosts: Sequence[str], parent: pulumi.Resource) -> None:
        child = pulumi.ResourceOptions(parent=parent)
        logical = context.logical("operators")
        self._pool = aws.cognito.UserPool(
            logical,
            name=context.name(NameRule.USER_POOL, "operators"),
            mfa_configuration="ON",
            software_token_mfa_configuration={"enabled": True},
            admin_create_user_config={"allow_admin_create_user_only": True},
            password_policy={
                "minimum_length": 14,
                "require_lowercase": True,
                "require_uppercase": True,
                "require_numbers": True,
                "require_symbols": True,
                "temporary_password_validity_days": 1,
            },
            deletion_protection="ACTIVE" if context.protect else "INACTIVE",
            opts=pulumi.ResourceOptions(parent=parent, protect=context.protect),
        )
        self._domain = aws.cognito.UserPoolDomain(
            logical,
            # shared by all accounts of the region, hence the account's number
            domain=context.name(NameRule.USER_POOL_DOMAIN, "operators", context.account_id),
            user_pool_id=self._pool.id,
            opts=child,
        )
        self._client = aws.cognito.UserPoolClient(
            logical,
            name=context.name(NameRule.USER_POOL, "load-balancer"),
            user_pool_id=self._pool.id,
            generate_secret=True,
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_flows=["code"],
            allowed_oauth_scopes=["openid"],
            supported_identity_providers=["COGNITO"],
            callback_urls=[f"https://{host}/oauth2/idpresponse" for host in hosts],
            prevent_user_existence_errors="ENABLED",
            opts=pulumi.ResourceOptions(parent=parent, additional_secret_outputs=["client_secret"]),
        )

    @property
    def pool_id(self) -> pulumi.Output[str]:
        """ID of the pool, to create operators in."""
        return self._pool.id

    def action(self) -> aws.lb.ListenerRuleActionArgsDict:
        """The first action of a listener rule: whoever is not signed in is sent to do so."""
        return {
            "type": "authenticate-cognito",
            "order": 1,
            "authenticate_cognito": {
                "user_pool_arn": self._pool.arn,
                "user_pool_client_id": self._client.id,
                "user_pool_domain": self._domain.domain,
                "scope": "openid",
                "session_timeout": _SESSION_SECONDS,
                "on_unauthenticated_request": "authenticate",
            },
        }
