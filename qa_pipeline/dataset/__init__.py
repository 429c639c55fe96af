"""What is kept: `schemas` the Arrow schemas of the tables, `parts` one Parquet file a partition, replaced in one step."""
