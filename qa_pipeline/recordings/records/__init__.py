"""What the phone system wrote down about a call (CDR). What is missing stays missing.

`record` the noun, `tables` files as rows of cells, `cells` one cell as a value, `columns` rows under our own names, `mapping`
anybody's columns by `qa.toml`, `asterisk` Master.csv, `cel` channel events, `freeswitch` JSON and XML, `endpoints` whose phone
a channel is, `read` all files at hand, `join` which recording a record belongs to, `roster` who the agents are.
"""
