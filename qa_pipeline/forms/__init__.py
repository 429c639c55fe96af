"""HOW CALLS FROM ELSEWHERE ARE WRITTEN: our own form and its JSON Schema, WhisperX, FunASR; every problem of one at once."""
