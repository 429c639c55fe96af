"""Call quality for Chinese phone calls. Audio becomes transcripts once; rules judge transcripts as often as they change.

Nouns         `model` frozen values · `errors` what can go wrong and where · `settings`, `config` qa.toml · `shipped`
Rooms         `recordings` what was recorded → `speech` what was said → `dataset` what is kept → `rules` what is expected →
              `review` what people see; `text` how words are compared, `forms` how calls from elsewhere are written
The night     `night` top to bottom · `backlog` which recordings, in which order · `claims` who goes first · `moved` those that
              lie elsewhere now · `front` all but the words, in processes of its own · `heard` what sound and words tell ·
              `late` records that come later · `progress`, `reporting` how far, and what was done · `disk`, `heap` room for it ·
              `exporting` transcripts to elsewhere
From elsewhere  `importing`, by `import_form` and `import_record`
Verdicts      `judging` stored words to stored verdicts · `rejudging` one date again · `rescoring` all dates, as a dry run or
              applied · `trial` one rule · `in_force` which packs · `cores` dates shared among processes · `kernels` inner loops
Keeping       `status` · `repairing` · `retention` · `backups` · `doctor` what this machine can do
Commands      `cli` and a sibling for each group of them, thin
"""
