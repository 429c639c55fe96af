"""One recogniser on its own thread: whole calls, first come, first served; portions of some seconds; memory that stays flat."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

import numpy as np
import pytest

from qa_pipeline.errors import QaError
from qa_pipeline.speech import listener as rules
from qa_pipeline.speech.backend import Heard, PlainEar, Window, failed
from qa_pipeline.speech.listener import Answers, Listener

Inbox = SimpleQueue[Answers[str]]


def window(number: int, samples: int = 1000) -> Window:
    return Window(np.full(samples, number, np.float32), "c")


@dataclass
class Echo:
    """Says each window's first sample; raises at -1, and QaError at -2; waits for `may` before each portion."""

    portions: list[int] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    may: threading.Event = field(default_factory=threading.Event)
    fingerprint: str = "echo"
    ear: PlainEar = field(default_factory=PlainEar)

    def recognise(self, windows: Sequence[Window]) -> list[Heard]:
        self.may.wait(30)
        self.threads.add(threading.current_thread().name)
        self.portions.append(len(windows))
        said = [str(int(w.sound[0])) for w in windows]
        if "-2" in said:
            raise QaError("no model")
        if "-1" in said:
            raise RuntimeError("a bug")
        return [Heard(s, tuple(range(len(s))), 0.9) for s in said]


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    made.may.set()
    yield made
    made.may.set()


def texts(answers: Answers[str]) -> dict[str, list[str] | str]:
    return {key: str(said) if isinstance(said, Exception) else [h.text for h in said] for key, said in answers.calls}


def test_answers_go_with_their_calls_and_what_the_ear_refused_stays_refused(echo: Echo) -> None:
    inbox: Inbox = SimpleQueue()
    with Listener(echo, inbox.put) as listener:
        refused = failed(ValueError("no sound"))
        listener.take("a", [window(1), refused, window(2)])
        listener.take("empty", [])
        listener.take("b", [window(3)])
        listener.go_on(at_once=True)
        answers = inbox.get(timeout=30)
    assert texts(answers) == {"a": ["1", "", "2"], "empty": [], "b": ["3"]}
    assert answers.calls[0][1][1] == refused  # type: ignore[index]
    assert threading.current_thread().name not in echo.threads


def test_a_call_over_which_the_recogniser_raises_is_alone_in_that(echo: Echo) -> None:
    inbox: Inbox = SimpleQueue()
    with Listener(echo, inbox.put) as listener:
        for key, number in (("a", 1), ("bad", -1), ("b", 2)):
            listener.take(key, [window(number)])
        listener.go_on(at_once=True)
        assert texts(inbox.get(timeout=30)) == {"a": ["1"], "bad": "a bug", "b": ["2"]}


def test_what_no_recording_is_to_blame_for_is_told_as_that(echo: Echo) -> None:
    inbox: Inbox = SimpleQueue()
    with Listener(echo, inbox.put) as listener:
        listener.take("a", [window(-2)])
        listener.go_on(at_once=True)
        answers = inbox.get(timeout=30)
    assert answers.calls == () and isinstance(answers.problem, QaError)


def test_it_waits_until_enough_has_gathered_and_takes_whole_calls_first_come_first_served(echo: Echo) -> None:
    inbox: Inbox = SimpleQueue()
    with Listener(echo, inbox.put) as listener:
        listener.take("a", [window(i) for i in range(rules.FEWEST - 1)])
        listener.go_on()
        assert not listener.busy
        listener.take("b", [window(i) for i in range(50)])
        listener.take("c", [window(1)])
        listener.go_on()
        assert listener.busy and listener.waiting == 1
        assert [key for key, _ in inbox.get(timeout=30).calls] == ["a", "b"]


def test_one_portion_at_a_time_and_the_next_gathers_meanwhile(echo: Echo) -> None:
    inbox: Inbox = SimpleQueue()
    echo.may.clear()
    with Listener(echo, inbox.put) as listener:
        listener.take("a", [window(1)])
        listener.go_on(at_once=True)
        listener.take("b", [window(2)])
        listener.go_on(at_once=True)
        time.sleep(0.1)
        assert listener.waiting == 1 and inbox.empty()
        echo.may.set()
        assert [key for key, _ in inbox.get(timeout=30).calls] == ["a"]
        listener.rest()
        listener.go_on(at_once=True)
        assert [key for key, _ in inbox.get(timeout=30).calls] == ["b"]


def test_portions_grow_while_they_are_quick_and_never_beyond_their_bound(echo: Echo) -> None:
    inbox: Inbox = SimpleQueue()
    with Listener(echo, inbox.put) as listener:
        for _ in range(12):
            for i in range(2 * rules.MOST // 8):
                listener.take(str(i), [window(i, 10) for _ in range(8)])
            listener.go_on(at_once=True)
            inbox.get(timeout=30)
            listener.rest()
    assert echo.portions[0] == rules.FEWEST and echo.portions == sorted(echo.portions)
    assert echo.portions[-1] == rules.MOST


def test_there_is_no_room_when_what_waits_is_large(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "WAITING_BYTES", 10_000)
    inbox: Inbox = SimpleQueue()
    with Listener(echo, inbox.put) as listener:
        listener.take("a", [window(1)])
        assert listener.room
        listener.take("b", [window(2, 5000)])
        assert not listener.room
        listener.go_on()  # then what there is goes
        inbox.get(timeout=30)
        assert listener.room


def test_no_more_calls_wait_than_the_largest_portion_takes_however_little_they_hold(echo: Echo) -> None:
    inbox: Inbox = SimpleQueue()
    echo.may.clear()
    with Listener(echo, inbox.put) as listener:
        listener.take("in work", [window(1)])
        listener.go_on(at_once=True)
        for i in range(rules.MOST):
            assert listener.room
            listener.take(str(i), [])  # a silent call has no windows
        assert not listener.room
        echo.may.set()
        inbox.get(timeout=30)
