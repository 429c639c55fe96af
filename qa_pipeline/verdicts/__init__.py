"""HOW STORED WORDS BECOME STORED VERDICTS, as often as the rules change. Touches no audio.

`in_force` which packs judge · `judging` new calls · `choice` which stored ones · `rejudging` one date again · `rescoring` all
dates, as a dry run or applied · `trial` one rule · `cores` dates shared among processes · `preloaded` what those begin with
"""
