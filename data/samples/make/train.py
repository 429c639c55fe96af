"""Trains the demonstration model, and goes on from its last checkpoint when started again.

    python data/samples/make/train.py --out CHECKPOINT.pt --speech FOLDER --minutes 120 [--warm-start FOLDER]

Losses: next character (smoothing 0.02) + 0.4 x character of every frame + 0.2 x attention of two heads of the last layer
on the present character and of the first layer on the previous one. Without the attention terms a decoder this small
learns sentences by heart and ignores the sound. Two processes of one thread each average their gradients: on two cores
that is faster than one process with two threads.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from network import Size, Whisper
from sentences import characters
from shipped_weights import read_weights
from tokenizers import Tokenizer
from tokens import build
from torch import Tensor
from torch.nn import functional as F
from windows import Window, Windows, mel

NONE = (np.nan, np.nan)


def special(tokenizer: Tokenizer, *names: str) -> list[int]:
    return [tokenizer.token_to_id(f"<|{name}|>") for name in names]


def item(w: Window, tokenizer: Tokenizer, stamped: bool) -> tuple[list[int], list[int], list[tuple[float, float]], np.ndarray]:
    """Decoder input, labels, where each label is heard (s, s), and the character of every 20 ms frame (0 none)."""
    eot, sot, zh, transcribe, nospeech, plain = special(
        tokenizer, "endoftext", "startoftranscript", "zh", "transcribe", "nospeech", "notimestamps"
    )
    ids = [tokenizer.token_to_id(c) for c, _, _ in w.chars]
    where = [(a - 0.06, b + 0.06) if b > a else (a - 0.12, a + 0.3) for _, a, b in w.chars]
    after = w.chars[-1][2] if w.chars else 0.0
    labels, heard = [*ids, eot], [*where, (after - 0.1, after + 0.6) if w.chars else NONE]
    if stamped and w.chars:
        first, zero = w.chars[0][1], plain + 1
        labels = [zero + 5 * round(first * 10), *ids, zero + 5 * round(after * 10), eot]
        heard = [(first - 0.3, first + 0.15), *where, (after - 0.15, after + 0.3), heard[-1]]
    prompt = [sot, zh, transcribe] + ([] if stamped else [plain])
    frames = np.zeros(len(w.samples) // 160 + 1, np.int64)
    for token, (_, a, b) in zip(ids, w.chars, strict=True):
        frames[round(a * 50) : round(b * 50)] = token + 1
    blank = len(prompt) - 1
    lead = [zh if w.chars else nospeech] + [-100] * (blank - 1)
    return prompt + labels[:-1], lead + labels, [NONE] * blank + heard, frames


def batch(windows: Windows, tokenizer: Tokenizer, longest: float, seconds: float) -> tuple[Tensor, ...]:
    r, items = windows.random, []
    for _ in range(max(2, int(seconds / longest))):
        w = windows.silence() if r.random() < 0.02 else windows.window(longest)
        items.append((mel(w.samples), *item(w, tokenizer, r.random() < 0.1)))
    longest_frames = max(x[0].shape[1] for x in items) + r.choice([2, 2, r.randint(2, 40), r.randint(2, 150)])
    frames, length = longest_frames + longest_frames % 2, max(len(x[1]) for x in items)
    n, eot = len(items), special(tokenizer, "endoftext")[0]
    mels, ids = np.zeros((n, 80, frames), np.float32), np.full((n, length), eot)
    labels, heard = np.full((n, length), -100), np.full((n, length, 2), np.nan, np.float32)
    classes = np.full((n, frames // 2), -100)
    for i, (m, x, y, where, frame) in enumerate(items):
        mels[i, :, : m.shape[1]], ids[i, : len(x)], labels[i, : len(y)], heard[i, : len(where)] = m, x, y, where
        k = min(frames // 2, m.shape[1] // 2, len(frame))
        classes[i, :k], classes[i, k : k + 25] = frame[:k], 0
        if r.random() < 0.6:  # SpecAugment, lightly
            f, t = r.randrange(60), r.randrange(max(1, frames - 20))
            mels[i, f : f + r.randrange(10)] = mels[i].mean()
            mels[i, :, t : t + r.randrange(12)] = -0.3
    return tuple(map(torch.from_numpy, (mels, ids, labels, heard, classes)))


def losses(model: Whisper, b: tuple[Tensor, ...], dropout: float = 0.05) -> Tensor:
    """[next character, frame character, last-layer attention, first-layer attention]."""
    mels, ids, labels, heard, classes = b
    encoded = model.encoder(mels, dropout)
    logits, attention = model.decoder(ids, encoded, dropout)
    text = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100, label_smoothing=0.02)
    frame = F.cross_entropy(model.aux(encoded).flatten(0, 1), classes.flatten(), ignore_index=-100)
    known, time_ = ~torch.isnan(heard[..., 0]), torch.arange(encoded.shape[1]) / 50
    mask = (time_ >= heard[..., :1] - 0.02) & (time_ <= heard[..., 1:])
    last = (attention[-1][:, :2] * mask[:, None]).sum(-1)
    first = (attention[0][:, :2, 1:] * mask[:, None, :-1]).sum(-1)
    both = known[:, :-1] & known[:, 1:]
    here = -(last + 1e-4).log().mean(1)[known].mean()
    before = -(first + 1e-4).log().mean(1)[both].mean()
    return torch.stack([text, frame, here, before])


def warm_start(model: Whisper, tokenizer: Tokenizer, folder: Path) -> None:
    """Everything that a converted model holds, tokens by their strings; encoder layers beyond its own begin as identities."""
    saved, old = read_weights(folder), Tokenizer.from_file(str(folder / "tokenizer.json"))
    state, tokens = model.state_dict(), saved.pop("decoder.embed_tokens.weight")
    for token, new in tokenizer.get_vocab().items():
        if (source := old.token_to_id(token)) is not None:
            state["decoder.embed_tokens.weight"][new] = tokens[source]
    for name in state.keys() - saved.keys():
        if name.startswith("encoder.layers.") and name.split(".", 3)[3].startswith(("self_attn.out_proj", "fc2")):
            state[name].zero_()
    model.load_state_dict({**state, **saved})


def train(rank: int, world: int, args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{args.port}", rank=rank, world_size=world)
    tokenizer = build(characters())
    size = Size(tokenizer.get_vocab_size(), special(tokenizer, "endoftext")[0] + 1)
    torch.manual_seed(1)
    model = Whisper(size)
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.rate, betas=(0.9, 0.98), weight_decay=0.01)
    spent, step, out = 0.0, 0, Path(args.out)
    if out.exists():
        saved = torch.load(out, map_location="cpu")
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        spent, step = saved["seconds"], saved["step"]
    elif args.warm_start:
        warm_start(model, tokenizer, Path(args.warm_start))
    windows = Windows(Path(args.speech), random.SystemRandom().randrange(2**31))
    torch.manual_seed(step * world + rank)
    parameters = [p for p in model.parameters() if p.requires_grad]
    started, shown, recent = time.time() - spent, time.time(), []
    while True:
        share = (time.time() - started) / 60 / args.minutes
        now = args.rate * min(1.0, (step + 1) / 100) * (1.0 if share < 0.3 else max(0.02, 1 - (share - 0.3) / 0.7))
        for group in optimiser.param_groups:
            group["lr"] = now
        parts = losses(model, batch(windows, tokenizer, windows.random.uniform(2, 8), 48))
        optimiser.zero_grad()
        (parts * torch.tensor([1, 0.4, 0.2, 0.2])).sum().backward()
        flat = torch.cat([p.grad.flatten() for p in parameters] + [torch.tensor([float(share >= 1)])])
        dist.all_reduce(flat)
        flat /= world
        at = 0
        for p in parameters:
            p.grad.copy_(flat[at : at + p.numel()].view_as(p))
            at += p.numel()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        recent.append(parts.detach())
        done = bool(flat[-1] > 0)
        if rank == 0 and (done or step % 50 == 0):
            mean = torch.stack(recent).mean(0).tolist()
            print(f"step {step} {100 * share:.1f} % losses " + " ".join(f"{x:.3f}" for x in mean), flush=True)
            recent = []
        if rank == 0 and (done or time.time() - shown > 120):
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "size": asdict(size)}
            torch.save({**state, "seconds": time.time() - started, "step": step}, out.with_suffix(".tmp"))
            os.replace(out.with_suffix(".tmp"), out)
            shown = time.time()
        if done:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--speech", required=True, help="folder that speech_store.py fills")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--port", type=int, default=29511)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--warm-start", help="converted model to begin with, such as data/samples/model")
    args = parser.parse_args()
    mp.spawn(train, (args.processes, args), nprocs=args.processes)


if __name__ == "__main__":
    main()
