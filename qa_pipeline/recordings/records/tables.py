"""Record files as rows of cells, in whatever encoding a spreadsheet wrote them. Files are hostile: each row stands alone."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qa_pipeline.errors import Place
from qa_pipeline.recordings.records.record import RecordError

ENCODINGS = ("utf-8-sig", "gb18030")  # what spreadsheets on Chinese machines write
BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
DELIMITERS = ",;\t|"
MOST_BYTES = 1 << 30
Problems = list[RecordError]


def read_text(path: Path, problems: Problems) -> str | None:
    """None, with a problem, for what is no text. Bytes of value 0 are dropped and reported."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES >> 20} MB; split it by day")
        text = _decoded(path.read_bytes())
    except (OSError, ValueError) as problem:
        problems.append(RecordError(f"not readable: {problem}; the file is left out", Place(str(path))))
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        problems.append(RecordError("expected text, found bytes of value 0; they are dropped", Place(str(path), line)))
    return text.replace("\0", "")


def _decoded(raw: bytes) -> str:
    for encoding in (BOMS[raw[:2]],) if raw[:2] in BOMS else ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("expected UTF-8 or GB18030 text")


def csv_rows(text: str, path: Path, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Rows, with the line each ends on. A row that cannot be read is a problem; the next ones stand."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as problem:
            problems.append(RecordError(f"not a row of CSV: {problem}; it is left out", Place(str(path), rows.line_num)))
            continue
        if row:
            yield rows.line_num, row


def _delimiter(text: str) -> str:
    """The one that the first line has most of, outside quotes."""
    first = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").split("\n", 1)[0])
    return max(DELIMITERS, key=lambda d: (first.count(d), d == ","))


def headed(rows: Iterator[tuple[int, list[str]]], header: Sequence[str]) -> Iterator[tuple[int, dict[str, str], list[str]]]:
    """Rows by their header's names, and the cells that have no column."""
    names = [name.strip() for name in header]
    for line, row in rows:
        yield line, dict(zip(names, row, strict=False)), [cell for cell in row[len(names) :] if cell.strip()]


def json_values(text: str, path: Path, problems: Problems) -> Iterator[tuple[int, Any]]:
    """One JSON value, or one a line, with the line each begins on. Of a key given twice (old FreeSWITCH), a list of both."""
    try:
        yield 1, json.loads(text, object_pairs_hook=_pairs)
        return
    except (ValueError, RecursionError) as problem:
        whole = str(problem)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) < 2 or not lines[0][1].rstrip().endswith("}"):
        problems.append(RecordError(f"not JSON: {whole}; the file is left out", Place(str(path))))
        return
    for number, line in lines:
        try:
            yield number, json.loads(line, object_pairs_hook=_pairs)
        except (ValueError, RecursionError) as problem:
            problems.append(RecordError(f"not JSON: {problem}; the line is left out", Place(str(path), number)))


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        made[key] = value if key not in made else [*_listed(made[key]), *_listed(value)]
    return made


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
