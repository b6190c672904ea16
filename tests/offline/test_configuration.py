"""Settings files are read as the Pulumi CLI reads them, and every mistake names file and line."""

import json
from pathlib import Path

import pytest

from mastertrade.offline import Secret, evaluate, read_configuration
from mastertrade.offline.yaml_file import read_yaml
from settings.problems import SettingsError
from tests.offline.programs import project


def read(folder: Path, text: str, yaml: str = "name: demo\nruntime: python\n") -> dict[str, str]:
    return read_configuration(project(folder, "", yaml=yaml, dev=text), "dev")


def mistake(folder: Path, text: str | bytes) -> str:
    root = project(folder, "", yaml="name: demo\nruntime: python\n")
    (root / "Pulumi.dev.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as raised:
        read_configuration(root, "dev")
    return str(raised.value)


@pytest.mark.parametrize("text", ["02:00", "2025-01-31", "yes", "no", "on", "off", "012", "1.50", "0x1F", "True", "1e3", "123456789012"])
def test_plain_values_stay_as_written(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"config: {{demo:key: {text}}}") == {"demo:key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("02:00", "02:00"),
        ("2025-01-31", "2025-01-31"),
        ("no", "no"),
        ("On", "On"),
        ("false", False),
        ("12", 12),
        ("0o17", 15),
        ("017", 15),
        ("089", 89),
        ("0x1F", 31),
        ("1_000", 1000),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("~", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
    ],
)
def test_values_inside_of_mappings_mean_what_yaml_1_2_says(tmp_path: Path, text: str, value: object) -> None:
    assert json.loads(read(tmp_path, f"config: {{demo:key: {{inner: {text}}}}}")["demo:key"]) == {"inner": value}


def test_lists_and_mappings_become_json_and_null_becomes_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "config: {demo:list: [1, true, a], demo:map: {b: 1, a: {c: é}}, demo:null: ~}") == {
        "demo:list": '[1,true,"a"]',
        "demo:map": '{"a":{"c":"é"},"b":1}',
        "demo:null": "",
    }


def test_keys_without_a_namespace_are_the_projects(tmp_path: Path) -> None:
    assert read(tmp_path, "config: {domain: x, aws:region: eu-west-1, aws:config:profile: p}") == {
        "demo:domain": "x",
        "aws:region": "eu-west-1",
        "aws:profile": "p",
    }


def test_project_gives_values_and_defaults_where_the_stack_has_none(tmp_path: Path) -> None:
    declared = """
    name: demo
    runtime: python
    config:
      pulumi:disable-default-providers: {value: [aws]}
      size: {default: 3}
      zone: {default: a}
      color: red
    """
    assert read(tmp_path, "config: {demo:zone: b}", yaml=declared) == {
        "pulumi:disable-default-providers": '["aws"]',
        "demo:size": "3",
        "demo:zone": "b",
        "demo:color": "red",
    }


def test_declared_types_are_checked(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        "",
        yaml="{name: demo, runtime: python, config: {size: {type: integer}, must: {type: string}}}",
        dev="config: {size: many}",
    )
    with pytest.raises(SettingsError) as raised:
        read_configuration(root, "dev")
    assert "Pulumi.dev.yaml: size: found 'many'; allowed: a value of type integer" in str(raised.value)
    assert "Pulumi.dev.yaml: must: missing" in str(raised.value)
    assert [problem.example for problem in raised.value.problems] == ["size: 3", "must: text"]


def test_encrypted_values_arrive_as_secrets_without_their_text(tmp_path: Path) -> None:
    program = """
    config = pulumi.Config()
    pulumi.export("word", config.require_secret("word"))
    pulumi.export("keys", config.require_secret_object("keys"))
    pulumi.export("secret", str(pulumi.runtime.is_config_secret("demo:word")))
    """
    outputs = evaluate(project(tmp_path, program, dev="config: {word: {secure: v1:abc}, keys: {one: {secure: v1:def}}}"), "dev").outputs
    assert outputs == {"word": Secret("[secret]"), "keys": Secret({"one": "[secret]"}), "secret": "True"}


def test_anchors_and_merges_work(tmp_path: Path) -> None:
    text = "config:\n  demo:a: &base {x: 1, y: 2}\n  demo:b: {<<: *base, y: 3}\n"
    assert json.loads(read(tmp_path, text)["demo:b"]) == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("config: {a: 1\nb: 2", "line 2", "not YAML"),
        ("config: {a: 1\n", "line 1", "not YAML"),
        ("config:\n\ta: 1", "line 2", "not YAML"),
        ("config: {a: 1, b: 2, a: 3}", "line 1", "key 'a' stands twice"),
        ("config:\n  a: {x: 1,\n      x: 2}", "line 3", "key 'x' stands twice"),
        ("- a\n- b", "line 1", "the file holds a list"),
        ("just words", "line 1", "the file holds the text 'just words'"),
        ("config: [1]", "config", "found no mapping"),
        ("config: {}\n---\nconfig: {}", "line 2", "a second document"),
        ("config: {[a]: 1}", "line 1", "a list or mapping as a key"),
        ("config: *nothing", "line 1", "alias *nothing has no anchor"),
        ("config:\n  a: &a [*a]", "line 2", "alias *a has no anchor"),
        ("confg: {}", "confg", "did you mean 'config'?"),
        ("config: {a: 1, demo:a: 2}", "demo:a", "the same as 'a'"),
        ("config: {a: {b: .5e999}}", "a", "number without end"),
        (b"\x80abc", "line 1", "byte 0x80 is not UTF-8"),
        (b"config:\n  a: \xff", "line 2", "byte 0xff is not UTF-8"),
        (b"a: \x00", "line 1", "not YAML"),
        ("[" * 100_000, "line 1", "nested more than 50 levels deep"),
        ("a: " * 60 + "1", "line 1", "not YAML"),
        ("x: " + "y" * 1_100_000, "Pulumi.dev.yaml", "bytes"),
        ("config:\n  a: &a [" + "x," * 999 + "]\n  b: [" + "*a," * 999 + "]", "line 3", "more than 100000 values"),
    ],
    ids=lambda value: None if isinstance(value, bytes) or len(value) > 40 else value,
)
def test_malformed_files_end_in_one_line_with_file_and_place(tmp_path: Path, text: str | bytes, where: str, what: str) -> None:
    message = mistake(tmp_path, text)
    assert message.startswith("1 mistake in the settings:\n  Pulumi.dev.yaml: ")
    assert where in message
    assert what in message
    assert ". Example: " in message
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("config: {a: 1, b: 2, a: '3'}", 'a: "3"'),
        ("config: {a: {b: 1}, a: {c: 1}}", "a: {first: 1, second: 2}"),
        ("config: {a: [1], a: [2]}", "a: [first, second]"),
        ("config: {a: 1, demo:a: 2}", "demo:a: 2"),
        ("config: *nothing", "{first: &nothing 30, second: *nothing}"),
        ("config: {<<: 1}", "{first: &base {retention_days: 30}, second: {<<: *base, insights: standard}}"),
        ("[" * 100, "database: {retention_days: 30}"),
    ],
)
def test_an_example_of_what_a_file_may_say_is_yaml(tmp_path: Path, text: str, example: str) -> None:
    assert mistake(tmp_path, text).endswith(f". Example: {example}")
    (tmp_path / "example.yaml").write_text(example, encoding="utf-8")
    assert read_yaml(tmp_path / "example.yaml")


def test_who_saved_a_file_in_another_encoding_is_told_how_to_convert_it(tmp_path: Path) -> None:
    assert mistake(tmp_path, b"config:\n  a: \xfc").endswith(
        "line 2: byte 0xfc is not UTF-8; allowed: UTF-8 text. Example: iconv -f ISO-8859-1 -t UTF-8 Pulumi.dev.yaml"
    )


def test_unknown_stack_names_the_nearest_and_lists_all(tmp_path: Path) -> None:
    root = project(tmp_path, "", dev="config: {}", prod="config: {}")
    for stack in ("prd", "../secret", ""):
        with pytest.raises(SettingsError, match="one of dev, prod") as raised:
            read_configuration(root, stack)
        assert ("did you mean 'prod'?" in str(raised.value)) == (stack == "prd")


def test_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Pulumi\.yaml: no such file"):
        read_configuration(tmp_path, "dev")


def test_settings_errors_of_the_program_come_out_as_themselves(tmp_path: Path) -> None:
    program = """
    from settings.problems import Problem, SettingsError
    try:
        raise SettingsError("Pulumi.dev.yaml", [Problem("a.b", "found 1", "2")])
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from error
    """
    with pytest.raises(SettingsError, match=r"Pulumi\.dev\.yaml: a\.b: found 1; allowed: 2"):
        evaluate(project(tmp_path, program), "dev")


def test_given_configuration_is_taken_as_it_is(tmp_path: Path) -> None:
    root = project(tmp_path, 'pulumi.export("x", pulumi.Config().get("x"))', dev="config: [broken")
    assert evaluate(root, "other", configuration={"demo:x": "1"}).outputs == {"x": "1"}


def test_scalars_know_their_line(tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text("a:\n  b: 1\n  c: 2\n", encoding="utf-8")
    assert read_yaml(tmp_path / "file.yaml")["a"]["c"].line == 3
