"""An OpenAI-compatible endpoint, really served on this machine: what it is asked, what becomes of its answers, its faults."""

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from qa_pipeline.speech import http
from qa_pipeline.speech.backend import Asr, ModelError, Recogniser, Window, heard
from qa_pipeline.speech.http import WAITS_S
from qa_pipeline.speech.vocabulary import Vocabulary
from tests.speech.endpoint import Server, serving

NAMES = Vocabulary(("盘王谷深航假日酒店", "乡野邻家"))


@pytest.fixture
def server(make_demo: Any) -> Iterator[Server]:
    with serving(make_demo(beam=1)) as running:
        yield running


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "WAITS_S", tuple(0.01 for _ in WAITS_S))


def asked(server: Server, vocabulary: Vocabulary = NAMES, **told: Any) -> Recogniser:
    made: Recogniser = http.make(Asr(backend="http", model="m", options={"http": {"url": server.url, **told}}), vocabulary)
    return made


@pytest.fixture
def speech(sample: Any) -> Any:
    return sample("dd-04-leak-bad").sketch.windows[2]


def test_it_says_what_the_model_behind_it_says_at_the_same_times(server: Server, make_demo: Any, speech: Any) -> None:
    (direct,), (served,) = heard(make_demo(beam=1), [speech]), heard(asked(server), [speech])
    assert served.text == direct.text and served.timing == "heard"
    spoken = [i for i, c in enumerate(direct.text) if c.isalnum()]
    assert all(abs(served.char_ms[i] - direct.char_ms[i]) <= 1 for i in spoken)
    form = server.forms[0]
    assert (form["model"], form["language"], form["response_format"]) == ("m", "zh", "verbose_json")
    assert form["timestamp_granularities[]"] == ["word", "segment"]


def test_without_words_the_segments_give_the_times_and_without_both_they_are_marked(server: Server, speech: Any) -> None:
    server.detail = "segment"
    (by_segment,) = heard(asked(server), [speech])
    server.detail = "none"
    (spread,) = heard(asked(server), [speech])
    assert (by_segment.timing, spread.timing) == ("heard", "spread")
    assert by_segment.text == spread.text and len(spread.char_ms) == len(spread.text)
    assert spread.confidence is None and by_segment.confidence == pytest.approx(0.905, abs=0.001)


def test_names_are_told_only_where_speech_is_proven(server: Server, speech: Any) -> None:
    recogniser = asked(server)
    recogniser.recognise([Window(speech, "c", 400), Window(speech, "c", 2000)])
    assert ["prompt" in form for form in server.forms].count(True) == 1
    assert "盘王谷深航假日酒店" in next(form["prompt"] for form in server.forms if "prompt" in form)


def test_names_read_back_are_asked_again_without_them(server: Server, speech: Any) -> None:
    server.text = "盘王谷深航假日酒店，乡野邻家。"
    (said,) = heard(asked(server), [speech])
    assert ["prompt" in form for form in server.forms] == [True, False]
    assert said.text == server.text, "said without having been told: then it is said"


def test_invented_text_is_no_text(server: Server, speech: Any) -> None:
    server.text = "字幕由Amara.org社群提供"
    assert heard(asked(server), [speech])[0].problem == "boiler_plate"
    server.text = "謝謝您的來電"
    assert heard(asked(server), [speech])[0].text == "谢谢您的来电"


def test_a_busy_server_is_asked_again_and_a_refused_window_is_its_own_failure(server: Server, speech: Any) -> None:
    server.faults = [503, 429]
    assert heard(asked(server, parallel=1), [speech])[0].text
    server.faults = [413]
    first, second = heard(asked(server, parallel=1), [speech, speech])
    assert first.problem == "failed: HTTP 413" and second.text
    server.faults = [500, 500, 500]
    assert heard(asked(server, parallel=1), [speech])[0].problem == "failed: HTTP 500"


def test_an_answer_that_is_no_json_is_that_windows_failure(server: Server, speech: Any) -> None:
    server.faults = [200]
    first, second = heard(asked(server, parallel=1), [speech, speech])
    assert (first.problem or "").startswith("failed: JSON") and second.text


def test_a_slow_server_fails_the_window_in_time(server: Server, speech: Any) -> None:
    server.slow_s = 0.5
    assert heard(asked(server, timeout_s=0.1, tries=1), [speech])[0].problem == "failed: ReadTimeout"


def test_no_more_requests_at_a_time_than_allowed(server: Server, speech: Any) -> None:
    server.slow_s = 0.05
    heard(asked(server, parallel=2), [speech[:8000]] * 8)
    assert server.most_at_once == 2


def test_a_redirect_is_never_followed(server: Server, speech: Any) -> None:
    server.faults = [302]
    with pytest.raises(ModelError, match="sends elsewhere"):
        heard(asked(server), [speech])


def test_no_proxy_of_the_environment_sees_the_audio(server: Server, speech: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert heard(asked(server), [speech])[0].text


def test_the_key_comes_from_the_environment_and_a_wrong_one_stops_the_run(
    server: Server, speech: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.key = "s3cret"
    monkeypatch.setenv("QA_KEY", "s3cret")
    assert heard(asked(server, key_env="QA_KEY"), [speech])[0].text
    assert "s3cret" not in asked(server, key_env="QA_KEY").fingerprint
    monkeypatch.setenv("QA_KEY", "wrong")
    with pytest.raises(ModelError, match="401: the key is refused"):
        heard(asked(server, key_env="QA_KEY"), [speech])


def test_a_server_that_is_not_there_is_nobodys_recording() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/v1"
    recogniser = http.make(Asr(backend="http", model="m", options={"http": {"url": url}}), Vocabulary())
    with pytest.raises(ModelError, match="cannot be reached, after 3 tries"):
        heard(recogniser, [np.zeros(16000, np.float32)])


def test_all_that_is_wrong_with_the_settings_comes_at_once() -> None:
    told = {"url": "ftp://x", "timeout": 5, "parallel": 0, "key_env": "NOT_SET_ANYWHERE"}
    with pytest.raises(ModelError) as caught:
        http.make(Asr(backend="http", options={"http": told}), Vocabulary())
    for part in ("unknown key asr.http.timeout", "asr.http.parallel", "asr.http.url", "NOT_SET_ANYWHERE", "asr.model"):
        assert part in str(caught.value)


def test_the_doctor_asks_the_endpoint_for_the_model(server: Server) -> None:
    asr = Asr(backend="http", model="demo-behind", options={"http": {"url": server.url}})
    assert [c.state for c in http.check(asr)] == ["ok", "ok"]
    other = Asr(backend="http", model="whisper-1", options={"http": {"url": server.url}})
    assert "demo-behind" in http.check(other)[-1].remedy
    gone = Asr(backend="http", model="m", options={"http": {"url": "http://127.0.0.1:9/v1"}})
    assert http.check(gone)[-1].state == "wrong"
