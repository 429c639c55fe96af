"""What is expected: packs of rules, the wordings they listen for, the judge, and the points. Pure: no audio, no clock."""
