"""Templates become files of a task's folder, or one line says where they cannot."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.jinja import RenderError, compile_text, environment, render_text
from scripts.fanfold.schema import Templates
from scripts.fanfold.states import State
from scripts.fanfold.templates import TemplateFolder
from tests.conftest import write_files


@pytest.fixture
def fill(tmp_path):
    """Return a function that writes templates, and renders them into an empty folder."""
    source, target = tmp_path / "templates", tmp_path / "task"

    def fill(files, patterns=("*.j2",), **variables):
        source.mkdir(exist_ok=True)
        write_files(source, files)
        target.mkdir()
        TemplateFolder(source, Templates(render=patterns)).write(target, variables)
        return target

    return fill


@pytest.fixture
def refusal(tmp_path):
    """Return a function that returns why templates are refused, and where below their folder."""

    def refusal(files, patterns=("*.j2",), **variables):
        write_files(tmp_path, files)
        with pytest.raises(RenderError) as caught:
            TemplateFolder(tmp_path, Templates(render=patterns)).render(variables)
        assert len(str(caught.value).splitlines()) == 1
        return str(caught.value).removeprefix(f"{tmp_path}/")

    return refusal


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


def text_of(template, **variables):
    return render_text("here", compile_text("here", template, environment()), variables)


# What is made


def test_a_template_is_rendered_without_its_suffix_and_read_only(fill):
    task = fill({"a.txt.j2": "x = {{ x }}\n"}, x=1.5)
    assert (task / "a.txt").read_text() == "x = 1.5\n"
    assert mode_of(task / "a.txt") == 0o444
    assert not (task / "a.txt.j2").exists()


def test_nested_folders_are_made(fill):
    task = fill({"one/two/a.txt.j2": "{{ x }}", "one/b": "b"}, x=1)
    assert (task / "one/two/a.txt").read_text() == "1"
    assert (task / "one/b").read_text() == "b"


def test_other_files_are_copied_byte_by_byte_with_their_modes(fill, tmp_path):
    write_files(tmp_path / "templates", {"tool": b"\x00\xff{{ x }}", "private": ""})
    (tmp_path / "templates/tool").chmod(0o750)
    (tmp_path / "templates/private").chmod(0o600)
    task = fill({})
    assert (task / "tool").read_bytes() == b"\x00\xff{{ x }}"
    assert (mode_of(task / "tool"), mode_of(task / "private")) == (0o750, 0o600)


def test_an_executable_template_stays_executable(fill, tmp_path):
    write_files(tmp_path / "templates", {"run.sh.j2": "#!/bin/sh\necho {{ x }}\n"})
    (tmp_path / "templates/run.sh.j2").chmod(0o755)
    assert mode_of(fill({}, x=1) / "run.sh") == 0o555


def test_links_stay_links_and_are_not_rendered(fill, tmp_path):
    write_files(tmp_path / "templates", {"a.txt": "a", "sub/b": "b"})
    for name, to in (("to_file.j2", "a.txt"), ("to_folder", "sub"), ("to_nothing", "/no/where")):
        (tmp_path / "templates" / name).symlink_to(to)
    task = fill({})
    assert os.readlink(task / "to_file.j2") == "a.txt"
    assert (task / "to_folder/b").read_text() == "b"
    assert os.readlink(task / "to_nothing") == "/no/where"


def test_links_to_shared_data_outside_lead_there_from_the_task_too(fill, tmp_path):
    write_files(tmp_path, {"shared/data.csv": "1", "shared/more/x": "2"})
    write_files(tmp_path / "templates", {"sub/a": ""})
    (tmp_path / "templates/sub/data.csv").symlink_to("../../shared/data.csv")
    (tmp_path / "templates/more").symlink_to("../shared/more")
    (tmp_path / "templates/only_from_the_task").symlink_to("../x")
    task = fill({})
    assert (task / "sub/data.csv").read_text() == "1"
    assert (task / "more/x").read_text() == "2"
    assert not os.path.isabs(os.readlink(task / "more")), "a moved tree still works"
    assert os.readlink(task / "only_from_the_task") == "../x"


def test_what_tools_leave_behind_is_not_copied(fill):
    task = fill({"a": "", "a~": "", "__pycache__/a.pyc": "", ".git/x": "", ".hidden": ""})
    assert sorted(path.name for path in task.iterdir()) == [".hidden", "a"]


@pytest.mark.parametrize(
    ("patterns", "rendered"),
    [
        (["*.j2"], {"a.txt", "sub/b.txt"}),
        (["*.json", "*.j2"], {"a.txt", "sub/b.txt", "c.json"}),
        (["sub/*"], {"sub/b.txt"}),
        (["c.json"], {"c.json"}),
        ([], set()),
    ],
)
def test_patterns_say_which_files_are_templates(fill, patterns, rendered):
    files = {"a.txt.j2": "{{ x }}", "sub/b.txt.j2": "{{ x }}", "c.json": "{{ x }}"}
    task = fill(files, patterns, x="rendered")
    found = {
        str(path.relative_to(task))
        for path in task.rglob("*")
        if path.is_file() and path.read_text() == "rendered"
    }
    assert found == rendered


def test_a_template_may_include_another_file_of_the_folder(fill):
    task = fill({"a.j2": "{% include 'parts/p.txt' %}!", "parts/p.txt": "x={{ x }}"}, x=1)
    assert (task / "a").read_text() == "x=1!"
    assert (task / "parts/p.txt").read_text() == "x={{ x }}", "a part is no template itself"


def test_without_a_folder_there_are_no_files(tmp_path):
    TemplateFolder(None, Templates(render=["*"])).write(tmp_path, {})
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_if_a_template_cannot_be_rendered(fill, tmp_path):
    with pytest.raises(RenderError):
        fill({"a.j2": "fine", "b": "fine", "c.j2": "{{ no }}"})
    assert list((tmp_path / "task").iterdir()) == []


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r{")))
def test_text_outside_of_braces_stays_as_it_is(text):
    assert text_of(text) == text


@given(st.text() | st.integers() | st.floats())
def test_a_value_stands_in_the_text_as_python_shows_it(value):
    assert text_of("<{{ x }}>", x=value) == f"<{value}>"


def test_templates_can_be_rendered_by_several_threads(tmp_path):
    write_files(tmp_path, {"a.j2": "{% for i in range(200) %}{{ x }},{% endfor %}"})
    templates = TemplateFolder(tmp_path, Templates(render=["*.j2"]))

    def rendered(x):
        return list(templates.render({"x": x}).values())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(rendered, range(100))) == [[f"{x}," * 200] for x in range(100)]


# What is refused


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n\n{{ foo }}", "a.j2, line 3: 'foo' is undefined; did you mean `fooo`?"),
        ("{% if foo %}{% endif %}", "a.j2, line 1: 'foo' is undefined; did you mean `fooo`?"),
        ("\n{{ x + nothing_like_it }}", "a.j2, line 2: 'nothing_like_it' is undefined"),
        ("{{ x | nofilter }}", "a.j2, line 1: No filter named 'nofilter'."),
        ("\n{{ x + 'a' }}", "a.j2, line 2: unsupported operand type(s) for +: 'int' and 'str'"),
        ("\n\n{{ x // 0 }}", "a.j2, line 3: integer division or modulo by zero"),
        ("a\n{% if %}", "a.j2, line 2: Expected an expression, got 'end of statement block'"),
        ("{% include 'no.txt' %}", None),
        ("{{ open('/etc/passwd') }}", "a.j2, line 1: 'open' is undefined"),
        ("{{ range(1000000) | list }}", None),
    ],
)
def test_a_mistake_names_file_line_and_name(refusal, text, line):
    said = refusal({"a.j2": text}, x=1, fooo=1)
    assert said == line if line else said.startswith("a.j2, line 1: ")


def test_a_mistake_in_an_included_file_names_that_file(refusal):
    files = {"a.j2": "\n{% include 'p.txt' %}", "p.txt": "\n\n\n{{ foo }}"}
    assert refusal(files) == "p.txt, line 4: 'foo' is undefined"
    files = {"a.j2": "\n{% include 'p.txt' %}", "p.txt": "\n\n{% if %}"}
    assert refusal(files).startswith("p.txt, line 3: ")


def test_a_mistake_in_a_python_file_names_its_line(refusal):
    assert refusal({"a.py": "\n{{ foo }}"}, ["*.py"]) == "a.py, line 2: 'foo' is undefined"


def test_a_mistake_in_a_nested_file_names_its_path(refusal):
    assert refusal({"one/two.j2": "{{ foo }}"}) == "one/two.j2, line 1: 'foo' is undefined"


def test_an_attribute_that_is_not_there_is_named_with_the_nearest(refusal):
    state = State(code="CA", population=1)
    said = refusal({"a.j2": "{{ state.populaton }}"}, state=state, **state)
    assert said == "a.j2, line 1: 'state.populaton' is undefined; did you mean `population`?"


def test_a_template_that_is_not_utf8_is_named_with_the_byte(refusal):
    assert refusal({"a.j2": b"caf\xe9"}) == (
        "a.j2: not UTF-8 text (byte 3); save it as UTF-8, or leave it out of templates.render"
    )


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__",
        "''.__class__",
        "x.__init__.__globals__",
        "().__class__.__base__.__subclasses__()",
        "self.__init__",
        "cycler.__init__.__globals__.os.popen('id').read()",
        "l.append(1)",
        "d.update(a=1)",
        "''['__class__']",
        "'' | attr('__class__')",
        "'{0.__class__}'.format(x)",
    ],
)
def test_a_template_cannot_reach_into_python_or_change_a_value(expression):
    values = {"l": [], "d": {}}
    with pytest.raises(RenderError) as caught:
        text_of("{{ " + expression + " }}", x=1, **values)
    assert str(caught.value).startswith("here, line 1: ")
    assert values == {"l": [], "d": {}}


@pytest.mark.parametrize("name", ["pop", "items", "keys", "values", "copy", "get", "title"])
def test_an_entry_goes_before_a_method_of_the_same_name(name):
    assert text_of("{{ d." + name + " }}", d={name: 5}) == "5"


def test_methods_of_a_mapping_work_where_no_entry_has_their_name():
    assert text_of("{% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %}", d={"a": 1}) == "a1"
