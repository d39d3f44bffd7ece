"""The report page is whole, right, safe and needs nothing but itself."""

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import polars as pl
import pytest
import vl_convert

from scripts.fanfold.report_page import (
    duration,
    failed_tasks,
    failure_reasons,
    headline,
    memory,
    moment,
    resources_by_scenario,
    success_table,
    task_sources,
    write_report,
)

NASTY = '<b onclick="x">&\'</script><script>alert(1)</script>'
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CALL = {
    "started": "2026-01-31T12:00:00Z",
    "command": "snakemake --profile local",
    "user": "alice",
    "host": "laptop",
    "commit": COMMIT,
    "dirty": True,
    "versions": {"fanfold": "0.1.0", "snakemake": "9.14.1", "python": "3.12.4"},
}
SCHEMA = {
    "task": pl.String,
    "state": pl.String,
    "scenario": pl.String,
    "run": pl.String,
    "seed": pl.Int64,
    "index": pl.Int64,
    "job": pl.String,
    "status": pl.String,
    "reason": pl.String,
    "exit_code": pl.Int64,
    "attempts": pl.Int64,
    "seconds": pl.Float64,
    "peak_memory_mb": pl.Float64,
    "started": pl.String,
    "host": pl.String,
    "digest": pl.String,
    "definition": pl.String,
    "commit": pl.String,
    "log_tail": pl.String,
}


def task_table(states=("CA", "NY"), scenarios=("base", "less"), seeds=3, failing=()):
    """Return one row per task; `failing` are the indexes of the tasks that failed."""
    places = [(a, b, c) for a in states for b in scenarios for c in range(seeds)]
    rows = []
    for index, (state, scenario, seed) in enumerate(places):
        run = f"{scenario or 'run'}-s{seed}"
        failed = index in failing
        rows.append(
            {
                "task": f"{state}/{run}",
                "state": state,
                "scenario": scenario,
                "run": run,
                "seed": seed,
                "index": index,
                "job": "j0",
                "status": "failed" if failed else "done",
                "reason": "exit code 3" if failed else None,
                "exit_code": 3 if failed else 0,
                "attempts": 2 if failed else 1,
                "seconds": 1800.0 * (index + 1),
                "peak_memory_mb": 100.0 * (index + 1),
                "started": f"2026-01-31T12:00:{index % 60:02d}Z",
                "host": "node1",
                "digest": "d" * 8,
                "definition": "e" * 8,
                "commit": COMMIT,
                "log_tail": f"step {index}\n{NASTY}" if failed else None,
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def timeline(states=("CA", "NY"), scenarios=("base", "less"), days=4):
    """Return a combined table with one row per state, scenario, run and day."""
    return pl.DataFrame(
        [
            {"state": state, "scenario": scenario, "seed": seed, "run": f"{scenario}-s{seed}"}
            | {"day": day, "infections": 10.0 * day + seed}
            for state in states
            for scenario in scenarios
            for seed in range(3)
            for day in range(days)
        ],
        schema_overrides={"scenario": pl.String},
    )


def page_of(folder, tasks, tables=None, **options):
    """Write a report of tables in memory; return the page's text."""
    tasks.write_parquet(folder / "tasks.parquet")
    paths = {}
    for number, (name, table) in enumerate((tables or {}).items()):
        paths[name] = folder / f"{number}.parquet"
        table.write_parquet(paths[name])
    settings = {
        "title": "seir / main",
        "provenance": {"experiment": "seir", "launch": "main", "calls": [CALL], "definitions": {}},
        "experiment": {"name": "seir", "launch": "main", "states": ["CA"], "scenarios": {}},
    }
    report = folder / "report" / "report.html"
    write_report(report, tasks=folder / "tasks.parquet", tables=paths, **settings | options)
    return report.read_text(encoding="utf-8")


def specs_of(page):
    """Return the Vega-Lite specifications inside a page."""
    packed = re.findall(r'class="spec">([A-Za-z0-9+/=]+)</script>', page)
    return [json.loads(gzip.decompress(base64.b64decode(text))) for text in packed]


class Page(HTMLParser):
    """Collects the elements of a page, and checks that they are nested properly."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def words(self):
        """Return what a reader sees, with single spaces."""
        return " ".join(" ".join(self.text).split())


def test_the_page_says_what_ran_and_how_it_went(tmp_path):
    text = Page(page_of(tmp_path, task_table(failing={4}), {"timeline": timeline()})).words()
    for expected in (
        "seir / main",
        "2 states × 6 runs, 12 tasks",
        "11 tasks done",
        "1 task failed",
        "39 h model time in all tasks",
        "6 h longest task: NY/less-s2",
        "1.2 GB peak memory: NY/less-s2",
        "CA 3/3 2/3 5/6",
        "CA/less-s1 exit code 3",
        "snakemake --profile local",
        "2026-01-31 12:00 UTC",
        "alice, laptop",
        f"{COMMIT} with local changes",
        "fanfold 0.1.0, snakemake 9.14.1, python 3.12.4",
        "tasks/<state>/<run>/",
    ):
        assert expected in text


def test_the_page_loads_nothing_from_a_network(tmp_path):
    text = page_of(tmp_path, task_table(failing={1}), {"timeline": timeline()})
    page = Page(text)
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
    policies = [element["content"] for tag, element in page.elements if "http-equiv" in element]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none';")
    assert "http" not in policies[0]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert "@import" not in style
    assert "url(" not in style
    own_script = text.rsplit("<script>", 1)[1]
    assert "http" not in own_script
    assert "fetch" not in own_script
    for spec in specs_of(text):
        assert '"url"' not in json.dumps(spec)


def test_every_table_has_a_chart_that_draws(tmp_path):
    tables = {
        "timeline": timeline(),
        "final": timeline(days=1).drop("day"),
        "by_age": timeline().with_columns(day=pl.format("age {}", "day")),
        "empty": timeline().clear(),
    }
    text = page_of(tmp_path, task_table(), tables)
    specs = specs_of(text)
    assert len(specs) == 3
    for spec in specs:
        assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
    words = Page(text).words()
    assert "It has no rows. combined/empty.parquet" in words


def test_names_and_logs_with_html_characters_are_shown_and_not_run(tmp_path):
    text = page_of(
        tmp_path,
        task_table(states=(NASTY,), scenarios=(NASTY,), failing={0}),
        {NASTY: timeline(states=(NASTY, "CA"), scenarios=(NASTY,))},
        title=NASTY,
        experiment={"name": NASTY, "states": [NASTY], "scenarios": {NASTY: {}}},
    )
    assert NASTY not in text
    assert "alert(1)</script>" not in text
    page = Page(text)
    assert not any("onclick" in attributes for _, attributes in page.elements)
    assert page.words().count("alert(1)") > 5
    (spec,) = specs_of(text)
    vl_convert.vegalite_to_svg(spec)


def test_experiments_without_scenarios_have_one_column(tmp_path):
    tasks = task_table(scenarios=(None,), failing={1})
    text = page_of(tmp_path, tasks, {"timeline": timeline(scenarios=(None,))})
    words = Page(text).words()
    assert "State all runs all 2 states 5/6 CA 2/3 NY 3/3" in words
    assert len(specs_of(text)) == 1


def test_a_launch_without_tasks_or_calls_still_has_a_page(tmp_path):
    text = page_of(tmp_path, task_table(states=()), provenance={}, experiment={})
    words = Page(text).words()
    assert "0 states × 0 runs, 0 tasks" in words
    assert "– longest task" in words
    assert "No task has a record yet." in words
    assert "vegaEmbed" not in text


def test_only_the_first_failed_tasks_are_listed(tmp_path):
    tasks = task_table(seeds=30, failing=set(range(100)))
    page = Page(page_of(tmp_path, tasks, failed_shown=50))
    listed = [element for element in page.elements if element[1].get("class") == "task"]
    assert len(listed) == 50
    assert "The first 50 of 100; all are in failed_tasks.csv" in page.words()


def test_earlier_calls_are_listed_newest_first(tmp_path):
    calls = [CALL | {"command": f"snakemake call{number}"} for number in range(3)]
    calls[0] |= {"commit": None, "dirty": False}
    words = Page(page_of(tmp_path, task_table(), provenance={"calls": calls})).words()
    assert words.index("call2") < words.index("2 earlier calls") < words.index("call1")
    assert words.index("call1") < words.index("call0")
    assert "not in a git repository" in words


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path):
    before = page_of(tmp_path, task_table())
    with pytest.raises(FileNotFoundError):
        write_report(
            tmp_path / "report" / "report.html",
            title="new",
            tasks=tmp_path / "absent.parquet",
            tables={},
            provenance={},
            experiment={},
        )
    assert (tmp_path / "report" / "report.html").read_text(encoding="utf-8") == before
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["report.html"]


def test_success_is_counted_by_state_and_scenario():
    tasks = task_table(failing={0, 3}).filter(
        (pl.col("state") != "NY") | (pl.col("scenario") != "less")
    )
    table = success_table(tasks.lazy(), ["less", "base"])
    assert table["scenarios"] == ["less", "base"]
    assert table["rows"][0]["cells"] == [{"done": 2, "total": 3}, {"done": 2, "total": 3}]
    assert table["rows"][1]["cells"] == [None, {"done": 3, "total": 3}]
    assert table["total"]["total"] == {"done": 7, "total": 9}


def test_the_headline_counts_and_names_the_heaviest_tasks():
    found = headline(task_table(failing={4}).lazy())
    assert (found["tasks"], found["done"], found["failed"], found["retried"]) == (12, 11, 1, 1)
    assert found["hours"] == 39
    assert found["longest"] == {"task": "NY/less-s2", "seconds": 21600.0}
    assert found["largest"] == {"task": "NY/less-s2", "peak_memory_mb": 1200.0}


def test_resources_are_summed_up_by_scenario():
    base, less = resources_by_scenario(task_table(seeds=2).lazy(), ["base"])
    assert (base["scenario"], less["scenario"]) == ("base", "less")
    assert base["seconds_median"] == 1800 * 3.5
    assert base["peak_memory_mb_95"] == pytest.approx(585)
    assert less["seconds_max"] == 1800 * 8


def test_failures_are_grouped_by_reason_and_their_logs_cut():
    tasks = task_table(failing={1, 2, 5}).with_columns(
        reason=pl.when(pl.col("index") == 5).then(pl.lit("timeout")).otherwise("reason"),
        log_tail=pl.when(pl.col("index") == 1).then(pl.lit("line\n" * 99 + "last")),
    )
    assert failure_reasons(tasks.lazy()) == [
        {"reason": "exit code 3", "tasks": 2},
        {"reason": "timeout", "tasks": 1},
    ]
    first, second = failed_tasks(tasks.lazy(), 2)
    assert first["log_tail"] == "line\n" * 39 + "last"
    assert second["log_tail"] == ""


def test_tasks_are_traced_to_what_they_were_made_from():
    tasks = task_table().with_columns(
        commit=pl.when(pl.col("index") < 4).then("commit").otherwise(None)
    )
    assert [(source["commit"], source["tasks"]) for source in task_sources(tasks.lazy())] == [
        (COMMIT, 4),
        (None, 8),
    ]


def test_numbers_and_times_are_written_for_readers():
    assert [duration(seconds) for seconds in (None, 0, 0.4321, 90, 725, 86400, 864000)] == [
        "–",
        "0 s",
        "0.432 s",
        "90 s",
        "12.1 min",
        "24 h",
        "10 d",
    ]
    assert [memory(mb) for mb in (None, 5, 512.4, 1536)] == ["–", "5 MB", "512 MB", "1.54 GB"]
    assert [moment(text) for text in (None, "2026-01-31T12:00:00+01:00", "soon")] == [
        "–",
        "2026-01-31 11:00 UTC",
        "soon",
    ]


def test_a_browser_draws_the_charts_and_runs_nothing_else(tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        reason = "no Chromium here"
        pytest.fail(reason) if os.environ.get("FANFOLD_REQUIRE_ALL") == "1" else pytest.skip(reason)
    tables = {
        "timeline": timeline(states=(NASTY, "CA"), scenarios=(NASTY,)),
        "final": timeline(days=1).drop("day"),
    }
    page_of(tmp_path, task_table(), tables)
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    command += ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    command += ["--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--virtual-time-budget=10000", "--dump-dom"]
    command += [(tmp_path / "report" / "report.html").as_uri()]
    drawn = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert drawn.count('<svg xmlns="http://www.w3.org/2000/svg"') == 2
    assert "cannot be drawn" not in drawn.split("<script>")[0]
    assert '<b onclick="x">' not in drawn
