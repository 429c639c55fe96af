"""A recogniser behind an OpenAI-compatible endpoint on the user's own network (vLLM, speaches, a FunASR server, …).

Nothing but the address that qa.toml names is ever contacted: no proxy of the environment, no redirect. The key stands in an
environment variable, never in a file.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import time
import wave
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qa_pipeline.speech.backend import RATE, Asr, Check, Heard, ModelError, PlainEar, Window, failed
from qa_pipeline.speech.guards import Told, guarded, spread, told_of

if TYPE_CHECKING:
    from qa_pipeline.speech.vocabulary import Vocabulary

PROVEN_MS = 1000  # of speech, before a window is told a prompt
NO_SPEECH, UNLIKELY = 0.6, -1.0  # the thresholds of OpenAI's Whisper
WAITS_S = (0.5, 2.0, 8.0)
LONGEST_WAIT_S = 30.0
REFUSED = {401: "the key is refused", 403: "the key is refused", 404: "there is no such address", 405: "it takes no POST"}
VERSION = 1
INSTALL = "pip install 'qa-pipeline[http]'"


@dataclass(frozen=True)
class HttpSettings:
    """`[asr.http]`. url: up to and with /v1. key_env: names the variable that holds the key. parallel: requests at a time."""

    url: str = ""
    key_env: str = ""
    timeout_s: float = 60.0
    tries: int = 3
    parallel: int = 4


class Endpoint:
    """A Recogniser."""

    ear = PlainEar()

    def __init__(self, settings: HttpSettings, model: str, told: Told) -> None:
        self.settings, self.model, self.told = settings, model, told

    @property
    def fingerprint(self) -> str:
        said = (self.settings.url, self.model, self.told.text, str(VERSION))
        return "http-" + hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]

    def _client(self) -> Any:
        httpx = _httpx()
        key = os.environ.get(self.settings.key_env, "") if self.settings.key_env else ""
        return httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=self.settings.timeout_s,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=self.settings.parallel),
        )

    def recognise(self, windows: Sequence[Window]) -> list[Heard]:
        """See Recogniser. Raises ModelError where the endpoint is not to be reached or refuses everything."""
        if not windows:
            return []
        with self._client() as client, ThreadPoolExecutor(self.settings.parallel) as pool:
            return list(pool.map(lambda window: self._safely(client, window), windows))

    def _safely(self, client: Any, window: Window) -> Heard:
        try:
            return self._one(client, window)
        except ModelError:
            raise
        except Exception as problem:
            return failed(problem)

    def _one(self, client: Any, window: Window) -> Heard:
        ms = len(window.sound) * 1000 // RATE
        told = self.told if window.speech_ms >= PROVEN_MS else Told()
        answer = self._ask(client, window, told)
        if isinstance(answer, str):
            return Heard("", (), None, f"failed: {answer}")
        said = _heard(answer, ms, told)
        if said.problem is None or not told.text:
            return said
        again = self._ask(client, window, Told())  # a prompt read back hides what was said
        return said if isinstance(again, str) else _heard(again, ms, Told())

    def _ask(self, client: Any, window: Window, told: Told) -> Mapping[str, Any] | str:
        """The endpoint's answer, or what is wrong with this window."""
        form = {"model": self.model, "language": "zh", "response_format": "verbose_json", "temperature": "0"}
        form |= {"timestamp_granularities[]": ["word", "segment"]}  # type: ignore[dict-item]
        if told.text:
            form["prompt"] = told.text
        problem = ""
        for attempt in range(self.settings.tries):
            response = self._post(client, form, _wav(window.sound))
            if not isinstance(response, str):
                if response.status_code == 200:
                    answer = response.json()
                    return answer if isinstance(answer, dict) else "no JSON object"
                if reason := REFUSED.get(response.status_code):
                    raise ModelError(f"asr.http: {self.settings.url} answers {response.status_code}: {reason}")
                if response.is_redirect:
                    raise ModelError(
                        f"asr.http: {self.settings.url} sends elsewhere, which is not followed; name the right url"
                    )
                problem = f"HTTP {response.status_code}"
                if response.status_code != 429 and response.status_code < 500:
                    return problem
            else:
                problem = response
            if attempt + 1 < self.settings.tries:
                time.sleep(_wait(attempt, response))
        if problem == "ConnectError":
            raise ModelError(
                f"asr.http: {self.settings.url} cannot be reached, after {self.settings.tries} tries: is it running?"
            )
        return problem

    def _post(self, client: Any, form: Mapping[str, Any], wav: bytes) -> Any:
        """The response, or the name of what kept it away."""
        httpx = _httpx()
        url = self.settings.url.rstrip("/") + "/audio/transcriptions"
        try:
            return client.post(url, data=form, files={"file": ("window.wav", wav, "audio/wav")})
        except httpx.TransportError as problem:
            return "ConnectError" if isinstance(problem, httpx.ConnectError) else type(problem).__name__


def _wait(attempt: int, response: Any) -> float:
    """Seconds; as the server asks, within reason."""
    asked = "" if isinstance(response, str) else response.headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT_S) if asked.isdigit() else WAITS_S[min(attempt, len(WAITS_S) - 1)]


def _wav(samples: Any) -> bytes:
    import numpy as np

    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return held.getvalue()


def _heard(answer: Mapping[str, Any], ms: int, told: Told) -> Heard:
    """Of `verbose_json`: times of words where told, else of segments, else none (`timing` is then "spread")."""
    segments = [s for s in answer.get("segments") or [] if isinstance(s, dict)]
    words = answer.get("words") or [w for s in segments for w in s.get("words") or []]
    text = str(answer.get("text") or "".join(str(s.get("text", "")) for s in segments))
    likely = [float(s["avg_logprob"]) for s in segments if isinstance(s.get("avg_logprob"), int | float)]
    mean = sum(likely) / len(likely) if likely else None
    silent = [s.get("no_speech_prob", 0) for s in segments]
    if silent and min(silent) > NO_SPEECH and mean is not None and mean < UNLIKELY:
        return Heard("", (), None, "no_speech")
    timed = [("word", words), ("text", segments)]
    times = next((found for key, spoken in timed if spoken and (found := _times(text, key, spoken))), None)
    heard = guarded(text, times or spread(len(text), 0, ms), min(1.0, math.exp(mean)) if mean is not None else None, ms, told)
    return heard if times or heard.problem else Heard(heard.text, heard.char_ms, heard.confidence, None, "spread")


def _times(text: str, key: str, spoken: Sequence[Mapping[str, Any]]) -> list[int] | None:
    """A time for each character: evenly within each word found in the text, in order; marks between take the word's before.

    None where the words are not those of the text.
    """
    times: list[int | None] = [None] * len(text)
    at = 0
    for one in spoken:
        said = str(one.get(key, "")).strip()
        found = text.find(said, at)
        if not said or found < 0:
            continue
        start, end = round(float(one["start"]) * 1000), round(float(one["end"]) * 1000)
        times[found : found + len(said)] = spread(len(said), start, end)
        at = found + len(said)
    if not text or sum(t is not None for t in times) * 2 < len(text.strip()):
        return None
    last, filled = next(t for t in times if t is not None), list[int]()
    for t in times:
        last = last if t is None else t
        filled.append(last)
    return filled


def _httpx() -> Any:
    try:
        import httpx2
    except ImportError as problem:
        raise ModelError(f"asr.backend http needs httpx2: {INSTALL}") from problem
    return httpx2


def make(asr: Asr, vocabulary: Vocabulary) -> Endpoint:
    """Raises ModelError naming every problem of [asr.http]."""
    settings, problems = _settings(asr)
    if problems:
        raise ModelError("; ".join(problems))
    _httpx()
    return Endpoint(settings, asr.model, told_of(asr, vocabulary))


def _settings(asr: Asr) -> tuple[HttpSettings, list[str]]:
    told, plain = asr.options.get("http", {}), HttpSettings()
    known = {f.name: getattr(plain, f.name) for f in fields(plain)}
    problems = [f"unknown key asr.http.{key}; there are {', '.join(known)}" for key in told if key not in known]
    taken: dict[str, Any] = {}
    for key, default in known.items():
        value = told.get(key, default)
        value = float(value) if isinstance(default, float) and type(value) is int else value
        if type(value) is not type(default) or (not isinstance(value, str) and value <= 0):
            problems.append(f"asr.http.{key}: expected such as {default!r}, found {value!r}")
        else:
            taken[key] = value
    settings = HttpSettings(**taken)
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        problems.append(f'asr.http.url: expected such as "http://asr.lan:8000/v1", found {settings.url!r}')
    elif parts.username or parts.query:
        problems.append("asr.http.url: no key or question in the address; name an environment variable in key_env")
    if settings.key_env and settings.key_env not in os.environ:
        problems.append(f"asr.http.key_env: the environment variable {settings.key_env} is not set")
    if asr.model == "demo":
        problems.append("asr.model: name the model as the server calls it")
    return settings, problems


def check(asr: Asr) -> list[Check]:
    """Asks the endpoint that qa.toml names, and no other, for its models."""
    try:
        httpx = _httpx()
    except ModelError:
        return [Check("http", "missing", "httpx2 is not installed", INSTALL)]
    found = [Check("http", "ok", f"httpx2 {httpx.__version__}")]
    if asr.backend != "http":
        return found
    settings, problems = _settings(asr)
    found += [Check("http settings", "wrong", problem, "see docs/speech-models.md") for problem in problems]
    return found if problems else [*found, _reached(httpx, settings, asr.model)]


def _reached(httpx: Any, settings: HttpSettings, model: str) -> Check:
    key = os.environ.get(settings.key_env, "") if settings.key_env else ""
    try:
        with httpx.Client(trust_env=False, timeout=5.0, headers={"Authorization": f"Bearer {key}"} if key else {}) as client:
            response = client.get(settings.url.rstrip("/") + "/models")
        told = response.json() if response.status_code == 200 else {}
    except Exception as problem:
        return Check("endpoint", "wrong", f"{settings.url}: {type(problem).__name__}", "start the server, or mend asr.http.url")
    names = [str(m.get("id")) for m in told.get("data") or [] if isinstance(m, dict)] if isinstance(told, dict) else []
    if names and model not in names:
        return Check(
            "endpoint", "wrong", f"{settings.url} has no model {model!r}", f"one of {', '.join(names[:10])} as asr.model"
        )
    return Check("endpoint", "ok", f"{settings.url} answers {response.status_code}, model {model}")
