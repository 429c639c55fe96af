"""Which packs judge: those that were published. A project's rules/ folder is the draft of the next, until it is published."""

from __future__ import annotations

from qa_pipeline.config import Config
from qa_pipeline.dataset.published import kept_rules, publish, published
from qa_pipeline.rules.pack import RulePack, load_packs

CACHE = ".rules"
"""In the project: published packs of a dataset that lies elsewhere."""


def packs_in_force(config: Config) -> dict[str, RulePack]:
    """The published packs; in a project that has published none yet, its rules/. Raises PackError and DatasetError."""
    found = published(config.dataset)
    folder = kept_rules(config.dataset, found.hash, config.root / CACHE) if found else config.rules
    return load_packs(folder)


def publish_first(config: Config) -> dict[str, RulePack]:
    """As `packs_in_force`, and what a first night judges with is published by that. Only for who holds the writer's lock."""
    packs = packs_in_force(config)
    if published(config.dataset) is None:
        publish(config.dataset, config.rules)
    return packs
