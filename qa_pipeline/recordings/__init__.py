"""What was recorded.

`find` recordings and their `files` (one, or a side of the call each), `decode` their samples; `records` the phone system's call
records, `birth` a call out of both, `roots` where files lie by name, `legs` which part of a call is whose.

Behind `decode`: `formats` says what a file really is; `opening` holds it to bounds and mends containers (`wav`, `ogg`, `mp4`);
`packets` (by FFmpeg) and `framing` (GSM, `amr`, AAC, with `mpeg` headers) give frames, `holes` watches for what was never
written; `placing` puts frames at their time into the `spool`.
"""
