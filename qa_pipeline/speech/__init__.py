"""What was said.

`channel` its samples, `activity` where somebody speaks, `tones` of the exchange, `windows` for the recogniser, `backend` its
contract, `whisper` the built-in one, `guards` against invented text, `loudness`, `listen` all of it over many calls at once.
"""
