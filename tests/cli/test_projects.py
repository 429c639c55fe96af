"""An id with a slip is answered by the ids that it may have been meant for."""

from __future__ import annotations

import pytest

from qa_pipeline.cli.projects import nearly

IDS = [f"2025-{day:02d}-{number:04d}" for day in (3, 1, 2) for number in range(50)]


@pytest.mark.parametrize("slip", ["2025-02-031", "2025-02-00031", "2025-02-003l", "202502-0031"])
def test_the_id_that_was_meant_comes_first_or_close_behind(slip: str) -> None:
    assert "2025-02-0031" in nearly(slip, IDS)


def test_of_an_id_like_none_the_first_ones_show_what_ids_look_like() -> None:
    assert nearly("您好", IDS) == ["2025-01-0000", "2025-01-0001", "2025-01-0002"]


def test_no_more_are_told_than_there_are() -> None:
    assert nearly("call-1", ["call-2"]) == ["call-2"]
