"""Task folders travel as one object: nothing is lost on the way, and nothing lands elsewhere."""

import io
import os
import stat
import tarfile

import pytest
import zstandard

from scripts.fanfold.bundles import pack, unpack
from scripts.fanfold.errors import FanfoldError
from scripts.run_tasks import run_tasks
from scripts.unpack_files import unpack_files
from tests.conftest import write_files


@pytest.fixture
def sent(tmp_path):
    """Return the folder of a sender, with two tasks and what they are linked to."""
    here = tmp_path / "here"
    write_files(here, {"exp/run.py": "code", "tasks/CA/a/sub/out.csv": b"\x00\xff"})
    write_files(here, {"tasks/CA/a/params.txt": "x", "tasks/CA/b/out.csv": "b"})
    (here / "tasks/CA/a/params.txt").chmod(0o444)
    (here / "tasks/CA/a/sub/out.csv").chmod(0o750)
    (here / "tasks/CA/a/run.py").symlink_to("../../../exp/run.py")
    (here / "tasks/CA/a/inside").symlink_to("sub/out.csv")
    (here / "tasks/CA/a/nowhere").symlink_to("nothing")
    (here / "tasks/CA/a/empty").mkdir()
    return here


def tree(folder):
    """Return what is below a folder: path -> content or link, and mode."""
    return {
        str(path.relative_to(folder)): (
            f"-> {os.readlink(path)}"
            if path.is_symlink()
            else (path.read_bytes() if path.is_file() else None, stat.S_IMODE(path.stat().st_mode))
        )
        for path in folder.rglob("*")
    }


def test_folders_arrive_as_they_were_sent(sent, tmp_path):
    pack(tmp_path / "bundles/x.tar.zst", sent / "tasks", ["CA/a", "CA/b", "CA/not there"])
    there = tmp_path / "there/tasks"
    assert unpack(tmp_path / "bundles/x.tar.zst", there) == {"CA/a", "CA/b"}
    assert tree(there) == tree(sent / "tasks")


def test_a_link_to_the_experiment_works_where_the_experiment_is(sent, tmp_path):
    pack(tmp_path / "x", sent / "tasks", ["CA/a"])
    write_files(tmp_path / "there", {"exp/run.py": "code there"})
    unpack(tmp_path / "x", tmp_path / "there/tasks")
    assert (tmp_path / "there/tasks/CA/a/run.py").read_text() == "code there"
    assert (sent / "exp/run.py").read_text() == "code"


def test_what_was_there_of_a_task_goes_and_others_stay(sent, tmp_path):
    there = tmp_path / "there"
    write_files(there, {"CA/a/old": "", "CA/a/params.txt/now a folder": "", "CA/c/out": ""})
    (there / "CA/b").mkdir()
    (there / "CA/b/out.csv").symlink_to(sent / "exp/run.py")
    pack(tmp_path / "x", sent / "tasks", ["CA/a", "CA/b"])
    unpack(tmp_path / "x", there)
    assert tree(there / "CA/a") == tree(sent / "tasks/CA/a")
    assert (there / "CA/c/out").exists()
    assert (sent / "exp/run.py").read_text() == "code", "not written through a link"


def test_later_bundles_go_over_earlier_ones(sent, tmp_path):
    pack(tmp_path / "1", sent / "tasks", ["CA/a", "CA/b"])
    (sent / "tasks/CA/b/out.csv").write_text("retried")
    pack(tmp_path / "2", sent / "tasks", ["CA/b"])
    assert unpack_files([tmp_path / "1", tmp_path / "2"], tmp_path / "there") == 2
    assert (tmp_path / "there/CA/b/out.csv").read_text() == "retried"


def member(name, kind=tarfile.REGTYPE, to=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize(
    "members",
    [
        [member("../victim")],
        [member("CA/a/../../../victim")],
        [member("/tmp/fanfold-victim")],
        [member("CA/a/out", tarfile.SYMTYPE, "../../.."), member("CA/a/out/victim")],
        [member("CA/a/out", tarfile.SYMTYPE, "/"), member("CA/a/out/tmp/fanfold-victim")],
        [member("CA/a/victim", tarfile.LNKTYPE, "../victim"), member("CA/a/victim")],
    ],
    ids=lambda members: " then ".join(f"{info.name} {info.linkname}" for info in members),
)
def test_nothing_lands_outside_of_the_tasks_folder(tmp_path, members):
    write_files(tmp_path, {"victim": "safe", "tasks/CA/b/out": "b"})
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for info in members:
            info.size = 4 if info.isreg() else 0
            archive.addfile(info, io.BytesIO(b"evil"))
    (tmp_path / "x").write_bytes(zstandard.compress(data.getvalue()))
    with pytest.raises(FanfoldError, match="leads outside the tasks' folder"):
        unpack(tmp_path / "x", tmp_path / "tasks")
    assert (tmp_path / "victim").read_text() == "safe"
    assert not os.path.exists("/tmp/fanfold-victim")
    assert (tmp_path / "tasks/CA/b/out").read_text() == "b"


def test_a_bundle_that_was_cut_off_is_an_error(sent, tmp_path):
    (sent / "tasks/CA/a/big").write_bytes(os.urandom(200_000))
    pack(tmp_path / "x", sent / "tasks", ["CA/a"])
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:100_000])
    with pytest.raises((tarfile.ReadError, zstandard.ZstdError, EOFError)):
        unpack(tmp_path / "x", tmp_path / "there")


def test_a_job_packs_what_it_keeps(load, tmp_path):
    design = load(
        states=["CA"],
        runs={"list": [{"name": "good", "end": 0}, {"name": "bad", "end": 1}]},
        command="touch out more; exit {{ end }}",
        outputs={"out": {"path": "out"}},
        keep="outputs",
        tasks_per_job=2,
    )
    bundle = tmp_path / "b.tar.zst"
    tasks = list(design.tasks_of("CA", "runs-1-2"))
    run_tasks(design, "runs-1-2", tasks, tmp_path / "r.jsonl", [], bundle, 1, None)
    unpack(bundle, tmp_path / "there")
    kept = {str(path.relative_to(tmp_path / "there")) for path in tmp_path.glob("there/CA/*/*")}
    everything = {f"CA/bad/{name}" for name in ("out", "more", "task.log", "task.json")}
    assert kept == everything | {f"CA/good/{name}" for name in ("out", "task.log", "task.json")}
