"""A copy of the project as a user has it, and an experiment whose every execution is counted."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import yaml

ROOT = Path(__file__).parents[2]
MODEL = """\
# Counts its executions, fails where it is told to, writes a table.
set -eu
echo "$FANFOLD_TASK" >> "$EXECUTIONS"
. ./params.sh
case " ${BROKEN:-} " in
    *" $FANFOLD_TASK=exit "*) echo "it broke" >&2; exit 3 ;;
    *" $FANFOLD_TASK=signal "*) kill -KILL $$ ;;
    *" $FANFOLD_TASK=timeout "*) sleep 60 & sleep 60 ;;
    *" $FANFOLD_TASK=missing "*) exit 0 ;;
    *" $FANFOLD_TASK=unreadable "*) printf 'a,b\\n1,2,3,4\\n' > out.csv; exit 0 ;;
    *" $FANFOLD_TASK=slow "*) sleep "${SLOW:-5}" ;;
esac
printf 'day,value\\n1,%s\\n2,%s\\n' "$x" "$((x + ${FANFOLD_SEED:-0}))" > out.csv
"""
EXPERIMENT = {
    "states": ["CA", "NY"],
    "vars": {"x": 1},
    "scenarios": {"low": {}, "high": {"x": 5}},
    "runs": {"seeds": 3},
    "templates": {"dir": "templates"},
    "model": {"command": "bash model.sh", "runtime": 0.05},
    "outputs": {"out": {"path": "out.csv", "table": True}},
    "tasks_per_job": 3,
}


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return list(filter(None, listed.stdout.decode().split("\0")))


class Project:
    """A copy of the files that git knows, in a folder of its own, as its own repository."""

    def __init__(self, folder: Path, like: Path | None = None) -> None:
        """Copy what git knows, or all that a project `like` this one has by now."""
        self.folder = folder
        self.executions = folder.parent / "executions"
        self.env = {"EXECUTIONS": str(self.executions)}
        self.said = ""
        if like:
            shutil.copytree(like, folder, symlinks=True)
        else:
            for name in tracked_files():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target, follow_symlinks=False)
            self.git("init", "-q")
            self.commit()
        self.experiment_file = self.write_experiment()

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "as it is")
        return self.git("rev-parse", "HEAD")

    def write_experiment(self, name: str = "trial", **changes: object) -> Path:
        """Write the experiment with top-level keys replaced (None: left out)."""
        folder = self.folder / "exp" / name
        (folder / "templates").mkdir(parents=True, exist_ok=True)
        (folder / "templates/params.sh.j2").write_text("x={{ x }}\n")
        (folder / "model.sh").write_text(MODEL)
        content = {key: value for key, value in (EXPERIMENT | changes).items() if value is not None}
        file = folder / "experiment.yaml"
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        return file

    def command(self, *arguments: str) -> list[str]:
        snakemake = str(Path(sys.executable).with_name("snakemake"))
        file = str(self.experiment_file.relative_to(self.folder))
        # Targets first: --configfile and --config take all words that follow.
        arguments = arguments if "--configfile" in arguments else (*arguments, "--configfile", file)
        return [snakemake, "-c", "2", *arguments, "--profile", "profiles/local"]

    def environment(self, **env: str) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return os.environ | self.env | {"PATH": path} | env

    def snakemake(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Call snakemake on the experiment; stdout and stderr together in `stdout`."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call Python in the project's folder."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def run_page(self, page: Path) -> None:
        """Run every command of a page of the documentation, as a user does after `make env`."""
        for name in ("local", "slurm", "aws-batch", "azure"):
            (self.folder / name).symlink_to(f"profiles/{name}")
        commands = re.findall(r"^    ((?:snakemake|python -m) .*)$", page.read_text(), re.MULTILINE)
        assert commands
        for command in commands:
            done = subprocess.run(
                command.partition("  #")[0],
                shell=True,
                cwd=self.folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def run(self, *arguments: str, **env: str) -> Counter[str]:
        """Call snakemake, which must succeed; return how often each task was executed by it."""
        return self._executed(*arguments, must_succeed=True, **env)

    def fail(self, *arguments: str, **env: str) -> tuple[Counter[str], str]:
        """Call snakemake, which must fail; return the executions and what it said."""
        counts = self._executed(*arguments, must_succeed=False, **env)
        return counts, self.said

    def _executed(self, *arguments: str, must_succeed: bool, **env: str) -> Counter[str]:
        self.executions.write_text("")
        done = self.snakemake(*(arguments or ("combine",)), **env)
        self.said = done.stdout
        assert (done.returncode == 0) == must_succeed, done.stdout
        return self.executed()

    def executed(self) -> Counter[str]:
        return Counter(self.executions.read_text().split())

    @property
    def results(self) -> Path:
        return self.folder / "results/trial/main"

    def combined(self, output: str = "out") -> pl.DataFrame:
        return pl.read_parquet(self.results / f"combined/{output}.parquet")

    def all_tasks(self) -> set[str]:
        return set(pl.read_csv(self.results / "plan/tasks.csv")["task"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project whose experiment has run."""
    project = Project(tmp_path_factory.mktemp("finished") / "project")
    assert set(project.run().values()) == {1}
    return project.folder


@pytest.fixture
def finished(tmp_path: Path, finished_once: Path) -> Project:
    """A project whose experiment has run (a copy: it ran once for all tests)."""
    return Project(tmp_path / "project", like=finished_once)


def once(*tasks: str) -> Counter[str]:
    """Each of `tasks` executed once."""
    return Counter(tasks)
