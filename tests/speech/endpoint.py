"""A real OpenAI-compatible endpoint on this machine, with a recogniser of ours behind it, that can be told to misbehave."""

from __future__ import annotations

import io
import socket
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from qa_pipeline.speech.backend import Heard, Recogniser, heard


@dataclass
class Server:
    """detail: "word", "segment" or "none" of the times. faults: statuses answered first; slow_s: before every answer."""

    recogniser: Recogniser
    url: str = ""
    detail: str = "word"
    key: str = ""
    faults: list[int] = field(default_factory=list)
    slow_s: float = 0.0
    forms: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    text: str | None = None
    _lock: Any = field(default_factory=threading.Lock)

    async def transcribe(self, request: Request) -> Response:
        import anyio

        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": "key"}, 401)
        async with request.form() as form:
            sound = await form["file"].read()  # type: ignore[union-attr]
            told = {k: form.getlist(k) if k.endswith("[]") else form[k] for k in form if k != "file"}
        self.forms.append(told)
        if self.faults:
            status = self.faults.pop(0)
            if status == 302:
                return RedirectResponse("http://127.0.0.1:9/elsewhere", 302)
            return Response("{" if status == 200 else "no", status, {"retry-after": "0"})
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        answer = await anyio.to_thread.run_sync(self._answer, sound)
        self.at_once -= 1
        return JSONResponse(answer)

    def _answer(self, sound: bytes) -> dict[str, Any]:
        time.sleep(self.slow_s)
        with wave.open(io.BytesIO(sound)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
            audio = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        with self._lock:
            (said,) = heard(self.recogniser, [audio])
        return self._verbose(said, len(audio) / 16000)

    def _verbose(self, said: Heard, seconds: float) -> dict[str, Any]:
        text = said.text if self.text is None else self.text
        whole = {"id": 0, "start": 0.0, "end": seconds, "text": text, "avg_logprob": -0.1, "no_speech_prob": 0.01}
        answer: dict[str, Any] = {"task": "transcribe", "language": "zh", "duration": seconds, "text": text}
        if self.detail != "none":
            answer["segments"] = [whole]
        if self.detail == "word" and self.text is None:
            ends = [*said.char_ms[1:], round(seconds * 1000)]
            spoken = zip(said.text, said.char_ms, ends, strict=True)
            answer["words"] = [{"word": c, "start": a / 1000, "end": b / 1000} for c, a, b in spoken if c.isalnum()]
        return answer

    async def models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "demo-behind"}]})


@contextmanager
def serving(recogniser: Recogniser) -> Iterator[Server]:
    """Until the block ends, on a free port of this machine."""
    server = Server(recogniser)
    routes = [
        Route("/v1/audio/transcriptions", server.transcribe, methods=["POST"]),
        Route("/v1/models", server.models),
    ]
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(64)
        server.url = f"http://127.0.0.1:{held.getsockname()[1]}/v1"
        running = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [held]}, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield server
        running.should_exit = True
        thread.join(10)
