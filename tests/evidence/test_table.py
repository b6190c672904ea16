"""`results.csv`: a row for each verdict, and no cell that calculates."""

import csv
import io

import pytest

from mastertrade.evidence.inert import cell
from mastertrade.evidence.table import COLUMNS, to_csv
from tests.evidence.audits import HOSTILE, audit, hostile_audit


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_row_tells_everything_of_its_verdict() -> None:
    said = {row["state"]: row for row in rows(to_csv(audit()))[:-1]}
    assert set(said) == {"pass", "fail", "unknown", "not applicable", "waived"}
    failed, waived = said["fail"], said["waived"]
    assert (failed["control"], failed["severity"], failed["enforcement"], failed["region"]) == (
        "enc-sqs-queue",
        "high",
        "mandatory",
        "us-east-1",
    )
    assert (failed["requirements"], failed["source"], failed["commit"]) == ("nist-800-53-r5: SC-28", "components/queues.py:7", "a" * 40)
    assert (waived["waived by"], waived["waived until"], waived["ticket"]) == ("ada@mastertrade.example", "2026-04-14", "OPS-7")


def test_lines_and_quotes_are_those_of_rfc_4180() -> None:
    text = to_csv(audit())
    assert text.splitlines()[0] == ",".join(f'"{column}"' for column in COLUMNS)
    assert text.count("\r\n") == text.count("\n") == len(audit().verdicts) + 1


def test_hostile_names_make_no_more_rows_or_columns() -> None:
    found = rows(to_csv(hostile_audit()))
    assert len(found) == len(HOSTILE)
    assert all(set(row) == set(COLUMNS) for row in found)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r\n=1", " =1", "  @x", '"=1"', "'=1", "＝1", "＠x"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text).startswith("'")


@pytest.mark.parametrize("text", ["", "queue-1", "arn:aws:kms:us-east-1:1:key/2", "a=b", "(=1)", "components/queues.py:7"])
def test_ordinary_cells_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_no_cell_is_longer_than_spreadsheets_keep() -> None:
    assert len(cell("=" * 100_000)) <= 32_767
