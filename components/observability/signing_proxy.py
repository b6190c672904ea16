"""How Envoy stands before OpenSearch Dashboards: whom it lets through to what, and in whose name it asks the domain.

Envoy's own documentation says which version knows what: `container_credential_provider` came with 1.35, `match_included_headers`
with 1.37 ("Version history"). Its "Configuring Envoy as an edge proxy" is where limits of an edge come from.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from settings.routes import LOG_SEARCH

_Message: TypeAlias = dict[str, Any]

DASHBOARDS_PATH = "/_dashboards"
"""Where a domain serves OpenSearch Dashboards. All its other paths are OpenSearch's own API."""
_CONSOLE_PATH = f"{DASHBOARDS_PATH}/api/console"
"""Passes any request on to OpenSearch's API: what Dev Tools are made of."""

# Of the images of Envoy, the distroless one too
TRUSTED_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"

# OpenSearch Service takes requests of 10 MiB on its smaller instances ("Amazon OpenSearch Service quotas")
_LARGEST_REQUEST_BYTES = 10 * 1024 * 1024
_MOST_CONNECTIONS = 1000
# Searches over weeks take long. The load balancer waits for 300 seconds (`load_balancer.idle_timeout_seconds`) and knows less to say
_ANSWER_SECONDS = 280
# Longer than the load balancer keeps a connection, 4000 seconds at most: who closes first must not be who is called
_CALLER_IDLE_SECONDS = 4200
# Shorter than load balancers of AWS keep one unless told otherwise, 60 seconds: there it is we who call
_DOMAIN_IDLE_SECONDS = 50
_HEAP_OF_MEMORY = 0.8
_THREADS = 2  # not one for each core of the node
_LOG_FLUSH_MILLISECONDS = 1000

_METADATA = "mastertrade"
_SIGNING, _SIGNED_ONLY = "envoy.filters.http.aws_request_signing", "envoy.filters.http.rbac"

_TOLD_BY_LOAD_BALANCER = {"who": "x-amzn-oidc-identity", "trace": "x-amzn-trace-id"}
"""What the access log keeps of the headers that end here (ELB user guide, "User claims encoding" and "Request tracing")."""

_DROPPED_PREFIXES = (
    "x-amz",  # credentials and parts of signatures (x-amz-), and claims of who has signed in (x-amzn-oidc-)
    "x-proxy-",  # users and roles, as the security plugin reads them from a proxy that it trusts
    "x-forwarded-",
    "x-envoy-",
)
_DROPPED_HEADERS = ("authorization", "proxy-authorization", "forwarded", "securitytenant")
"""Who asks is said by the signature alone. Names with an underscore, such as those of impersonation, do not even come in."""

_REWRITE = """\
-- The load balancer's sessions and stickiness are nobody's business behind it
local function strip_cookies(headers)
  local kept = {}
  for line = 0, headers:getNumValues("cookie") - 1 do
    for cookie in headers:getAtIndex("cookie", line):gmatch("[^;%s][^;]*") do
      if not (cookie:find("^AWSELB") or cookie:find("^AWSALB")) then
        kept[#kept + 1] = cookie
      end
    end
  end
  headers:remove("cookie")
  if #kept > 0 then
    headers:add("cookie", table.concat(kept, "; "))
  end
end

-- Whether + is a space, and what = is within a value, signer and verifier may see differently; escaped, they cannot
local function escape_query(headers)
  local path, query = headers:get(":path"):match("^([^?]*%?)(.*)$")
  if query then
    local escaped = query:gsub("%+", "%%20"):gsub("=([^&]*)", function(value) return "=" .. value:gsub("=", "%%3D") end)
    headers:replace(":path", path .. escaped)
  end
end

function envoy_on_request(handle)
  strip_cookies(handle:headers())
  escape_query(handle:headers())
end
"""


@dataclass(frozen=True)
class SigningProxy:
    """What the proxy is told. `host` is the domain's; `tls_folder` has `tls.crt` and `tls.key`."""

    port: int
    host: str
    region: str
    tls_folder: str
    memory_mib: int


def bootstrap(proxy: SigningProxy) -> str:
    """Envoy's configuration, as YAML. It has no administration interface, and sends its figures to nobody."""
    return yaml.safe_dump(
        {
            "node": {"id": "log-search", "cluster": "log-search"},
            "static_resources": {"listeners": [_listener(proxy)], "clusters": [_domain(proxy)]},
            "application_log_config": {
                "log_format": {"json_format": {"time": "%Y-%m-%dT%T.%eZ", "level": "%l", "logger": "%n", "message": "%j"}}
            },
            "overload_manager": _overload_manager(proxy),
        },
        sort_keys=False,
        width=1000,
    )


def arguments(file: str) -> tuple[str, ...]:
    """How Envoy is started with its configuration in a file: it writes none itself, and needs no shared memory."""
    return (
        "--config-path",
        file,
        "--disable-hot-restart",
        "--concurrency",
        str(_THREADS),
        "--log-level",
        "warning",
        "--file-flush-interval-msec",
        str(_LOG_FLUSH_MILLISECONDS),
    )


def _listener(proxy: SigningProxy) -> _Message:
    files = {"filename": f"{proxy.tls_folder}/tls.crt"}, {"filename": f"{proxy.tls_folder}/tls.key"}
    return {
        "name": "https",
        "address": _address("0.0.0.0", proxy.port),  # noqa: S104 - of the pod, guarded by network policies
        # what a signature covers is read whole before it is passed on
        "per_connection_buffer_limit_bytes": _LARGEST_REQUEST_BYTES,
        "filter_chains": [
            {
                "transport_socket": _tls(
                    "Downstream",
                    {
                        "alpn_protocols": ["http/1.1"],
                        "tls_params": _TLS_VERSIONS,
                        "tls_certificates": [{"certificate_chain": files[0], "private_key": files[1]}],
                    },
                ),
                "filters": [_extension("envoy.filters.network.http_connection_manager", _HTTP_MANAGER, _http(proxy))],
            }
        ],
    }


def _http(proxy: SigningProxy) -> _Message:
    return {
        "stat_prefix": "https",
        "codec_type": "HTTP1",
        # who asks is the last address that the load balancer named, and nobody is a part of ourselves
        "use_remote_address": True,
        "xff_num_trusted_hops": 1,
        "internal_address_config": {"unix_sockets": False},
        "generate_request_id": False,
        # one spelling of each path, before routes are looked at
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "common_http_protocol_options": {
            "idle_timeout": _seconds(_CALLER_IDLE_SECONDS),
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "request_headers_timeout": "10s",
        "request_timeout": "60s",
        "stream_idle_timeout": "300s",
        "access_log": [_access_log()],
        "http_filters": [
            _health(),
            _remember(),
            _drop(),
            _rewrite(),
            _sign(proxy),
            _refuse_unsigned(),
            _extension("envoy.filters.http.router", "filters.http.router.v3.Router", {"suppress_envoy_headers": True}),
        ],
        "route_config": {"name": "paths", "virtual_hosts": [{"name": "domain", "domains": ["*"], "routes": _routes()}]},
    }


def _access_log() -> _Message:
    """Who asked for what. Where a path is refused before filters see it, claims are still among the headers."""
    told = {name: f"%REQ({header})%%DYNAMIC_METADATA({_METADATA}:{name})%" for name, header in _TOLD_BY_LOAD_BALANCER.items()}
    return {
        "name": "envoy.access_loggers.stdout",
        "filter": {"not_health_check_filter": {}},
        "typed_config": _typed(
            "access_loggers.stream.v3.StdoutAccessLog",
            {
                "log_format": {
                    # of the two places of a claim one is always empty
                    "omit_empty_values": True,
                    "json_format": {
                        "time": "%START_TIME%",
                        **told,
                        "from": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
                        "method": "%REQ(:method)%",
                        "path": "%PATH(NQ):1024%",
                        "status": "%RESPONSE_CODE%",
                        "why": "%RESPONSE_CODE_DETAILS%",
                        "duration_ms": "%DURATION%",
                        "bytes_received": "%BYTES_RECEIVED%",
                        "bytes_sent": "%BYTES_SENT%",
                    },
                }
            },
        ),
    }


def _health() -> _Message:
    """Answered by Envoy itself, whatever the domain does."""
    asked = {"name": ":path", "string_match": {"exact": LOG_SEARCH.health_path}}
    return _extension(
        "envoy.filters.http.health_check", "filters.http.health_check.v3.HealthCheck", {"pass_through_mode": False, "headers": [asked]}
    )


def _remember() -> _Message:
    """Claims of the load balancer, for the access log; they end here."""
    rules = [
        {"header": header, "on_header_present": {"metadata_namespace": _METADATA, "key": name, "type": "STRING"}, "remove": True}
        for name, header in _TOLD_BY_LOAD_BALANCER.items()
    ]
    return _extension("envoy.filters.http.header_to_metadata", "filters.http.header_to_metadata.v3.Config", {"request_rules": rules})


def _drop() -> _Message:
    mutations: list[_Message] = [{"remove_on_match": {"key_matcher": {"prefix": each, "ignore_case": True}}} for each in _DROPPED_PREFIXES]
    mutations += [{"remove": each} for each in _DROPPED_HEADERS]
    return _extension(
        "envoy.filters.http.header_mutation",
        "filters.http.header_mutation.v3.HeaderMutation",
        {"mutations": {"request_mutations": mutations}},
    )


def _rewrite() -> _Message:
    stated: _Message = {"default_source_code": {"inline_string": _REWRITE}, "clear_route_cache": False}
    return _extension("envoy.filters.http.lua", "filters.http.lua.v3.Lua", stated)


def _sign(proxy: SigningProxy) -> _Message:
    """In the name of the pod's role, whose credentials the agent of EKS Pod Identity on the node gives, and from nowhere else."""
    return _extension(
        _SIGNING,
        "filters.http.aws_request_signing.v3.AwsRequestSigning",
        {
            "service_name": "es",
            "region": proxy.region,
            "host_rewrite": proxy.host,
            # beside the host and what signing adds: others may be changed on their way
            "match_included_headers": [{"exact": "content-type"}],
            "credential_provider": {"custom_credential_provider_chain": True, "container_credential_provider": {}},
        },
    )


def _refuse_unsigned() -> _Message:
    """Without credentials, signing leaves a request as it is. Nobody asks the domain as nobody."""
    signed = {"permissions": [{"any": True}], "principals": [{"header": {"name": "authorization", "present_match": True}}]}
    return _extension(_SIGNED_ONLY, "filters.http.rbac.v3.RBAC", {"rules": {"action": "ALLOW", "policies": {"signed": signed}}})


def _routes() -> list[_Message]:
    off = _type("config.route.v3.FilterConfig") | {"disabled": True}
    unsigned: _Message = {"typed_per_filter_config": {_SIGNING: off, _SIGNED_ONLY: off}}
    refused = {"direct_response": {"status": 404}} | unsigned
    return [
        {"match": {"path": "/"}, "redirect": {"path_redirect": f"{DASHBOARDS_PATH}/", "response_code": "FOUND"}} | unsigned,
        {"match": {"path_separated_prefix": _CONSOLE_PATH}} | refused,
        # an escaped percent sign would be unescaped once more behind us, to a path that nobody looked at
        {"match": {"safe_regex": {"regex": ".*%25.*"}}} | refused,
        {
            "match": {"path_separated_prefix": DASHBOARDS_PATH},
            "route": {
                "cluster": "domain",
                "timeout": _seconds(_ANSWER_SECONDS),
                # only what the domain cannot have seen
                "retry_policy": {"retry_on": "connect-failure,reset-before-request", "num_retries": 2},
            },
        },
        {"match": {"prefix": "/"}} | refused,
    ]


def _domain(proxy: SigningProxy) -> _Message:
    """The domain, at all its addresses. It is who its certificate says it is, or it is not asked."""
    options = {
        "explicit_http_config": {"http_protocol_options": {}},
        "common_http_protocol_options": {"idle_timeout": _seconds(_DOMAIN_IDLE_SECONDS)},
    }
    return {
        "name": "domain",
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_ONLY",
        "connect_timeout": "5s",
        "per_connection_buffer_limit_bytes": 1024 * 1024,
        "load_assignment": {
            "cluster_name": "domain",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(proxy.host, 443)}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _typed("upstreams.http.v3.HttpProtocolOptions", options)
        },
        "transport_socket": _tls(
            "Upstream",
            {
                "tls_params": _TLS_VERSIONS,
                "validation_context": {
                    "trusted_ca": {"filename": TRUSTED_AUTHORITIES},
                    "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": proxy.host}}],
                },
            },
            sni=proxy.host,
        ),
    }


def _overload_manager(proxy: SigningProxy) -> _Message:
    """Refuses before memory ends, rather than be ended."""
    heap = "envoy.resource_monitors.fixed_heap"
    monitors = "resource_monitors"
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            _extension(
                heap,
                f"{monitors}.fixed_heap.v3.FixedHeapConfig",
                {"max_heap_size_bytes": int(proxy.memory_mib * _HEAP_OF_MEMORY) << 20},
            ),
            _extension(
                "envoy.resource_monitors.global_downstream_max_connections",
                f"{monitors}.downstream_connections.v3.DownstreamConnectionsConfig",
                {"max_active_downstream_connections": _MOST_CONNECTIONS},
            ),
        ],
        "actions": [
            {"name": f"envoy.overload_actions.{action}", "triggers": [{"name": heap, "threshold": {"value": share}}]}
            for action, share in (("shrink_heap", 0.9), ("stop_accepting_requests", 0.95))
        ],
    }


_TLS_VERSIONS = {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"}
_HTTP_MANAGER = "filters.network.http_connection_manager.v3.HttpConnectionManager"


def _tls(side: str, context: _Message, **more: str) -> _Message:
    return _extension("envoy.transport_sockets.tls", f"transport_sockets.tls.v3.{side}TlsContext", {"common_tls_context": context} | more)


def _extension(name: str, message: str, stated: _Message) -> _Message:
    return {"name": name, "typed_config": _typed(message, stated)}


def _typed(message: str, stated: _Message) -> _Message:
    return _type(f"extensions.{message}") | stated


def _type(message: str) -> _Message:
    return {"@type": f"type.googleapis.com/envoy.{message}"}


def _address(address: str, port: int) -> _Message:
    return {"socket_address": {"address": address, "port_value": port}}


def _seconds(seconds: int) -> str:
    return f"{seconds}s"
