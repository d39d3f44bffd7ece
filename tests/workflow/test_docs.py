"""What the documentation says is so: every command in it runs, what it quotes is what is there."""

import re

import pytest

from tests.workflow.conftest import ROOT
from tests.workflow.test_examples import EXAMPLES

pytestmark = pytest.mark.workflow
PAGES = [ROOT / "README.md", ROOT / "profiles/README.md", *sorted(ROOT.glob("exp/*/README.md"))]
#: The others are run where it is looked at what comes out.
RUN_HERE = [page for page in PAGES if page.parent.name not in EXAMPLES]


@pytest.mark.parametrize("page", RUN_HERE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_the_documentation_runs_in_a_fresh_clone(project, page):
    (project.folder / "exp/trial/experiment.yaml").rename(project.folder / "unused.yaml")
    if page != PAGES[0]:  # which says how to make it
        project.python("-m", "scripts.new_experiment", "mine")
    project.run_page(page)


def test_the_readme_shows_the_tutorial_as_it_is():
    readme = (ROOT / "README.md").read_text()
    for name in ("experiment.yaml", "templates/params.txt.j2"):
        assert (ROOT / "exp/tutorial" / name).read_text() in readme, name


def test_links_in_the_documentation_lead_somewhere():
    for page in [*PAGES, ROOT / "config/README.md", ROOT / "benchmarks/README.md"]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), (page, target)
