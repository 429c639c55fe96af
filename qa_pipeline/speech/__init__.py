"""What was said.

`channel` its samples, `activity` where somebody speaks, `tones` of the exchange, `windows` for the recogniser, `loudness`,
`listen` all of it over many calls at once. `backend` the contract of a recogniser, `recognisers` which are installed,
`vocabulary` what they are told. `whisper` the built-in one: its `checkpoint` (`whisper_check` for the doctor), `mel` ear,
`passes` of the model, `spelling` of its tokens. `sherpa` and `http` the others; `guards` against invented text.
"""
