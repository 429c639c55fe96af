"""HOW TRANSCRIPTS COME FROM ELSEWHERE, AND GO THERE: stored and judged as recorded calls are. Reads no audio.

`importing`, by `import_form` a call's own words and `import_record` what stands beside its file · `exporting`
"""
