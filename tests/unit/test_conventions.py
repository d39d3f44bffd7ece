"""The house rules that a program can check."""

import re
import subprocess
import sys

import pytest
import yaml
from snakemake import cli

from tests.workflow.conftest import ROOT

RULES = {
    name: (path, body)
    for path in sorted(ROOT.glob("rules/*.smk"))
    for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(), re.M | re.S)
}
PROFILES = {path.parent.name: path for path in sorted(ROOT.glob("profiles/*/profile.v9+.yaml"))}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_its_script_and_its_log_have_the_same_name(rule):
    body = RULES[rule][1]
    assert body.lstrip().startswith('"""'), "a rule says what it does"
    script = re.search(r'script:\s+"\.\./scripts/(\w+)\.py"', body)
    if script:
        assert script[1] == rule
    log = re.search(r"<results>/logs/(\w+)", body)
    if log:
        assert log[1] == rule


def test_only_common_smk_holds_python():
    for path in [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")]:
        if path.name != "common.smk":
            assert not re.search(r"^\s*(def|import) |^\s*run:", path.read_text(), re.M), path


def test_no_rule_retries_by_itself_and_each_wildcard_is_constrained():
    text = "".join(path.read_text() for path in ROOT.glob("rules/*.smk"))
    assert not re.search(r"^\s*retries:", text, re.M)
    used = {
        wildcard
        for string in re.findall(r'"(<results>[^"]*)"', text)
        for wildcard in re.findall(r"(?<!\{)\{(\w+)\}(?!\})", string)
    }
    constrained = text.partition("wildcard_constraints:")[2]
    assert used
    for wildcard in used:
        assert re.search(rf"^    {wildcard}=", constrained, re.M), wildcard


def test_the_pure_code_never_imports_snakemake():
    for path in ROOT.glob("scripts/fanfold/*.py"):
        assert not re.search(r"^\s*(from|import) snakemake", path.read_text(), re.M), path


def test_no_profile_has_a_key_of_the_default_one():
    keys = {name: set(_profile(path)) for name, path in PROFILES.items()}
    assert keys.keys() == {"default", "local", "slurm", "aws-batch", "azure"}
    for name, mine in keys.items():
        assert name == "default" or not mine & keys["default"], name


def _profile(path):
    # YTE's `?if` and `?else` are keys for YAML; what they hold are keys of the profile too.
    text = re.sub(
        r"^\?(if .*|else):$", lambda match: f"{match.start()}:", path.read_text(), flags=re.M
    )
    content = yaml.safe_load(text.replace(": ?", ": "))
    nested = [value for value in content.values() if isinstance(value, dict)]
    return {key for block in [content, *nested] for key in block}


@pytest.mark.parametrize("name", PROFILES)
def test_every_key_of_a_profile_is_one_that_snakemake_knows(name, monkeypatch):
    for variable in ("SNAKEMAKE_AWS_BATCH_JOB_QUEUE", "SNAKEMAKE_AZURE_BATCH_ACCOUNT_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(ROOT)
    cli.parse_args(["--profile", f"profiles/{name}"])


def test_nothing_that_git_tracks_names_a_place_of_one_machine():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path.suffix in (".png", ".parquet") or name == "tests/unit/test_conventions.py":
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"/work/(main|shared)|/root/|pypi\.org|registry\.npmjs|deb\.debian", text
        ), name


def test_loading_an_experiment_does_not_load_what_only_jobs_need():
    # Each call parses the rules, and so does each job on a cluster, twice.
    slow = "{'polars', 'ruamel', 'tomlkit', 'altair', 'numpy', 'scipy'}"
    program = f"import sys, scripts.fanfold.preflight; print({slow} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
