"""The command `qa`: thin commands over the modules; heavy imports stay inside the command that needs them.

All of them   `commands` · `exits` codes
To begin      `projects` init, a project opened · `demo` · `doctor`
Calls         `night` run, transcribe · `exchange` import
Review        `cards` scorecard, show · `marks` people's verdicts
Rules         `rules` check, test, try, explain … · `rescore`, with its `outcomes`
Keeping       `keep` status, retry, backup, prune, forget, dataset
"""

from qa_pipeline.cli.commands import main

__all__ = ["main"]
