"""The demonstration model's vocabulary: one character one token, in the order that faster-whisper expects of Whisper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LATIN = " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-'.,!?:;\"()[]{}<>/\\@#$%^&*+=_`|~"
MARKS = "，。？！、：“”（）…「」『』♩♪♫♬♭♮♯×"
SPECIAL = ("endoftext", "startoftranscript", "zh", "en", "yue", "translate", "transcribe")
SPECIAL += ("startoflm", "startofprev", "nospeech", "notimestamps")


def build(characters: set[str]) -> Tokenizer:
    """Text tokens, `<unk>`, the special tokens from `<|endoftext|>` on, then the 1,501 time stamps of 0.02 s."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    text = list(dict.fromkeys([*LATIN, *MARKS, *sorted(characters), "<unk>"]))
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(text)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True, normalized=False) for name in SPECIAL])
    stamps = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    tokenizer.add_tokens([AddedToken(stamp, special=False, normalized=False) for stamp in stamps])
    return tokenizer
