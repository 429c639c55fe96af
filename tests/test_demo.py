"""The demo, from the shipped recordings to the scores that anyone may read."""

from pathlib import Path

import pandas as pd


def test_a_plain_pandas_read_sees_one_score_for_every_sample(demo_project: Path) -> None:
    scores = pd.read_parquet(demo_project / "dataset" / "scores")
    assert len(scores) == len(set(scores.call_id)) == 25
