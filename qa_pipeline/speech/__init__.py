"""What was said.

`channel` its samples, `channels` how two belong together, `spectrum` and `loudness` what they are made of. `activity` where
somebody speaks; `tones`, `music` and `knocks`, joined in `sounds`. `roles` whose voice is whose, `diarisation` which voices
share a channel. `windows` for the recogniser, `listen` all of it over many calls at once.

`backend` the contract of a recogniser, `recognisers` which are installed, `vocabulary` what they are told, `listener` who
feeds them. `whisper` the built-in one: its `checkpoint` (`whisper_check` for the doctor), `mel` ear, `passes` of the model,
`spelling` of its tokens. `sherpa` and `http` the others; `guards` against invented text.
"""
