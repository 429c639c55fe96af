"""Call quality for Chinese phone calls. Audio becomes transcripts once; rules judge transcripts as often as they change.

Nouns     `model` frozen values · `errors` what can go wrong and where · `settings`, `config` qa.toml · `shipped`
Rooms     `recordings` what was recorded → `speech` what was said → `dataset` what is kept → `rules` what is expected →
          `review` what people see; `text` how words are compared, `forms` how calls from elsewhere are written
Work      `night` top to bottom, of the parts in `batch` · `exchange` calls from and to elsewhere · `verdicts` stored words to
          stored verdicts · `upkeep` status, repair, retention
Commands  `cli`, thin
Speed     `kernels` inner loops, compiled · `processes` what those of a command have in common
"""
