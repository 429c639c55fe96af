"""How the packs judge scripted calls, against the verdicts that a person expects of them.

    python tests/benchmarks/scripts.py [--pack ID] [--rules FOLDER] [FOLDER …]

Each FOLDER (data/samples/scripts where none is given) holds YAML scripts with turns, records, events and `expected`. They are
read as transcripts made elsewhere are, without their `scenario` labels: what a call is about must be heard in its words.
`unsure` counts as `na`.
"""

from __future__ import annotations

import argparse
import collections
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from qa_pipeline import shipped
from qa_pipeline.config import Config
from qa_pipeline.exchange.import_form import transcript_of
from qa_pipeline.rules.examples import tables_of
from qa_pipeline.rules.pack import RulePack, load_packs, read_pack
from qa_pipeline.verdicts.judging import verdict_tables

SCRIPTS = Path(__file__).parents[2] / "data/samples/scripts"
RECORD = {"direction", "answered", "recording_starts", "department", "agent_id", "end_reason", "caller_number"}
NOT_FIELDS = RECORD | {
    *("local_time", "channels", "answer_at", "ring_seconds", "scenario", "holds", "transfers", "hangup_party", "hangup_at"),
    *("duration", "acoustics"),
}


def ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def imported(script: dict[str, Any]) -> dict[str, Any]:
    """The script in the form that `qa import` reads."""
    told = script["metadata"]
    sound = told.get("acoustics", {})
    return {
        **{k: told.get(k) for k in RECORD},
        **{"call_id": script["id"], "pack": script["pack"], "started_at": told["local_time"], "n_channels": told["channels"]},
        **{"answered_ms": ms(told["answer_at"]), "ring_ms": ms(told["ring_seconds"]), "ended_ms": ms(told["hangup_at"])},
        **{"duration_ms": ms(told["duration"]), "hangup_by": told["hangup_party"]},
        **{k: sound.get(k) for k in ("agent_level_dbfs", "agent_snr_db")},
        "holds": [{"start_ms": ms(h["start"]), "end_ms": ms(h["end"])} for h in told["holds"]],
        "transfers": [{"at_ms": ms(t["at"]), **{k: v for k, v in t.items() if k != "at"}} for t in told["transfers"]],
        "fields": {k: v for k, v in told.items() if k not in NOT_FIELDS},
        "turns": [turn(t, sound.get("agent_asr_conf")) for t in script["turns"]],
        "events": [event(e) for e in script["events"]],
    }


def turn(told: dict[str, Any], confidence: float | None) -> dict[str, Any]:
    who = told.get("speaker")
    return {
        "speaker": "ivr" if who == "ivr" else told["role"],
        **{"start_ms": ms(told["start"]), "end_ms": ms(told["end"]), "text": told["text"]},
        **({"agent_id": who} if who and who != "ivr" else {}),
        **({"addressee": "colleague"} if told.get("aside") or told.get("leg") == "consult" else {}),
        **({"confidence": confidence} if confidence is not None and told["role"] == "agent" else {}),
    }


def event(told: dict[str, Any]) -> dict[str, Any]:
    seen = {"kind": told["type"], "channel": told["channel"], "start_ms": ms(told["start"]), "end_ms": ms(told["end"])}
    return {**seen, **{k: told[k] for k in ("label", "peak_dbfs") if k in told}}


def read_scripts(folders: Iterable[Path]) -> list[dict[str, Any]]:
    return [yaml.safe_load(p.read_text("utf-8")) for folder in folders for p in sorted(folder.glob("*.yaml"))]


def shipped_or(rules: Path | None, pack: str | None) -> dict[str, RulePack]:
    """The packs of a folder (the shipped one), or one of them: the others may be half written."""
    folder = rules or shipped.packs()
    return load_packs(folder) if pack is None else {pack: read_pack(folder / f"{pack}.yaml")}


def findings_of(scripts: Iterable[dict[str, Any]], packs: Mapping[str, RulePack]) -> dict[tuple[str, str], dict[str, Any]]:
    """The first leg's findings by call and rule."""
    config = Config(Path())
    tables = tables_of(transcript_of(imported(script), config, packs) for script in scripts)
    rows = verdict_tables(tables, packs)["findings"].to_pylist()
    return {(row["call_id"], row["rule_id"]): row for row in rows if row["leg"] == 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[SCRIPTS])
    parser.add_argument("--pack")
    parser.add_argument("--rules", type=Path)
    args = parser.parse_args()
    packs = shipped_or(args.rules, args.pack)
    scripts = [s for s in read_scripts(args.folders) if s["pack"] in packs]
    found = findings_of(scripts, packs)
    right = total = unsure = 0
    wrong: dict[str, list[str]] = collections.defaultdict(list)
    for script in scripts:
        for rule, wanted in script["expected"].items():
            row = found.get((script["id"], rule))
            verdict = row["verdict"] if row else "missing"
            total, unsure = total + 1, unsure + (verdict == "unsure")
            if wanted == ("na" if verdict == "unsure" else verdict):
                right += 1
            else:
                wrong[rule].append(f"{script['id']}: expected {wanted}, judged {verdict} ({row and row['reason']})")
    print(f"{right} of {total} (call, rule) pairs agree ({100 * right / max(1, total):.1f} %); goal 99 %")
    print(f"{unsure} unsure ({100 * unsure / max(1, total):.1f} %); goal at most 3 %")
    for rule, lines in sorted(wrong.items()):
        print(f"  {rule}")
        for line in lines:
            print(f"    {line}")


if __name__ == "__main__":
    main()
