"""Which packs judge: those that were published. A project's rules/ folder is the draft of the next, until it is published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qa_pipeline.dataset.published import kept_rules, publish, published
from qa_pipeline.errors import Place
from qa_pipeline.rules.pack import RulePack, load_packs

if TYPE_CHECKING:
    from qa_pipeline.config import Config

CACHE = ".rules"
"""In the project: published packs of a dataset that lies elsewhere, and compiled plans."""
PLANS = f"{CACHE}/plans"


def packs_in_force(config: Config) -> dict[str, RulePack]:
    """The published packs; in a project that has published none yet, its rules/. Raises as `draft_packs`, and DatasetError."""
    found = published(config.dataset)
    return _packs(config, kept_rules(config.dataset, found.hash, config.root / CACHE)) if found else draft_packs(config)


def draft_packs(config: Config) -> dict[str, RulePack]:
    """Those in rules/. Raises PackError, and ConfigError where the settings name a pack that is not among them."""
    return _packs(config, config.rules)


def _packs(config: Config, folder: Path) -> dict[str, RulePack]:
    from qa_pipeline.config import FILE, ConfigError, pack_problems  # the processes of a rescore need no settings

    packs = load_packs(folder)
    if problems := pack_problems(config.packs, sorted(packs)):
        raise ConfigError("; ".join(problems), Place(str(config.root / FILE)))
    return packs


def publish_first(config: Config) -> None:
    """What a project's first night judges with is published by that. Only for who holds the writer's lock."""
    if published(config.dataset) is None:
        publish(config.dataset, config.rules)
