import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.errors import Place, QaError
from qa_pipeline.model import EVENT_KINDS, Span, Speaker, Turn

spans = st.tuples(st.integers(0, 9999), st.integers(0, 9999)).map(lambda t: Span("c", min(t), max(t)))


@given(spans, spans)
def test_overlap_is_symmetric_and_never_longer_than_either_span(a: Span, b: Span) -> None:
    assert a.overlap_ms(b) == b.overlap_ms(a) <= min(a.duration_ms, b.duration_ms)


def test_spans_of_different_calls_never_overlap() -> None:
    assert Span("a", 0, 10).overlap_ms(Span("b", 0, 10)) == 0


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="call c"):
        Span("c", 2, 1)


def test_a_turn_has_one_time_for_every_character() -> None:
    with pytest.raises(ValueError, match="2 characters, 1 times"):
        Turn(Span("c", 0, 10), 0, 1, Speaker.AGENT, "您好", (0,))


def test_an_error_opens_with_its_place() -> None:
    assert str(QaError("bad", Place("f.csv", 3, "c1"))) == "f.csv:3, call c1: bad"
    assert str(QaError("bad")) == "bad"


def test_every_kind_of_event_that_is_heard_has_its_detector() -> None:
    from qa_pipeline.speech.sounds import DETECTORS

    assert {kind.detector for kind in EVENT_KINDS.values()} - {None} <= set(DETECTORS)
