"""What people see, on a terminal, as data, or as one HTML file.

`scorecard` an agent over a period, `annotated` one call, `changes` what a rule edit would do, `trials` what one rule finds,
`past` how a verdict came to be; `words` how reasons and times are said, `terminal` and `export` how they are shown.
"""
