"""What is kept.

`schemas` the Arrow schemas of the tables, `migrate` those of older versions, `rows` nouns as rows, `store` where a dataset
lies (a folder, S3), `parts` one Parquet file a partition, replaced in one step, `encodings` how columns lie in a file, `names`
looked up in columns, `tables` partitions read and calls replaced in them, `agents` who they are, `lineage` versions of
transcripts, `check` whether all of it is as it should be.

`history` verdicts that were superseded, `published` the packs in force, `dry_runs` what an edit would change.

`ledger` what happened to each recording and what is not yet sealed, `people` what was said of verdicts, `writer` one writer
at a time.
"""
