"""What runs again: exactly what a change affects, and never because of a file's time."""

import os
import shutil
import time

import pytest

from tests.workflow.conftest import MODEL, once

pytestmark = pytest.mark.workflow
LOW = [f"{state}/low-s{seed}" for state in ("CA", "NY") for seed in (1, 2, 3)]
HIGH = [task.replace("low", "high") for task in LOW]
NOTHING = once()


def test_a_second_call_does_nothing(finished):
    assert finished.run() == NOTHING
    assert "Nothing to be done" in finished.said


def test_touching_every_file_runs_nothing_again(finished):
    later = time.time() + 100
    for path in [*finished.folder.glob("exp/**/*"), *finished.folder.glob("scripts/**/*.py")]:
        os.utime(path, (later, later))
    assert finished.run() == NOTHING


def test_a_fresh_clone_beside_the_results_runs_nothing_again(finished, tmp_path):
    finished.commit()
    clone = tmp_path / "clone"
    finished.git("clone", "-q", str(finished.folder), str(clone))
    for name in ("results", ".snakemake"):
        shutil.move(finished.folder / name, clone / name)
    finished.folder, finished.experiment_file = clone, clone / "exp/trial/experiment.yaml"
    assert finished.run() == NOTHING


def test_a_clone_that_got_only_the_results_folder_runs_nothing_again(finished):
    shutil.rmtree(finished.folder / ".snakemake")
    assert finished.run() == NOTHING


def test_a_changed_scenario_runs_only_its_tasks(finished):
    finished.experiment_file = finished.write_experiment(scenarios={"low": {}, "high": {"x": 6}})
    assert finished.run() == once(*HIGH)
    assert set(finished.combined().filter(scenario="high", day=1)["value"]) == {6}


def test_a_renamed_scenario_runs_under_its_new_name_and_leaves_the_other_alone(finished):
    finished.experiment_file = finished.write_experiment(scenarios={"low": {}, "more": {"x": 5}})
    assert finished.run() == once(*(task.replace("low", "more") for task in LOW))
    assert set(finished.combined()["scenario"]) == {"low", "more"}


def test_a_changed_template_runs_all_tasks(finished):
    (finished.folder / "exp/trial/templates/params.sh.j2").write_text("x={{ x + 1 }}\n")
    assert finished.run() == once(*LOW, *HIGH)


def test_a_changed_model_runs_all_tasks(finished):
    (finished.folder / "exp/trial/model.sh").write_text(MODEL + "# changed\n")
    assert finished.run() == once(*LOW, *HIGH)


def test_a_template_written_again_as_it_was_runs_nothing(finished):
    finished.write_experiment()
    assert finished.run() == NOTHING


def test_a_new_state_runs_only_its_tasks(finished):
    finished.experiment_file = finished.write_experiment(states=["TX", "CA", "NY"])
    assert finished.run() == once(*(f"TX/{s}-s{n}" for s in ("low", "high") for n in (1, 2, 3)))
    assert finished.combined()["state"].unique(maintain_order=True).to_list() == ["TX", "CA", "NY"]


def test_a_new_seed_runs_only_its_tasks(finished):
    finished.experiment_file = finished.write_experiment(runs={"seeds": 4})
    new = once(*(f"{state}/{name}-s4" for state in ("CA", "NY") for name in ("low", "high")))
    assert finished.run() == new
    assert finished.combined().height == 32


@pytest.mark.parametrize("keep", ["all", "outputs", "none"])
@pytest.mark.parametrize("tasks_per_job", [1, 2])
def test_other_packs_run_no_finished_task_again(project, keep, tasks_per_job):
    project.experiment_file = project.write_experiment(keep=keep)
    project.run()
    before = project.combined()
    project.experiment_file = project.write_experiment(keep=keep, tasks_per_job=tasks_per_job)
    assert project.run() == NOTHING
    order = ["state", "run", "day"]
    assert project.combined().sort(order).equals(before.sort(order))


def test_more_memory_time_and_cores_run_nothing_again(finished):
    finished.experiment_file = finished.write_experiment(
        model={"command": "bash model.sh", "runtime": 2, "mem_mb": 1500, "threads": 2}, parallel=2
    )
    assert finished.run() == NOTHING


def test_a_new_output_is_taken_from_the_finished_tasks_that_have_it(finished):
    outputs = {"out": {"path": "out.csv", "table": True}, "params": {"path": "params.sh"}}
    finished.experiment_file = finished.write_experiment(outputs=outputs)
    assert finished.run() == NOTHING


def test_a_deleted_record_is_made_again_from_the_finished_tasks(finished):
    (finished.results / "records/CA/low-1-3.jsonl").unlink()
    assert finished.run() == NOTHING
    assert finished.combined().height == 24


def test_a_changed_module_that_the_model_imports_runs_all_tasks(project):
    model = project.folder / "exp/trial/model.py"
    helper = project.folder / "exp/trial/helper.py"
    model.write_text("import helper\nprint(helper.VALUE)\n")
    helper.write_text("VALUE = 1\n")
    project.experiment_file = project.write_experiment(
        model={"command": "python model.py && bash model.sh"}
    )
    assert project.run() == once(*LOW, *HIGH)
    helper.write_text("VALUE = 2\n")
    assert project.run() == once(*LOW, *HIGH)
    assert (project.results / "tasks/CA/low-s1/task.log").read_text() == "2\n"
