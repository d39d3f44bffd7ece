"""A file is there and whole, or it is as it was."""

import os

import pytest

from scripts.fanfold.atomic import remove_folder, replacing, write_text
from tests.conftest import as_nobody


def test_a_file_appears_at_the_end_and_its_folders_are_made(tmp_path):
    path = tmp_path / "a/b/c.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent, "on the same file system"
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_stays_as_it_was_when_writing_fails(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(KeyError), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_wrote_nothing_is_an_error_and_keeps_the_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_texts_are_utf8(tmp_path):
    write_text(tmp_path / "a", "é\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9\n"


def test_a_folder_goes_with_all_below_it_but_not_what_its_links_lead_to(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "gone/deep").mkdir(parents=True)
    (tmp_path / "gone/link").symlink_to("../kept")
    remove_folder(tmp_path / "gone")
    remove_folder(tmp_path / "gone")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "kept"]


def test_a_folder_with_read_only_folders_in_it_goes_too(tmp_path):
    (tmp_path / "kept").mkdir(mode=0o755)
    (tmp_path / "gone/closed/deep").mkdir(parents=True)
    (tmp_path / "gone/closed/deep/file").touch()
    (tmp_path / "gone/closed/link").symlink_to(tmp_path / "kept")
    (tmp_path / "gone/unreadable").mkdir()
    code = """
from pathlib import Path
from scripts.fanfold.atomic import remove_folder
become_nobody()
remove_folder(Path("gone"))
"""
    for path in ("", "gone", "gone/closed", "gone/closed/deep", "gone/unreadable"):
        if os.geteuid() == 0:
            os.chown(tmp_path / path, 65534, 65534)
    for path, mode in (("closed/deep", 0o555), ("closed", 0o555), ("unreadable", 0)):
        (tmp_path / "gone" / path).chmod(mode)
    assert as_nobody(tmp_path, code).stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o755, "links are not followed"
