"""Where words end, by jieba with the house's own names added."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Token:
    """One word; `end` is the offset just behind its last character."""

    text: str
    end: int


class Segmenter:
    """A jieba tokenizer of its own, so that two vocabularies never mix in one process. Its dictionary is read on first use."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = sorted(set(words))
        self.version = "jieba-" + hashlib.sha256("\n".join(self._words).encode()).hexdigest()[:12]

    def __getstate__(self) -> dict[str, Any]:
        """Without the dictionary, which holds a lock: another process reads its own."""
        return {name: value for name, value in self.__dict__.items() if name != "_tokenizer"}

    def tokens(self, text: str) -> tuple[Token, ...]:
        """The words of `text` in order, covering it without gaps."""
        return tuple(Token(word, end) for word, _, end in self._tokenizer.tokenize(text))

    def ends(self, text: str) -> list[int]:
        """Where the words end."""
        return [end for _, _, end in self._tokenizer.tokenize(text)]

    def words(self, text: str) -> list[tuple[str, int]]:
        """As `tokens`, in plain pairs."""
        return [(token.text, token.end) for token in self.tokens(text)]

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizer = _tokenizer()
        for word in self._words:
            tokenizer.add_word(word)
        return tokenizer


def _tokenizer() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's sources carry invalid escapes and a deprecated import
        import jieba

        jieba.setLogLevel(logging.WARNING)
        tokenizer = jieba.Tokenizer()
        tokenizer.initialize()
    return tokenizer
