"""A real Envoy lets operators through to OpenSearch Dashboards and to nothing else, and signs in the name of its pod alone."""

import hashlib
import hmac
import re
import time
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest

from components.observability.signing_proxy import SigningProxy, bootstrap
from tests.real.envoy import ACCESS_KEY, DOMAIN, SECRET_KEY, SESSION_TOKEN, Asked, Proxy, envoy, refusal

BOOTSTRAP = bootstrap(SigningProxy(port=5601, host=DOMAIN, region="us-east-1", tls_folder="/run/tls", memory_mib=256))
PAGE = "/_dashboards/app/home"

INDIRECT = (
    "/_cluster/health",
    "/logs-2026.01.01/_search",
    "//_cluster/health",
    "/_dashboardsx/_cluster/health",
    "/_DASHBOARDS/../_cluster/health",
    "/_dashboards/../_cluster/health",
    "/_dashboards/./../_cluster/health",
    "/_dashboards/%2e%2e/_cluster/health",
    "/_dashboards/.%2E/_cluster/health",
    "/_dashboards/..%2f_cluster/health",
    "/_dashboards/%2e%2e%2f_cluster%2fhealth",
    "/_dashboards/..%5c_cluster/health",
    "/_dashboards/..\\_cluster/health",
    "/_dashboards/%252e%252e/_cluster/health",
    "/_dashboards/..%252f_cluster/health",
    "/_dashboards/..;/_cluster/health/../../../_cluster/health",
    "/%5fcluster/health",
    "/_cluster/health?/_dashboards/",
    "/_cluster/health#/_dashboards/",
    "https://other.example/_cluster/health",
    "/_dashboards/api/console/proxy?path=_cluster/health&method=GET",
    "/_dashboards/api/cons%6fle/proxy?path=_cluster/health&method=GET",
    "/_dashboards//api/./console/proxy?path=_cluster/health&method=GET",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Proxy]:
    with envoy(BOOTSTRAP) as running:
        yield running


@pytest.fixture
def proxy(server: Proxy) -> Proxy:
    """A server that nobody has asked yet."""
    server.arrived.clear()
    return server


def signature(asked: Asked, secret: str) -> str:
    """The `Authorization` that AWS would compute of what arrived (IAM user guide, "Create a signed AWS API request")."""
    stated = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=\S+?/(\S+), ?SignedHeaders=(\S+), ?Signature=\S+", asked.headers["Authorization"])
    assert stated, asked.headers["Authorization"]
    scope, signed = stated[1], stated[2]
    path, _, query = asked.target.partition("?")
    pairs = sorted(tuple(quote(unquote(each), safe="-_.~") for each in pair.partition("=")[::2]) for pair in query.split("&") if pair)
    canonical = "\n".join(
        (
            asked.method,
            quote(path, safe="/-_.~"),
            "&".join("=".join(pair) for pair in pairs),
            *(f"{name}:{' '.join(asked.headers[name].split())}" for name in signed.split(";")),
            "",
            signed,
            hashlib.sha256(asked.body).hexdigest(),
        )
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", asked.headers["X-Amz-Date"], scope, digest))
    computed = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={signed}, Signature={computed}"


def test_envoy_takes_the_bootstrap_and_would_not_take_a_misspelt_one() -> None:
    assert not refusal(BOOTSTRAP)
    assert "has unknown fields" in refusal(BOOTSTRAP.replace("merge_slashes", "merge_slahes"))


def test_health_is_answered_without_the_domain(proxy: Proxy) -> None:
    assert proxy.ask("/health").status == 200
    assert not proxy.arrived


def test_bare_host_leads_to_dashboards(proxy: Proxy) -> None:
    answer = proxy.ask("/")
    assert (answer.status, answer.headers["Location"]) == (302, "https://logs.mastertrade.example/_dashboards/")
    assert not proxy.arrived


@pytest.mark.parametrize("target", [PAGE, "/_dashboards", "/_dashboards/", "/_dashboards/api/status"])
def test_dashboards_are_passed_on(proxy: Proxy, target: str) -> None:
    assert proxy.passed_on(target).target == target


@pytest.mark.parametrize("target", INDIRECT)
def test_api_of_the_domain_is_not_reached(proxy: Proxy, target: str) -> None:
    for method in ("GET", "POST"):
        assert proxy.ask(target, method=method).status in {400, 404}
    assert not proxy.arrived


def test_path_is_passed_on_in_the_spelling_that_was_looked_at(proxy: Proxy) -> None:
    assert proxy.passed_on("/x/..//_dashboards/.//a/../%61pp/h%6Fme?next=/../%2e").target == "/_dashboards/app/home?next=/../%2e"


def test_request_arrives_signed_for_the_domain_in_the_name_of_the_pod(proxy: Proxy) -> None:
    asked = proxy.passed_on(PAGE)
    assert asked.headers["Host"] == DOMAIN
    assert asked.headers["X-Amz-Security-Token"] == SESSION_TOKEN
    day = time.strftime("%Y%m%d", time.gmtime())
    assert f"Credential={ACCESS_KEY}/{day}/us-east-1/es/aws4_request" in asked.headers["Authorization"]


def signed_headers(asked: Asked) -> set[str]:
    return set(re.findall(r"SignedHeaders=([^,]+)", asked.headers["Authorization"])[0].split(";"))


def test_headers_that_may_change_on_their_way_are_not_signed(proxy: Proxy) -> None:
    asked = proxy.passed_on(PAGE, {"User-Agent": "Mozilla", "Accept-Encoding": "gzip", "Cookie": "theme=d", "osd-xsrf": "true"})
    assert signed_headers(asked) == {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"}


@pytest.mark.parametrize(
    "target",
    [
        PAGE,
        "/_dashboards/",
        "/_dashboards/api/saved_objects/_find?type=index-pattern&fields=title&fields=type&per_page=10",
        "/_dashboards/api/saved_objects/index-pattern/logs-*",
        "/_dashboards/api/saved_objects/search/errors%20of%20today?search=a%2Bb%20c&filter=%7B%22a%22%3A%22b%22%7D",
        "/_dashboards/goto/1?empty=&flag&list=a%2Cb",
        "/_dashboards/api/saved_objects/_find?search=order+rejected&page=a=b==&q=(a:!t,b:'c*')",
    ],
)
def test_signature_is_the_one_that_aws_computes(proxy: Proxy, target: str) -> None:
    asked = proxy.passed_on(target)
    assert asked.headers["Authorization"] == signature(asked, SECRET_KEY)
    assert asked.headers["Authorization"] != signature(asked, "another-key")


def test_query_arrives_escaped_as_it_is_signed(proxy: Proxy) -> None:
    assert proxy.passed_on(f"{PAGE}?search=a+b&sum=1%2B1&token=YQ==&=&c").target == f"{PAGE}?search=a%20b&sum=1%2B1&token=YQ%3D%3D&=&c"


def test_body_is_signed(proxy: Proxy) -> None:
    body = b'{"query": {"match": {"message": "order rejected"}}}' * 5000
    asked = proxy.passed_on("/_dashboards/internal/search/opensearch", {"Content-Type": "application/json"}, method="POST", body=body)
    assert asked.body == body
    assert asked.headers["X-Amz-Content-SHA256"] == hashlib.sha256(body).hexdigest()
    assert asked.headers["Authorization"] == signature(asked, SECRET_KEY)
    assert "content-type" in signed_headers(asked)


def test_body_larger_than_the_domain_takes_is_refused(proxy: Proxy) -> None:
    answer = proxy.ask("/_dashboards/api/saved_objects/_import", method="POST", body=b" " * (10 * 1024 * 1024 + 1))
    assert answer.status == 413
    assert not proxy.arrived


def test_who_asks_and_with_which_rights_is_not_said_by_the_caller(proxy: Proxy) -> None:
    foreign = {
        "Authorization": "Basic YWRtaW46YWRtaW4=",
        "Proxy-Authorization": "Basic YWRtaW46YWRtaW4=",
        "X-Amz-Security-Token": "foreign",
        "X-Amz-Date": "20200101T000000Z",
        "X-Amz-Content-SHA256": "foreign",
        "X-AMZ-Target": "foreign",
        "X-Amzn-Oidc-Identity": "ada",
        "X-Amzn-Oidc-Data": "foreign",
        "X-Amzn-Oidc-Accesstoken": "foreign",
        "X-Proxy-User": "foreign",
        "X-Proxy-Roles": "foreign",
        "X-Forwarded-For": "198.51.100.7",
        "X-Forwarded-Host": "foreign.example",
        "X-Envoy-Original-Path": "/foreign",
        "Forwarded": "for=198.51.100.7;host=foreign.example",
        "securitytenant": "foreign",
        "opendistro_security_impersonate_as": "foreign",
        "_opensearch_security_user": "foreign",
    }
    plain = proxy.passed_on(PAGE)
    asked = proxy.passed_on(PAGE, foreign)
    assert {name.lower() for name in asked.headers} == {name.lower() for name in plain.headers}
    assert "foreign" not in str(asked.headers)
    assert asked.headers["Authorization"] == signature(asked, SECRET_KEY)


def test_what_dashboards_need_of_the_caller_arrives(proxy: Proxy) -> None:
    asked = proxy.passed_on(PAGE, {"osd-xsrf": "true", "osd-version": "2.19.0", "Accept-Language": "en"})
    assert (asked.headers["osd-xsrf"], asked.headers["osd-version"], asked.headers["Accept-Language"]) == ("true", "2.19.0", "en")


@pytest.mark.parametrize(
    ("sent", "arrived"),
    [
        ("AWSELBAuthSessionCookie-0=a; security_authentication=b; AWSALB=c; theme=d=e", "security_authentication=b; theme=d=e"),
        ("theme=AWSELBAuthSessionCookie-0", "theme=AWSELBAuthSessionCookie-0"),
        ("AWSELBAuthSessionCookie-0=a;AWSELBAuthSessionCookie-1=b", None),
        ("theme=d", "theme=d"),
        (("theme=d", "AWSELBAuthSessionCookie-0=a", "b=AWSALB"), "theme=d; b=AWSALB"),
    ],
)
def test_sessions_of_the_load_balancer_stay_before_the_domain(proxy: Proxy, sent: str | tuple[str, ...], arrived: str | None) -> None:
    assert proxy.passed_on(PAGE, {"Cookie": sent}).headers.get_all("Cookie") == (None if arrived is None else [arrived])


def test_access_log_says_who_asked_for_what_and_nothing_secret(proxy: Proxy) -> None:
    headers = {
        "X-Amzn-Oidc-Identity": "3f6c1f1e-ada",
        "X-Amzn-Oidc-Data": "secret-claims",
        "X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678",
        "X-Forwarded-For": "192.0.2.1, 198.51.100.7",
        "Authorization": "secret-authorization",
        "Cookie": "theme=secret-cookie",
    }
    proxy.passed_on("/_dashboards/app/discover?q=secret-query", headers)
    line = proxy.logged(lambda line: line["path"] == "/_dashboards/app/discover")
    assert (line["who"], line["from"], line["method"], line["status"]) == ("3f6c1f1e-ada", "198.51.100.7", "GET", 200)
    assert line["trace"] == "Root=1-67891233-abcdef012345678912345678"
    assert isinstance(line["duration_ms"], int)
    for secret in ("secret-", SESSION_TOKEN, SECRET_KEY):
        assert secret not in proxy.printed


@pytest.mark.parametrize(
    ("target", "path", "status"), [("/_nodes", "/_nodes", 404), ("/_dashboards/..%2f_nodes", "/_dashboards/../_nodes", 400)]
)
def test_access_log_says_who_was_refused(proxy: Proxy, target: str, path: str, status: int) -> None:
    proxy.ask(f"{target}?q=secret-query", {"X-Amzn-Oidc-Identity": "3f6c1f1e-eve"})
    line = proxy.logged(lambda line: line["path"] == path)
    assert (line["who"], line["status"]) == ("3f6c1f1e-eve", status)
    assert "secret-query" not in proxy.printed


def test_probes_are_not_logged(proxy: Proxy) -> None:
    proxy.ask("/health")
    proxy.ask("/after-the-probe")
    proxy.logged(lambda line: line["path"] == "/after-the-probe")
    assert '"/health"' not in proxy.printed


@pytest.mark.parametrize(("certified", "trusted"), [("vpc-other.us-east-1.es.amazonaws.com", True), (DOMAIN, False)])
def test_domain_that_is_not_who_it_should_be_is_not_asked(certified: str, trusted: bool) -> None:
    with envoy(BOOTSTRAP, certified=certified, trusted=trusted) as proxy:
        assert proxy.ask(PAGE).status == 503
        assert not proxy.arrived
        assert "CERTIFICATE_VERIFY_FAILED" in str(proxy.logged(lambda line: line["path"] == PAGE))


def test_without_credentials_nobody_is_asked() -> None:
    with envoy(BOOTSTRAP, pod_token="of another pod") as proxy:
        assert proxy.ask(PAGE).status == 403
        assert proxy.ask(PAGE, {"Authorization": "Basic YWRtaW46YWRtaW4="}).status == 403
        assert not proxy.arrived
        assert proxy.ask("/").status == 302
