"""What every process of a rescore has loaded before its first date. The fork server imports this once; they are its copies.

Beside the modules, these are the dictionaries and the kernels that only the first texts would have loaded: more than a second
for each process.
"""

import gc
from importlib import import_module

MODULES = ("qa_pipeline.verdicts.rescoring", "qa_pipeline.verdicts.trial")
"""Where the work that is handed out is defined."""


def load() -> None:
    """The modules, and texts folded and searched by the kernels, where these were compiled before.

    All of it is there for good. So it is not looked through for refuse meanwhile, which took a seventh of the time, nor later.
    """
    gc.disable()
    try:
        for name in MODULES:
            import_module(name)
        _search()
        gc.freeze()
    finally:
        gc.enable()


def _search() -> None:
    import pyarrow as pa

    from qa_pipeline.kernels import WORTH_LOADING, ahead
    from qa_pipeline.processes import without_pandas
    from qa_pipeline.rules.hits import Matcher
    from qa_pipeline.rules.phrase import Phrase

    pa.set_cpu_count(1)  # threads would not survive a fork
    with ahead(WORTH_LOADING), without_pandas():
        Matcher([Phrase("greeting", ("您好",))]).find(["您好,请稍等"])


try:
    load()
except Exception as problem:
    raise ImportError("not loaded ahead") from problem  # which the server passes over: who needs it will say what is wrong
