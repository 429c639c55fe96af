"""How far a run is, and how long it still takes: by seconds of call, guessed from bytes until they are known."""

from qa_pipeline.batch.progress import Pace, Progress, clock


def test_what_is_not_decoded_yet_counts_by_its_bytes() -> None:
    now = [0.0]
    pace = Pace({"long": 8000, "short": 2000, "bad": 2000}, lambda: now[0])
    assert pace.now() == Progress(0, 3)
    pace.prepared("long", 80_000)
    assert pace.now() == Progress(0, 3, 80, 0, 120, None)
    now[0] = 10
    pace.done("long")
    assert pace.now() == Progress(1, 3, 80, 80, 120, 5)  # eight times as fast as it was spoken, 40 s to come
    pace.done("bad")
    assert pace.now().whole_s == 100
    pace.prepared("short", 30_000)
    now[0] = 20
    pace.done("short")
    assert pace.now() == Progress(3, 3, 110, 110, 110, 0)


def test_it_is_told_in_words() -> None:
    assert str(Progress(0, 3)) == "0 of 3 recordings"
    told = str(Progress(1, 3, 80, 80, 3720, 465))
    assert told == "1 of 3 recordings; 1:20 of about 1:02:00 of calls recognised; about 7:45 left"
    assert str(Progress(3, 3, 110, 110, 110, 0)) == "3 of 3 recordings"
    assert (clock(0.4), clock(61), clock(3600)) == ("0:00", "1:01", "1:00:00")
