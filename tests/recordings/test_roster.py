"""Who the agents are, and from when to when."""

from datetime import date
from pathlib import Path

from qa_pipeline.recordings.records.record import CallRecord, RecordError
from qa_pipeline.recordings.records.roster import Agent, Roster, read_roster

MOVED = "agent_id,name,team,valid_from,valid_to\n7,张敏,一组,2024-01-01,2024-05-14\n7,张敏,二组,2024/5/15,\n"


def read(folder: Path, text: str) -> tuple[Roster, list[str]]:
    problems: list[RecordError] = []
    (folder / "agents.csv").write_text(text, "utf-8")
    roster = read_roster(folder / "agents.csv", problems)
    return roster, [str(p).rpartition("agents.csv:")[2] for p in problems]


def test_a_team_is_that_of_the_day(tmp_path: Path) -> None:
    roster, said = read(tmp_path, MOVED)
    days = [date(2024, 1, 1), date(2024, 5, 14), date(2024, 5, 15), date(2023, 12, 31)]
    assert [roster.team_of("7", day) for day in days] == ["一组", "一组", "二组", None]
    assert (roster.team_of("8", days[0]), roster.team_of(None, days[0]), said) == (None, None, [])


def test_bad_rows_are_named_and_the_others_stand(tmp_path: Path) -> None:
    roster, said = read(tmp_path, MOVED + "7,李雷,,2024-02-01,\n,x,,,\n8,王芳,,soon,\n")
    assert said == [
        "4: agent 7 is 李雷 and 张敏 at the same time; the first stands",
        "5: expected an agent_id, found none; the row is left out",
        "6: valid_from: expected a day such as 2024-05-14, found 'soon'; it is left open",
    ]
    assert [a.agent_id for a in roster.agents] == ["7", "7", "8"]


def test_a_table_of_something_else_is_one_problem(tmp_path: Path) -> None:
    assert read(tmp_path, "who,what\n1,2\n")[1] == ["1: expected a column agent_id or 工号, found who, what"]


def test_names_of_call_records_fill_what_the_roster_lacks() -> None:
    records = [CallRecord("a", agent_id="7", agent_name="错"), CallRecord("b", agent_id="9", agent_name="李雷", team="三组")]
    roster = Roster((Agent("7", "张敏"),)).with_names_of(records)
    assert [(a.agent_id, a.name, a.team) for a in roster.agents] == [("7", "张敏", None), ("9", "李雷", "三组")]
