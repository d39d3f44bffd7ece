"""Each task counts once, with the results of what it is now; what is missing is an error."""

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from scripts.check_tasks import check_tasks
from scripts.combine_state import combine_state
from scripts.fanfold.call import Call
from scripts.fanfold.checking import (
    SCHEMA,
    collect_records,
    describe_failures,
    write_failed,
)
from scripts.fanfold.combining import stack_jobs
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.records import Record, read_records, write_records
from scripts.fanfold.retries import file_of, read_retries
from scripts.run_listed import run_listed
from scripts.run_tasks import run_tasks
from scripts.write_plan import write_plan
from tests.conftest import run

#: Fails while the file `broken` in the current folder names the task.
MODEL = """
if grep -qx "$FANFOLD_TASK" "$BROKEN"; then echo "it broke" >&2; exit 3; fi
printf 'value\\n%s\\n' "$FANFOLD_INDEX" > out.csv
"""
PLAN, RECORDS = "plan/tasks.csv", "records/{}/{}.jsonl"


class Launch:
    """A launch without Snakemake: plan, run, retry, check, combine."""

    def __init__(self, design, broken=()):
        self.design = design
        self.results = Path(design.results)
        self.break_tasks(*broken)
        write_plan(Call(design), self.results / PLAN)
        run(design)

    def break_tasks(self, *names):
        Path("broken").write_text("".join(f"{name}\n" for name in names))

    def jobs(self, state):
        retries = [retry.name for retry in read_retries(Call(self.design)) if retry.state == state]
        return [*self.design.jobs_of(state), *retries]

    def record_files(self):
        return [
            self.results / RECORDS.format(state, job)
            for state in self.design.states
            for job in self.jobs(state)
        ]

    def check(self):
        return check_tasks(
            Call(self.design),
            self.results / PLAN,
            self.record_files(),
            self.results / "combined/tasks.parquet",
        )

    def retry(self):
        """Run the retry jobs that have no record yet; return how many tasks they hold."""
        count = 0
        for retry in read_retries(Call(self.design)):
            record = self.results / RECORDS.format(retry.state, retry.name)
            if not record.exists():
                plan = self.results / f"plan/listed/{retry.state}/{retry.name}.json"
                plan.parent.mkdir(parents=True, exist_ok=True)
                plan.write_text(retry.to_json() + "\n")
                tasks = run_listed(self.design, plan)
                run_tasks(self.design, retry.name, tasks, record, self.tables(retry), None, 1, None)
                count += len(tasks)
        return count

    def tables(self, retry):
        return [self.results / f"tables/out/{retry.state}/{retry.name}.parquet"]

    def combine(self, state="CA"):
        combined = self.results / f"combined/{state}/out.parquet"
        tables = [self.results / f"tables/out/{state}/{job}.parquet" for job in self.jobs(state)]
        combine_state(self.results / "combined/tasks.parquet", state, tables, combined)
        return pl.read_parquet(combined)

    def tasks(self):
        return pl.read_parquet(self.results / "combined/tasks.parquet")


@pytest.fixture
def launch(load, tmp_path, monkeypatch):
    """Return a function that runs 12 tasks in 8 jobs, some of them broken."""
    monkeypatch.setenv("BROKEN", str(tmp_path / "broken"))

    def launch(*broken, **keys):
        given = {
            "states": ["CA", "NY"],
            "scenarios": {"low": {}, "high": {"x": 1}},
            "runs": {"seeds": 3},
            "command": "sh model.sh",
            "outputs": {"out": {"path": "out.csv", "table": True}},
            "tasks_per_job": 2,
        }
        return Launch(load({"model.sh": MODEL}, **given | keys), broken)

    return launch


# Checking


def test_all_tasks_stand_in_one_table_in_the_order_of_the_plan(launch):
    done = launch()
    assert done.check() == 0
    tasks = done.tasks()
    assert tasks["task"].to_list() == [task.name for task in done.design.all_tasks()]
    assert tasks.schema == pl.Schema(SCHEMA)
    assert set(tasks["status"]) == {"done"}
    assert tasks["index"].to_list() == [1, 2, 3] * 4
    assert (done.results / "failed_tasks.csv").read_text().count("\n") == 1, "only a header"


def test_the_columns_of_the_table_have_the_types_of_a_record():
    kinds = {pl.String: str, pl.Int64: int, pl.Float64: float}
    assert {name: kinds[kind] for name, kind in SCHEMA.items()} == {
        name: next(kind for kind in (str, int, float) if kind.__name__ in str(annotation))
        for name, annotation in Record.__annotations__.items()
    }


def test_a_failed_task_fails_the_check_and_says_where_to_look(launch):
    broken = launch("CA/low-s2", "NY/high-s3")
    with pytest.raises(FanfoldError) as caught:
        broken.check()
    results = "results/trial/main"
    assert str(caught.value).splitlines() == [
        "2 of 12 tasks failed:",
        f"CA/low-s2: exit code 3  (log: {results}/tasks/CA/low-s2/task.log)",
        "    | it broke",
        f"NY/high-s3: exit code 3  (log: {results}/tasks/NY/high-s3/task.log)",
        "    | it broke",
        f"All of them: {results}/failed_tasks.csv. "
        "Call snakemake again to run only these tasks again.",
    ]
    failed = pl.read_csv(broken.results / "failed_tasks.csv")
    assert failed["task"].to_list() == ["CA/low-s2", "NY/high-s3"]
    assert failed["exit_code"].to_list() == [3, 3]
    assert not (broken.results / "combined/tasks.parquet").exists()


@pytest.mark.parametrize(("tolerate", "fine"), [(0, 0), (1, 0), (2, 1), ("16%", 0), ("17%", 1)])
def test_so_many_failures_are_tolerated(launch, tolerate, fine):
    broken = launch("CA/low-s2", "NY/high-s3", failures={"tolerate": tolerate})
    if fine:
        assert broken.check() == 2
        assert broken.tasks().filter(status="failed")["task"].to_list() == [
            "CA/low-s2",
            "NY/high-s3",
        ]
        assert read_retries(Call(broken.design)) == []
        assert sorted(broken.combine("CA")["seed"]) == [1, 1, 2, 3, 3]
    else:
        with pytest.raises(FanfoldError, match="2 of 12 tasks failed"):
            broken.check()


def test_only_some_of_many_failures_are_shown():
    rows = [{"task": f"CA/{number}", "reason": "why", "log_tail": None} for number in range(12)]
    lines = describe_failures(pl.DataFrame(rows, schema_overrides={"log_tail": pl.String}), "t")
    assert lines.splitlines()[0] == "CA/0: why  (log: t/CA/0/task.log)"
    assert lines.splitlines()[10:] == ["... and 2 more"]


def test_a_task_without_a_record_is_an_error_that_names_it(launch):
    done = launch()
    path = done.results / RECORDS.format("CA", "low-1-2")
    write_records(path, read_records(path)[:1])
    with pytest.raises(
        FanfoldError, match=r"^1 tasks have no current record: CA/low-s2; delete their records"
    ):
        done.check()


def test_a_record_of_what_a_task_was_is_an_error(launch):
    done = launch()
    path = done.results / RECORDS.format("NY", "high-1-2")
    write_records(path, [replace(record, digest="old") for record in read_records(path)])
    with pytest.raises(FanfoldError, match=r"^2 tasks have no current record: NY/high-s1, NY/high"):
        done.check()


def test_of_several_records_one_that_is_done_counts_else_the_latest(launch, tmp_path):
    done = launch()
    (record, _) = read_records(done.results / RECORDS.format("CA", "low-1-2"))
    plan = tmp_path / "plan.csv"
    text = (done.results / PLAN).read_text().splitlines()
    plan.write_text("\n".join(text[:2]) + "\n")

    def chosen(*records):
        write_records(tmp_path / "r.jsonl", records)
        return collect_records(plan, [tmp_path / "r.jsonl"])["job"].item()

    def made(job, status, started):
        return replace(record, job=job, status=status, started=f"2026-01-0{started}")

    assert chosen(made("a", "done", 1), made("b", "failed", 2)) == "a"
    assert chosen(made("a", "failed", 3), made("b", "done", 2)) == "b"
    assert chosen(made("a", "failed", 2), made("b", "failed", 1)) == "a"
    assert chosen(made("a", "failed", 1), made("b", "failed", 1)) == "b"
    assert chosen(made("a", "done", 1), made("b", "done", 2)) == "b"


def test_the_list_of_failed_tasks_can_hold_any_text(tmp_path, launch):
    launch()
    record = read_records(Path("results/trial/main", RECORDS.format("CA", "low-1-2")))[0]
    bad = replace(record, status="failed", reason='a,"b"\nc', log_tail="é\n,;")
    table = pl.DataFrame([bad], schema=SCHEMA)
    assert write_failed(table, tmp_path / "f.csv").height == 1
    assert pl.read_csv(tmp_path / "f.csv")["reason"].item() == 'a,"b"\nc'


# Retries


def test_retries_hold_the_failed_tasks_and_nothing_else(launch):
    broken = launch("CA/low-s1", "CA/low-s3", "CA/high-s2", "NY/high-s3")
    with pytest.raises(FanfoldError):
        broken.check()
    retries = [
        (retry.name, retry.state, retry.tasks) for retry in read_retries(Call(broken.design))
    ]
    assert retries == [
        ("retry1-1", "CA", (("low", 1), ("low", 3))),
        ("retry1-2", "CA", (("high", 2),)),
        ("retry1-1", "NY", (("high", 3),)),
    ]
    broken.break_tasks()
    assert broken.retry() == 4
    assert broken.check() == 0
    assert set(broken.tasks()["job"]) >= {"retry1-1", "retry1-2", "low-1-2"}
    rows = broken.combine("CA")
    assert rows.select("scenario", "seed").rows() == [
        ("low", 2),
        ("high", 1),
        ("high", 3),
        ("low", 1),
        ("low", 3),
        ("high", 2),
    ]
    assert rows["value"].to_list() == rows["seed"].to_list()


def test_what_fails_again_is_retried_in_the_next_round(launch):
    broken = launch("CA/low-s1", "CA/low-s2")
    with pytest.raises(FanfoldError):
        broken.check()
    broken.break_tasks("CA/low-s2")
    broken.retry()
    with pytest.raises(FanfoldError, match="1 of 12 tasks failed"):
        broken.check()
    assert [retry.name for retry in read_retries(Call(broken.design))] == ["retry1-1", "retry2-1"]
    broken.break_tasks()
    assert broken.retry() == 1
    assert broken.check() == 0
    assert broken.combine("CA").height == 6


def test_retries_are_forgotten_when_their_job_is_another_one(launch, load):
    broken = launch("CA/low-s1", "NY/low-s1")
    with pytest.raises(FanfoldError):
        broken.check()
    keys = {"states": ["CA"], "scenarios": {"low": {}, "high": {"x": 2}}, "runs": {"seeds": 3}}
    same = {"tasks_per_job": 2, "command": "sh model.sh"}
    assert [retry.state for retry in read_retries(Call(load(**keys, **same)))] == ["CA"]
    assert read_retries(Call(load(**keys | {"scenarios": {"low": {"x": 2}}}, **same))) == []
    assert read_retries(Call(load(**keys | {"scenarios": {"high": {}}}, **same))) == []
    assert read_retries(Call(load(**keys, command="sh model.sh"))) == []


@pytest.mark.parametrize("damage", ["", "[", "{}", "5", '[{"name": 1}]', "[1]"])
def test_damaged_retries_are_as_good_as_none(launch, damage):
    broken = launch("CA/low-s1")
    with pytest.raises(FanfoldError):
        broken.check()
    file_of(Call(broken.design)).write_text(damage)
    assert read_retries(Call(broken.design)) == []


# Combining


def test_the_tables_of_a_states_jobs_are_stacked_in_their_order(launch):
    done = launch()
    done.check()
    rows = done.combine("CA")
    assert rows.columns == ["state", "scenario", "seed", "run", "value"]
    assert rows.select("scenario", "seed").rows() == [
        (scenario, seed) for scenario in ("low", "high") for seed in (1, 2, 3)
    ]


def test_a_task_that_is_in_two_jobs_counts_once(launch):
    """It failed, was retried, and then its own job ran again (its record was lost)."""
    broken = launch("CA/low-s1")
    with pytest.raises(FanfoldError):
        broken.check()
    broken.break_tasks()
    broken.retry()
    run(broken.design)
    assert broken.check() == 0
    rows = broken.combine("CA")
    assert rows.height == 6
    assert rows.select("scenario", "seed").n_unique() == 6


def test_a_table_that_holds_what_a_task_was_is_an_error(launch):
    done = launch()
    done.check()
    tasks = done.results / "combined/tasks.parquet"
    changed = pl.when(pl.col("run") == "low-s2").then(pl.lit("new")).otherwise("digest")
    done.tasks().with_columns(digest=changed).write_parquet(tasks)
    with pytest.raises(
        FanfoldError, match=r"low-1-2\.parquet: does not hold CA/low-s2 as it is now"
    ):
        done.combine("CA")


def test_a_table_that_is_missing_is_an_error(launch):
    done = launch()
    done.check()
    tables = [done.results / f"tables/out/CA/{job}.parquet" for job in done.jobs("CA")]
    combined = done.results / "combined/CA/out.parquet"
    tasks = done.results / "combined/tasks.parquet"
    with pytest.raises(FanfoldError, match=r"^CA: there is no table of the jobs high-3-3$"):
        stack_jobs(tasks, "CA", tables[:-1], combined)
    assert not combined.exists()


def test_a_state_whose_tasks_all_failed_has_no_rows_but_columns(launch):
    names = [f"CA/{name}-s{seed}" for name in ("low", "high") for seed in (1, 2, 3)]
    broken = launch(*names, failures={"tolerate": "50%"})
    assert broken.check() == 6
    assert broken.combine("CA").columns == ["state", "scenario", "seed", "run"]
    assert broken.combine("CA").height == 0
    assert broken.combine("NY").height == 6


def test_the_message_fits_a_person(launch):
    broken = launch("CA/low-s2")
    with pytest.raises(FanfoldError) as caught:
        broken.check()
    assert not re.search(r"Traceback|object at 0x|\[\]", str(caught.value))
