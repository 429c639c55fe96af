"""From a model's tokens to characters: a Chinese character is often two or three byte tokens, and has one time all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any


class Spelling:
    """The bytes of each token of a `tokenizers.Tokenizer`, whether it spells in bytes (Whisper's own) or in characters."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        decoder = tokenizer.decoder
        self._bytes = decoder is not None and type(decoder).__name__ == "ByteLevel"
        self._known: dict[int, bytes] = {}

    def of(self, token: int) -> bytes:
        if token not in self._known:
            self._known[token] = self._spell(token)
        return self._known[token]

    def _spell(self, token: int) -> bytes:
        if not self._bytes:
            return bytes(self._tokenizer.decode([token]).encode())
        table = byte_of_letter()
        return bytes(table[letter] for letter in self._tokenizer.id_to_token(token) or "" if letter in table)

    def timed(self, tokens: Sequence[int], starts: Mapping[int, int]) -> tuple[str, tuple[int, ...]]:
        """Text without blanks, and each character's start: that of the token with its first byte, never going back.

        `starts`: by index in `tokens`; a token without one starts with the token before. Bytes that make no character are
        left out: the rest of a character whose end the model never said, say.
        """
        owners = [i for i, token in enumerate(tokens) for _ in self.of(token)]
        text = b"".join(map(self.of, tokens)).decode("utf-8", "surrogateescape")
        at, last, kept = 0, 0, list[tuple[str, int]]()
        reached = _running(starts, len(tokens))
        for character in text:
            last = reached[owners[at]]
            at += len(character.encode("utf-8", "surrogateescape"))
            if not character.isspace() and not "\udc80" <= character <= "\udcff" and character.isprintable():
                kept.append((character, last))
        return "".join(c for c, _ in kept), tuple(t for _, t in kept)


def _running(starts: Mapping[int, int], n: int) -> list[int]:
    """Each token's start, never before that of the token before it."""
    reached, last = [], 0
    for i in range(n):
        last = max(last, starts.get(i, last))
        reached.append(last)
    return reached


@cache
def byte_of_letter() -> dict[str, int]:
    """GPT-2's letter for each byte, read backwards: bytes that print stand for themselves, the others count from U+0100."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}
