import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from numpydoc.validate import validate

import tl_teach as tl

# What a reader looks for in a docstring. Style (line breaks, full stops) is ruff's.
REQUIRED = {
    "GL03",  # no double blank lines
    "GL06",  # no unknown section
    "GL07",  # sections in their order
    "GL08",  # there is a docstring
    "SS01",  # it begins with a summary
    "SS03",  # which ends with a full stop
    "SS06",  # and fits into one line
    "PR01",  # every parameter is described
    "PR02",  # and no other
    "PR03",  # in the order of the signature
    "PR04",  # with its type
    "PR07",  # and its meaning
    "RT01",  # what comes back is described
    "RT03",  # in words
    "EX01",  # there is an example
}
FUNCTIONS = [name for name in tl.__all__ if inspect.isfunction(getattr(tl, name))]
PUBLIC = [name for name in tl.__all__ if name != "__version__"]


def fresh_python(code):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_takes_a_moment_and_brings_nothing_heavy():
    code = (
        "import sys, time; start = time.perf_counter(); import tl_teach as tl; dir(tl)\n"
        "print(time.perf_counter() - start, *sys.modules)"
    )
    seconds, *modules = fresh_python(code).split()
    heavy = {"torch", "torchvision", "numpy", "matplotlib", "sklearn", "scipy", "PIL", "pooch"}
    assert float(seconds) < 0.2 and not heavy & set(modules)


def test_a_first_picture_and_prediction_wait_for_nothing_that_they_do_not_need():
    code = (
        "import sys, tl_teach as tl; net = tl.load_network('letters-resnet')\n"
        "tl.show_network(tl.freeze(net, through='block1'))\n"
        "net(tl.load_task('printed-digits').train[0][0][None]); print(*sys.modules)"
    )
    heavy = {"torchvision", "sklearn", "scipy", "pandas", "IPython", "matplotlib.pyplot"}
    assert not heavy & set(fresh_python(code).split())


def test_the_command_answers_its_version_without_torch():
    code = (
        "import sys; from tl_teach.cli import main; code = main(['--version'])\n"
        "print(code, 'torch' in sys.modules)"
    )
    assert fresh_python(code).split() == ["tl-teach", tl.__version__, "0", "False"]


def test_the_module_answers_its_version_too():
    done = subprocess.run(
        [sys.executable, "-m", "tl_teach", "--version"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == f"tl-teach {tl.__version__}"


def test_type_checkers_see_the_names_that_readers_see():
    tree = ast.parse(Path(tl.__file__).read_text(encoding="utf-8"))
    (block,) = [
        node for node in tree.body if isinstance(node, ast.If) and node.test.id == "TYPE_CHECKING"
    ]
    checked = {}
    for statement in block.body:
        for alias in statement.names:
            assert alias.asname == alias.name  # else it would be private to type checkers
            checked.setdefault(statement.module.split(".")[0], []).append(alias.name)
    assert {room: sorted(names) for room, names in checked.items()} == {
        room: sorted(names) for room, names in tl._ROOMS.items()
    }


def test_dir_lists_the_public_names_and_no_others():
    assert dir(tl) == sorted(["__version__", *PUBLIC])


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_can_be_had(name):
    room = import_module(f"tl_teach.{tl._ROOM_OF[name]}")
    assert getattr(tl, name) is getattr(room, name) and name in room.__all__


def test_an_unknown_name_is_answered_with_what_was_meant():
    with pytest.raises(AttributeError, match=r"'load_taks'.*did you mean 'load_task'"):
        tl.load_taks
    assert not hasattr(tl, "anything_else")


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_full_docstring(name):
    errors = validate(f"tl_teach.{tl._ROOM_OF[name]}.{name}")["errors"]
    required = REQUIRED if name in FUNCTIONS else REQUIRED - {"EX01", "RT01"}
    assert [error for error in errors if error[0] in required] == []


# Each of these raises a TypeError for whatever is not what it is named after.
REFUSING = {
    "require_evaluation",
    "require_kind",
    "require_network",
    "require_pictures",
    "require_split",
    "require_study",
    "require_task",
    "require_tokens",
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_public_function_refuses_is_in_its_docstring(name):
    function = getattr(tl, name)
    tree = ast.parse(inspect.getsource(function))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not called & (REFUSING | {"TypeError"}) or "\n    TypeError\n" in function.__doc__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_is_typed(name):
    signature = inspect.signature(getattr(tl, name))
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, parameter


@pytest.mark.parametrize(
    "room", ["tasks", "networks", "learning", "adapt", "discover", "show", "assets"]
)
def test_each_room_exports_what_it_lists(room):
    module = import_module(f"tl_teach.{room}")
    assert all(hasattr(module, name) for name in module.__all__)
