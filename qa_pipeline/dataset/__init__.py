"""What is kept.

`schemas` the Arrow schemas of the tables, `rows` nouns as rows, `parts` one Parquet file a partition, replaced in one step,
`tables` partitions read and calls replaced in them, `agents` who they are, `lineage` versions of transcripts, `ledger` what
happened to each recording and what is not yet sealed, `writer` one writer at a time.
"""
