"""What reads like a credential, and what only sounds like one."""

import base64
import gzip

import pytest

from policies.exposure.telling import leaves, opened, reads_like, tells


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DB_PASSWORD", "hunter2hunter2"),
        ("PGPASSWORD", "s3cr3t"),
        ("DB_PASSWORD_PROD", "abc12345"),
        ("db.password", "x9y8z7"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("URL", "postgres://app:hunter2hunter2@db/orders"),
        ("URL", "redis://:hunter2@cache"),
        ("", "export DB_PASSWORD=hunter2hunter2"),
        ("", "mysql -u root -phunter22 -e 'select 1'"),
        ("", "echo 'root:hunter2' | chpasswd"),
        ("", "Server=db;User Id=sa;Password=Sup3r!x;"),
        ("", "password: hunter2\nuser: app"),
        ("", "--db-password hunter2"),
        ("", "java -Dspring.datasource.password=hunter2 -jar app.jar"),
        ("", "CREATE USER app IDENTIFIED BY 'hunter2'"),
        ("", 'required username="app" password="hunter2";'),
    ],
)
def test_credentials_are_found(name: str, text: str) -> None:
    assert tells(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PASSWORD_MIN_LENGTH", "12"),
        ("TOKEN_URL", "https://login.example.com/token"),
        ("SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders"),
        ("DB_PASSWORD", "${DB_PASSWORD}"),
        ("DB_PASSWORD", "/run/secrets/password"),
        ("DB_PASSWORD", "{{resolve:secretsmanager:orders:SecretString:password}}"),
        ("DB_SECRET", "prod/orders/db"),
        ("REQUIRE_PASSWORD", "true"),
        ("API_KEY_HEADER", "x-api-key"),
        ("ENCRYPTION_KEY", "alias/orders"),
        ("MAX_TOKENS", "4096"),
        ("ClientToken", "5f2c1a9e"),
        ("passwordSecret", "orders-db"),
        ("", "TOKEN=$(curl -X PUT http://169.254.169.254/latest/api/token -H 'X-aws-ec2-metadata-token-ttl-seconds: 21600')"),
        ("", "export DB_PASSWORD=$(aws secretsmanager get-secret-value --secret-id orders)"),
        ("", "The password: must be long"),
        ("", "token = os.environ['TOKEN']"),
        ("", "env:\n  secrets-manager:\n    DB_PASSWORD: orders-db\nphases: {}\n"),
        ("", "docker login --username AWS --password-stdin registry"),
    ],
)
def test_references_and_settings_are_left_alone(name: str, text: str) -> None:
    assert not tells(name, text)


SCRIPT = b"#!/bin/sh\nexport DB_PASSWORD=hunter2hunter2\n"
MESSAGE = (
    'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="X"\n\n--X\nContent-Type: text/x-shellscript\n'
    f"Content-Transfer-Encoding: base64\n\n{base64.b64encode(SCRIPT).decode()}\n--X--\n"
)


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT.decode(),
        base64.b64encode(SCRIPT).decode(),
        base64.b64encode(gzip.compress(SCRIPT)).decode(),
        MESSAGE,
        base64.b64encode(MESSAGE.encode()).decode(),
    ],
    ids=["plain", "base64", "compressed", "message", "encoded message"],
)
def test_scripts_are_read_in_every_encoding(text: str) -> None:
    assert any(reads_like(each) for each in opened(text))


def test_names_of_variables_and_arguments_are_found_in_lists() -> None:
    found = list(leaves([{"name": "DB_PASSWORD", "value": "x"}], "env"))
    assert [(each.name, each.text) for each in found] == [("DB_PASSWORD", "x")]
    assert any(tells(each.name, each.text) for each in leaves(["--db-password", "hunter2hunter2"], "args"))
    assert list(leaves([{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/x"}], "secrets")) == []
