"""What every process of a rescore has loaded before its first date. The fork server imports this once; they are its copies.

Beside the modules, these are the dictionaries and the kernels that only the first texts would have loaded: more than a second
for each process.
"""

import gc

import pyarrow as pa

from qa_pipeline.kernels import WORTH_LOADING, ahead
from qa_pipeline.processes import without_pandas
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.phrase import Phrase
from qa_pipeline.verdicts import rescoring, trial

__all__ = ["rescoring", "trial"]


def load() -> None:
    """Texts folded and searched by the kernels, where these were compiled before."""
    pa.set_cpu_count(1)  # threads would not survive a fork
    with ahead(WORTH_LOADING), without_pandas():
        Matcher([Phrase("greeting", ("您好",))]).find(["您好,请稍等"])
    gc.freeze()  # it is there for good: what is looked through for refuse is what came since


try:
    load()
except Exception as problem:
    raise ImportError("not loaded ahead") from problem  # which the server passes over: who needs it will say what is wrong
