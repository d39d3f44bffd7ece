"""The model's command: a value reaches the program as it is, and nothing in it is executed."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from scripts.fanfold.commands import Command
from scripts.fanfold.jinja import RenderError

BASH = shutil.which("bash") or "/bin/sh"
#: What a program gets, each argument ended with a NUL character.
SHOW = "printf '%s\\0' "
NASTY = [
    "",
    " ",
    "a b",
    "'",
    '"',
    "\\",
    "$HOME",
    "$(touch pwned)",
    "`touch pwned`",
    "${IFS}",
    ";touch pwned",
    "&& touch pwned",
    "| touch pwned",
    "> pwned",
    "\ntouch pwned\n",
    "*",
    "~",
    "{a,b}",
    "!!",
    "#",
    "-n",
    "\\'",
    "'\"'\"'",
    "$'\\n'",
    "é ✓",
    "a[$(touch pwned)]",
    "'; touch pwned; '",
    '"; touch pwned; "',
    ")touch pwned(",
    "<<EOF",
    "\x01\x7f",
    "0",
    "2",
]
VALUES = st.sampled_from(NASTY) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=8
)


def run(text, folder, **values):
    """Render and run a command; return what the shell's programs wrote."""
    command = Command("model.command", text).render(values)
    done = subprocess.run(
        [BASH, "-eo", "pipefail", "-c", command], cwd=folder, capture_output=True, check=True
    )
    return done.stdout.decode()


def shown(text, folder, **values):
    return run(SHOW + text, folder, **values).split("\0")[:-1]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Return a folder that is empty before and after."""
    folder = tmp_path_factory.mktemp("empty")
    yield folder
    assert list(folder.iterdir()) == [], "something in a value was executed"


PLACES = {
    "{{ x }}": "{x}",
    '"{{ x }}"': "{x}",
    "'{{ x }}'": "{x}",
    "a{{ x }}b": "a{x}b",
    '"a {{ x }} b"': "a {x} b",
    "'a {{ x }} b'": "a {x} b",
    '--name="{{ x }}"': "--name={x}",
    "--name={{ x }}": "--name={x}",
    '"$(printf "%s." "{{ x }}")"': "{x}.",
    "\"$(printf '%s.' {{ x }})\"": "{x}.",
    "\"$(printf '%s.' '{{ x }}')\"": "{x}.",
    "\"$(printf '%s' \"$(printf '%s.' {{ x }})\")\"": "{x}.",
    '"a"\'{{ x }}\'{{ x }}"{{ x }}"': "a{x}{x}{x}",
    "'\\'{{ x }}": "\\{x}",
    "'\\{{ x }}'": "\\{x}",
    '"\\\\{{ x }}"': "\\{x}",
    "\\\\{{ x }}": "\\{x}",
    "\\'{{ x }}": "'{x}",
    '"\\"{{ x }}"': '"{x}',
    '"it\'s {{ x }}"': "it's {x}",
    "'\"{{ x }}'": '"{x}',
    "\"$(printf '%s' 'a)b'{{ x }}.)\"": "a)b{x}.",
    "$'a\\'b'{{ x }}": "a'b{x}",
    "a#{{ x }}": "a#{x}",
    '"# {{ x }}"': "# {x}",
    '"a # it\'s {{ x }}"': "a # it's {x}",
    "'a # {{ x }}'": "a # {x}",
    "${NOT_SET:-{{ x }}}": "{x}",
    "\"${NOT_SET:-$(printf '%s.' {{ x }})}\"": "{x}.",
    '"${NOT_SET:-a}"{{ x }}': "a{x}",
    "$((1 << 2)){{ x }}": "4{x}",
    '"$((1 + (2 * 3))){{ x }}"': "7{x}",
    "{{ x ~ '' }}": "{x}",
    "{% if true %}{{ x }}{% endif %}": "{x}",
    "{# a comment: ' #}{{ x }}": "{x}",
}


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=15)
@given(value=VALUES)
def test_a_value_reaches_the_program_as_it_is(empty, place, value):
    expected = PLACES[place].replace("{x}", value)
    assume(not ("NOT_SET:-{{" in place and "}" in value and not value.isascii()))
    assert shown(place, empty, x=value) == [expected]


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(sorted(PLACES)), VALUES), min_size=1, max_size=6))
def test_values_in_all_places_of_one_command_reach_it(empty, pieces):
    text = " ".join(
        place.replace("{{ x", f"{{{{ x{number}") for number, (place, _) in enumerate(pieces)
    )
    values = {f"x{number}": value for number, (_, value) in enumerate(pieces)}
    expected = [PLACES[place].replace("{x}", value) for place, value in pieces]
    assert shown(text, empty, **values) == expected


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_value_of_many_is_one_word_each(empty, values):
    assert shown("{% for x in xs %} {{ x }}{% endfor %}", empty, xs=values) == values


@example("{{ x }}", "2")
@given(st.sampled_from(["{{ x }}", "a{{ x }}", "{{ x }}{{ x }}"]), VALUES)
def test_a_value_before_a_redirection_is_no_stream(tmp_path_factory, place, value):
    folder = tmp_path_factory.getbasetemp()
    run(f"{SHOW}{place}>out", folder, x=value)
    assert (folder / "out").read_bytes().decode() == place.replace("{{ x }}", value) + "\0"


def test_a_constant_in_braces_is_a_value_too():
    text = "{{ 'a b' }} {{ x }} {{ 5 }} {{ y }}"
    command = Command("model.command", SHOW + text)
    for x, y in (("1", "2"), ("3", "4")):
        rendered = [BASH, "-c", command.render({"x": x, "y": y})]
        assert subprocess.check_output(rendered) == f"a b\0{x}\0005\0{y}\0".encode()


def test_several_threads_may_render_one_command():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    command = Command("c", "{% for i in range(20) %}{{ x }} {% endfor %}")
    try:
        with ThreadPoolExecutor(8) as pool:
            rendered = list(pool.map(lambda x: command.render({"x": x}), range(400)))
    finally:
        sys.setswitchinterval(before)
    assert rendered == [f"{x} " * 20 for x in range(400)]


@pytest.mark.parametrize(
    ("value", "text"), [(1.5, "1.5"), (None, "None"), (True, "True"), ([1, "a b"], "[1, 'a b']")]
)
def test_other_values_are_written_as_python_shows_them(empty, value, text):
    assert shown("{{ x }}", empty, x=value) == [text]


def test_a_plain_command_stays_as_it_is():
    text = "python run_task.py -s CA -j main | tee log && echo 'done' > \"$OUT\""
    assert Command("c", text).render({}) == text
    rendered = Command("c", "python run.py -s {{ s }} -j {{ j }}").render({"s": "CA", "j": "a-b.c"})
    assert rendered == "python run.py -s CA -j a-b.c", "no quotes where none are needed"


def test_comments_are_left_out_and_may_hold_anything(empty):
    text = "a # it's {{ x }} `\n"
    assert shown(text + SHOW + "{{ x }}", empty, x="$(touch pwned)") == ["a", "$(touch pwned)"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("echo `echo {{ x }}`", "`"),
        ('echo `echo "{{ x }}"`', "`"),
        ("echo `(echo '{{ x }}')`", "`"),
        ('echo "`echo {{ x }}`"', "`"),
        ("cat <<EOF\n{{ x }}\nEOF", "<<"),
        ("cat <<'EOF'\n\"{{ x }}\"\nEOF", "<<"),
        ("cat <<< {{ x }}", "<<"),
        ("echo $'{{ x }}'", "$'"),
        ('echo "${Y:-{{ x }}}"', "${"),
        ('echo "${Y:-"{{ x }}"}"', "${"),
        ('echo "${Y:-${Z:-{{ x }}}}"', "${"),
        ("echo $(({{ x }} + 1))", "(("),
        ("echo $(( (1 + {{ x }}) ))", "(("),
        ('echo $(( "{{ x }}" ))', "(("),
        ("(( y = {{ x }} ))", "(("),
        ("echo $[ {{ x }} ]", "$["),
        ('echo "$(case a in a) echo "{{ x }}";; esac)"', "case"),
    ],
)
def test_where_a_value_could_become_code_it_is_refused(text, place):
    with pytest.raises(RenderError) as caught:
        Command("model.command", text).render({"x": "a b"})
    assert str(caught.value) == (
        f"model.command: no {{{{ }}}} inside {place} ...: write it outside, or in a template"
    )


@pytest.mark.parametrize("text", ["echo \\{{ x }}", 'echo "\\{{ x }}"', 'echo "\\\\\\{{ x }}"'])
def test_a_backslash_before_a_value_is_refused(text):
    with pytest.raises(RenderError, match=r"no \{\{ \}\} right after a backslash"):
        Command("model.command", text).render({"x": "$(touch pwned)"})


@pytest.mark.parametrize("value", [5, -3, "12"])
def test_whole_numbers_can_be_calculated_with(empty, value):
    assert shown("$(( {{ x }} * (2 + {{ x }}) ))", empty, x=value) == [
        str(int(value) * (2 + int(value)))
    ]


@pytest.mark.parametrize(
    "text",
    [
        'echo "$(echo `date`)" {{ x }}',
        "echo `date` {{ x }}",
        'echo "${HOME:-a}" {{ x }}',
        "echo $((1 + (2))) {{ x }}",
        "case a in a) echo 1;; esac; echo {{ x }}",
        'f() { echo "$1"; }; f {{ x }}',
        "((echo a); (echo b)); echo {{ x }}",
        "[[ a == a ]] && echo {{ x }}",
    ],
)
def test_after_such_places_values_are_fine_again(empty, text):
    assert run(text, empty, x="$(touch pwned) '\"").endswith("$(touch pwned) '\"\n")


def test_an_undefined_name_is_named():
    with pytest.raises(RenderError, match=r"^c, line 2: 'stat' is undefined; did you mean `state`"):
        Command("c", "echo\n{{ stat }}").render({"state": 1})


def test_a_command_that_is_no_jinja_is_refused_at_once():
    with pytest.raises(RenderError, match=r"^model.command: "):
        Command("model.command", "echo {{ x")


def test_a_nul_character_is_refused():
    with pytest.raises(RenderError, match=r"^c, line 1: a value holds a NUL character$"):
        Command("c", "echo {{ x }}").render({"x": "a\0b"})
