"""What the documentation says is so: every command in it runs, what it quotes is what is there."""

import re
import subprocess

import pytest

from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.workflow
PAGES = [ROOT / "README.md", ROOT / "profiles/README.md", *sorted(ROOT.glob("exp/*/README.md"))]
COMMANDS = list(
    dict.fromkeys(
        match[1].partition("  #")[0].strip()
        for page in PAGES
        for match in re.finditer(
            r"^    ((?:snakemake|python -m) .*)$", page.read_text(), re.MULTILINE
        )
    )
)


def test_every_command_of_the_documentation_runs_in_a_fresh_clone(project):
    (project.folder / "exp/trial/experiment.yaml").rename(project.folder / "unused.yaml")
    (project.folder / "exp/mine").mkdir()
    tutorial = project.folder / "exp/tutorial"
    for name in ("experiment.yaml", "model.sh", "templates"):
        (project.folder / "exp/mine" / name).symlink_to(tutorial / name)
    for name in ("local", "slurm", "aws-batch", "azure"):  # as `make env` does
        (project.folder / name).symlink_to(f"profiles/{name}")
    assert len(COMMANDS) > 8
    for command in COMMANDS:
        done = subprocess.run(
            command,
            shell=True,
            cwd=project.folder,
            env=project.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_the_readme_shows_the_tutorial_as_it_is():
    readme = (ROOT / "README.md").read_text()
    for name in ("experiment.yaml", "templates/params.txt.j2"):
        assert (ROOT / "exp/tutorial" / name).read_text() in readme, name


def test_links_in_the_documentation_lead_somewhere():
    for page in [*PAGES, ROOT / "config/README.md", ROOT / "benchmarks/README.md"]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), (page, target)
