"""What is expected: packs of rules judged against stored transcripts. Pure: no audio, no clock.

The language  `grammar` all that can be said · `reader` YAML with places · `language` expressions · `pack` packs, their versions
Words         `wording` templates · `chains`, `plan`, `chain_tables` compiled to tables, `trie`, `near` those of literals ·
              `scan`, `growth`, `overlaps` loops over many texts · `captures`, `hits` what counts as said · `phrase`
Judging       `spans`, `truth` the algebra · `corpus` transcripts as columns · `heard` words in them · `case` one pack on one
              corpus · `occasions` when · `conditions`, `measures`, `compare`, `recall`, `repetition` what · `windows` where ·
              `said`, `looks` whether words were said there · `judge`, `verdict_tables` findings ·
              `scoring` scores, with people's word · `diff`, `changes` before and after
Tools         `examples` mini-dialogues · `lint` · `coverage` · `explain`, `chinese` · `schema` · `trace` why
"""
