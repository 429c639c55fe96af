"""What a telephone line does to speech: band limits, noise, hum, level, clipping, G.711; and the resampling around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 8000
Int16 = NDArray[np.int16]
Floats = NDArray[np.float32]


def resample(samples: Int16, source: int, target: int) -> Int16:
    """Mono int16 at another rate, by the resampler that faster-whisper's `decode_audio` uses (swresample, s16)."""
    if source == target or not len(samples):
        return samples
    import av
    from av.audio.resampler import AudioResampler

    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="s16", layout="mono")
    frame.sample_rate = source
    resampler = AudioResampler(format="s16", layout="mono", rate=target)
    parts = [f.to_ndarray() for f in (*resampler.resample(frame), *resampler.resample(None))]
    return np.asarray(np.concatenate(parts, 1)[0], np.int16)


def g711(samples: Int16, law: str) -> Int16:
    """Through the quantiser of A-law or µ-law and back (the continuous curves of ITU-T G.711)."""
    s = samples.astype(np.float32) / 32768
    size, sign = np.abs(s), np.sign(s)
    if law == "alaw":
        a, k = 87.6, 1 + np.log(87.6)
        curve = np.where(size < 1 / a, a * size / k, (1 + np.log(np.maximum(a * size, 1e-9))) / k)
        level = np.clip(np.round(curve * 128) / 128, 0, 1)
        back = np.where(level < 1 / k, level * k / a, np.exp(np.minimum(level * k - 1, np.log(a))) / a)
    else:
        level = np.round(np.log1p(255 * size) / np.log1p(255) * 128) / 128
        back = np.expm1(level * np.log1p(255)) / 255
    return np.clip(back * sign * 32768, -32768, 32767).astype(np.int16)


def noise(n: int, tilt: float, rng: np.random.Generator) -> Floats:
    """Unit-power noise whose spectrum falls as frequency ** -tilt."""
    white = rng.standard_normal(n).astype(np.float32)
    if tilt and n > 1:
        freq = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 30)
        white = np.fft.irfft(np.fft.rfft(white) * (freq / 500) ** -tilt, n).astype(np.float32)
    return np.asarray(white / (white.std() + 1e-6), np.float32)


def line(samples: Floats, rng: np.random.Generator) -> Int16:
    """One random line, for training: 85 % noisy (8-45 dB SNR), 15 % hum, 80 % coloured band, 10 % clipped, 70 % G.711."""
    y, n = samples.astype(np.float32), len(samples)
    level = float(np.sqrt(np.mean(y**2))) + 1
    if rng.random() < 0.85:
        tilt = rng.uniform(0.2, 1.0) if rng.random() < 0.4 else 0.0
        y = y + noise(n, tilt, rng) * level * 10 ** (-rng.uniform(8, 45) / 20)
    if rng.random() < 0.15:
        hum = np.sin(2 * np.pi * rng.choice([50, 100, 150]) * np.arange(n) / RATE + rng.uniform(0, 6))
        y = y + level * 10 ** (-rng.uniform(15, 35) / 20) * hum
    if rng.random() < 0.8:
        freq = np.fft.rfftfreq(n, 1 / RATE)
        gain = 10 ** (np.interp(freq, [0, 500, 1000, 2000, 3000, 4000], rng.uniform(-4, 4, 6)) / 20)
        if rng.random() < 0.7:
            low, high = rng.uniform(100, 350), rng.uniform(3200, 3900)
            gain = gain / (1 + (low / np.maximum(freq, 1)) ** 6) / (1 + (freq / high) ** 24)
        y = np.fft.irfft(np.fft.rfft(y) * gain, n)
    if rng.random() < 0.1:
        y = y * rng.uniform(1.5, 4)
    x = np.clip(y, -32768, 32767).astype(np.int16)
    kind = rng.random()
    return g711(x, "alaw") if kind < 0.55 else g711(x, "mulaw") if kind < 0.7 else x
