"""Controls of services that ask who calls: nothing is used without authentication."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.documents import document
from policies.engine.resources import Resource

__all__ = ["CALLERS"]

_REST_API = "aws:apigateway/restApi:RestApi"
_HTTP_API = "aws:apigatewayv2/api:Api"

_CALLER_KEYS = frozenset(
    {"aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:principalorgid", "aws:principalaccount", "aws:principalarn"}
)


# Keys of an API count and slow down: whoever has one for an API of a usage plan has all of them.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html#apigateway-usage-plans-best-practices
_KEY_ONLY = "a key of the API, which says nothing of who calls"


def _method(resource: Resource) -> Findings:
    if resource.text("httpMethod").upper() == "OPTIONS":
        raise NotApplicableError("browsers ask it before they send who calls")
    if resource.text("authorization", "NONE").upper() != "NONE":
        return
    apis = [each for each in resource.stack.of_type(_REST_API) if resource.stack.refers(resource, "restApi", each)]
    if not apis or not all(_is_guarded(each) for each in apis):
        found = _KEY_ONLY if resource.flag("apiKeyRequired") else None
        yield Finding("authorization", "AWS_IAM, COGNITO_USER_POOLS or CUSTOM", found)


def _is_guarded(api: Resource) -> bool:
    """Whether an API as a whole is for known callers: in a VPC, by its policy, or by certificates of clients."""
    if "PRIVATE" in (each.upper() for each in api.block("endpointConfiguration").texts("types")):
        return True
    policies = [document(api, "policy")]
    policies += [
        document(each, "policy") for each in api.stack.companions(api, "aws:apigateway/restApiPolicy:RestApiPolicy", by="restApiId")
    ]
    statements = [statement for each in policies if each for statement in each.statements]
    if any(each.allows for each in statements) and not any(each.is_public for each in statements):
        return True
    # an open statement may stand beside one that denies all but known callers
    if any(
        not each.allows and each.names_everybody and any(condition.key in _CALLER_KEYS for condition in each.conditions)
        for each in statements
    ):
        return True
    return _asks_for_certificates(api)


def _asks_for_certificates(api: Resource) -> bool:
    if not api.flag("disableExecuteApiEndpoint"):
        return False
    domains = api.stack.of_type("aws:apigateway/domainName:DomainName", "aws:apigatewayv2/domainName:DomainName")
    return any(each.has("mutualTlsAuthentication.truststoreUri") for each in domains)


def _route(resource: Resource) -> Findings:
    if resource.text("authorizationType", "NONE").upper() != "NONE":
        return
    key = resource.text("routeKey")
    if key.upper().startswith("OPTIONS "):
        raise NotApplicableError("browsers ask it before they send who calls")
    apis = [each for each in resource.stack.of_type(_HTTP_API) if resource.stack.refers(resource, "apiId", each)]
    is_websocket = any(each.text("protocolType").upper() == "WEBSOCKET" for each in apis)
    by_its_key = " " in key or key == "$default"
    if key != "$connect" and (is_websocket or (not apis and not by_its_key)):
        raise NotApplicableError("a WebSocket asks who calls when it is opened, by its route $connect")
    if not apis or not all(_asks_for_certificates(each) for each in apis):
        found = _KEY_ONLY if resource.flag("apiKeyRequired") else None
        yield Finding("authorizationType", "AWS_IAM, JWT or CUSTOM", found)


_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "x-amazon-apigateway-any-method"})


def _described(resource: Resource) -> Findings:
    """Of an API that is described as a whole: whether each operation names how it is secured."""
    if resource.type == _HTTP_API and resource.has("target"):
        if not _asks_for_certificates(resource):
            yield Finding("target", "routes with an authorizationType", found="a route that anybody may call")
        return
    text = resource.text("body")
    if not text:
        raise NotApplicableError("its methods are declared by themselves")
    try:
        stated: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise NotApplicableError("it is described in YAML") from None
    if not isinstance(stated, Mapping):
        raise NotApplicableError("it describes no operation")
    body = cast("Mapping[str, Any]", stated)
    unsecured = list(_unsecured(body))
    if unsecured and "x-amazon-apigateway-policy" not in body and not _is_guarded(resource):
        yield Finding("body", "`security` for each operation", found=f"nothing for {', '.join(unsecured[:3])}")


def _unsecured(body: Mapping[str, Any]) -> Iterator[str]:
    everywhere = body.get("security")
    paths: Any = body.get("paths")
    for path, methods in cast("Mapping[str, Any]", paths if isinstance(paths, Mapping) else {}).items():
        for method, operation in cast("Mapping[str, Any]", methods if isinstance(methods, Mapping) else {}).items():
            if method.lower() not in _METHODS or not isinstance(operation, Mapping):
                continue
            stated = cast("Mapping[str, Any]", operation)
            if not stated.get("security", everywhere) and "x-amazon-apigateway-auth" not in stated:
                yield f"{method.upper()} {path}"


def _graph(resource: Resource) -> Findings:
    if resource.type == "aws:appsync/graphQLApi:GraphQLApi":
        if resource.text("authenticationType").upper() == "API_KEY":
            yield Finding("authenticationType", "AWS_IAM, AMAZON_COGNITO_USER_POOLS, OPENID_CONNECT or AWS_LAMBDA")
        modes = [("additionalAuthenticationProviders", "authenticationType")]
        block: Block = resource
    else:
        names = (
            ("connectionAuthModes", "defaultPublishAuthModes", "defaultSubscribeAuthModes")
            if resource.type == "aws:appsync/api:Api"
            else ("publishAuthModes", "subscribeAuthModes")
        )
        modes = [(name, "authType") for name in names]
        block = resource.block("eventConfig") if resource.type == "aws:appsync/api:Api" else resource
    for path, name in modes:
        for number, each in enumerate(block.blocks(path)):
            if each.text(name).upper() == "API_KEY":
                yield Finding(f"{block.at(path)}.{number}.{name}", "a way to tell who calls: keys of an API are given to every client")


def _identities(resource: Resource) -> Findings:
    if resource.flag("allowUnauthenticatedIdentities"):
        yield Finding("allowUnauthenticatedIdentities", "false")


def _search(resource: Resource) -> Findings:
    options = resource.block("advancedSecurityOptions")
    if options.flag("anonymousAuthEnabled"):
        yield Finding("advancedSecurityOptions.anonymousAuthEnabled", "false")
    if not options.flag("enabled") and (options.present or not resource.has("vpcOptions.subnetIds")):
        yield Finding("advancedSecurityOptions.enabled", "true")


def _kafka(resource: Resource) -> Findings:
    if resource.flag("clientAuthentication.unauthenticated"):
        yield Finding("clientAuthentication.unauthenticated", "false")


def _graph_database(resource: Resource) -> Findings:
    if not resource.flag("iamDatabaseAuthenticationEnabled"):
        yield Finding("iamDatabaseAuthenticationEnabled", "true: Neptune knows no other way to ask who connects")


_CACHE_USER = "aws:elasticache/user:User"


def _cache_user(resource: Resource) -> Findings:
    if resource.type == "aws:memorydb/cluster:Cluster":
        if resource.text("aclName").lower() == "open-access":
            yield Finding("aclName", "an access control list with users")
        return
    if resource.type == _CACHE_USER and "off" in resource.text("accessString").lower().split():
        raise NotApplicableError("the user is switched off")
    if resource.flag("noPasswordRequired"):
        yield Finding("noPasswordRequired", "false")
    if resource.block("authenticationMode").text("type").lower().startswith("no-password"):
        yield Finding("authenticationMode.type", "password or iam")


_GATES = {
    "aws:vpclattice/service:Service": "authType",
    "aws:vpclattice/serviceNetwork:ServiceNetwork": "authType",
    "aws:bedrock/agentcoreGateway:AgentcoreGateway": "authorizerType",
}


def _gate(resource: Resource) -> Findings:
    path = _GATES[resource.type]
    if resource.text(path, "NONE").upper() != "NONE":
        return
    if resource.type == "aws:vpclattice/service:Service":
        for each in _networks_of(resource):
            if each.text("authType", "NONE").upper() == "AWS_IAM":
                return
    yield Finding(path, "AWS_IAM" if path == "authType" else "AWS_IAM or CUSTOM_JWT")


def _networks_of(service: Resource) -> Iterator[Resource]:
    """The networks by which a service of Lattice is reached."""
    link = "aws:vpclattice/serviceNetworkServiceAssociation:ServiceNetworkServiceAssociation"
    for each in service.stack.companions(service, link, by="serviceIdentifier"):
        for network in service.stack.of_type("aws:vpclattice/serviceNetwork:ServiceNetwork"):
            if service.stack.refers(each, "serviceNetworkIdentifier", network):
                yield network


def _guests(resource: Resource) -> Findings:
    if resource.text("authentication", "ActiveDirectory").lower() == "guestaccess":
        yield Finding("authentication", "ActiveDirectory")


def _webhook(resource: Resource) -> Findings:
    if resource.text("authentication").upper() == "UNAUTHENTICATED":
        yield Finding("authentication", "GITHUB_HMAC")


_control = Family(Severity.HIGH, "What does not ask who calls serves whoever finds it.").control

CALLERS = (
    _control(
        "exp-apigateway-method",
        "Methods of APIs ask who calls",
        ("aws:apigateway/method:Method",),
        _method,
        "apigateway/latest/developerguide/apigateway-control-access-to-api.html",
        "Set authorization, or give the API a policy that names who may call.",
    ),
    _control(
        "exp-apigateway-route",
        "Routes of HTTP and WebSocket APIs ask who calls",
        ("aws:apigatewayv2/route:Route",),
        _route,
        "apigateway/latest/developerguide/http-api-access-control.html",
        "Set authorizationType.",
    ),
    _control(
        "exp-apigateway-description",
        "Descriptions of APIs say how each operation is secured",
        (_REST_API, _HTTP_API),
        _described,
        "apigateway/latest/developerguide/api-gateway-swagger-extensions.html",
        "Give each operation, or the whole, a `security`.",
    ),
    _control(
        "exp-appsync-key",
        "APIs of AppSync know their callers by more than a key",
        ("aws:appsync/graphQLApi:GraphQLApi", "aws:appsync/api:Api", "aws:appsync/channelNamespace:ChannelNamespace"),
        _graph,
        "appsync/latest/devguide/security-authz.html",
        "Use IAM, a user pool, OpenID Connect or a function.",
    ),
    _control(
        "exp-cognito-guests",
        "Identity pools give no credentials to guests",
        ("aws:cognito/identityPool:IdentityPool",),
        _identities,
        "cognito/latest/developerguide/identity-pools.html",
        "Set allowUnauthenticatedIdentities to false.",
    ),
    _control(
        "exp-opensearch-access",
        "Search domains ask who searches",
        ("aws:opensearch/domain:Domain", "aws:elasticsearch/domain:Domain"),
        _search,
        "opensearch-service/latest/developerguide/fgac.html",
        "Enable advancedSecurityOptions.",
    ),
    _control(
        "exp-msk-guests",
        "Kafka asks who connects",
        ("aws:msk/cluster:Cluster",),
        _kafka,
        "msk/latest/developerguide/kafka_apis_iam.html",
        "Set unauthenticated to false, and sasl or tls.",
    ),
    _control(
        "exp-neptune-iam",
        "Neptune asks who connects",
        ("aws:neptune/cluster:Cluster",),
        _graph_database,
        "neptune/latest/userguide/iam-auth.html",
        "Set iamDatabaseAuthenticationEnabled to true, and sign requests.",
    ),
    _control(
        "exp-cache-users",
        "Caches ask who connects",
        (_CACHE_USER, "aws:memorydb/user:User", "aws:memorydb/cluster:Cluster"),
        _cache_user,
        "AmazonElastiCache/latest/dg/Clusters.RBAC.html",
        "Give users passwords or IAM, and clusters a list of users.",
    ),
    _control(
        "exp-gateway-auth",
        "Gateways between services ask who calls",
        tuple(_GATES),
        _gate,
        "vpc-lattice/latest/ug/auth-policies.html",
        "Set authType to AWS_IAM, and an auth policy.",
    ),
    _control(
        "exp-file-share-guests",
        "File shares let no guests in",
        ("aws:storagegateway/smbFileShare:SmbFileShare",),
        _guests,
        "filegateway/latest/files3/enable-ad-settings.html",
        "Join the gateway to a directory, and set authentication to ActiveDirectory.",
    ),
    _control(
        "exp-codepipeline-webhook",
        "Webhooks that start pipelines ask who calls",
        ("aws:codepipeline/webhook:Webhook",),
        _webhook,
        "codepipeline/latest/APIReference/API_WebhookDefinition.html",
        "Set authentication to GITHUB_HMAC, with a secret token.",
    ),
)
