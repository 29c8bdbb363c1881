"""The command line: quick help, one sentence for a fault of the user, exit codes that scripts can use."""

import os
import re
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from minigan import cli
from minigan.course import chapters, doctor, lab
from minigan.course.doctor import Examination, Finding


def run(*arguments, code="", **environment):
    """Run minigan in a process of its own, after `code`."""
    script = f"import sys; sys.argv = {['minigan', *arguments]}\nfrom minigan import cli\n{code}\ncli.main()"
    environment = {**os.environ, "MINIGAN_DEBUG": "", **environment}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)


def failing(error):
    return f"@cli.app.command()\ndef fail() -> None: raise {error}"


def commands(app: typer.Typer, path=()):
    """Yield the words of every command."""
    for group in app.registered_groups:
        yield from commands(group.typer_instance, (*path, group.name))
    for command in app.registered_commands:
        yield (*path, command.name or command.callback.__name__)


@pytest.mark.parametrize("words", [(), *commands(cli.app)], ids=" ".join)
def test_every_help_says_what_it_does_and_shows_examples(words):
    done = CliRunner().invoke(cli.app, [*words, "--help"])
    assert done.exit_code == 0
    examples = re.findall(r"^ +minigan (.*)$", done.stdout.partition("Examples:")[2], re.MULTILINE)
    assert examples
    for example in examples if words else ():
        assert example.split()[: len(words)] == list(words)


def test_help_does_not_import_torch():
    code = "import atexit; atexit.register(lambda: print('torch' in sys.modules))"
    done = run("--help", code=code)
    assert done.stdout.splitlines()[-1] == "False"


def test_version():
    done = run("--version")
    assert re.fullmatch(r"minigan \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("module", ["minigan", "minigan.course"])
def test_as_a_module(module):
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True)
    assert (done.returncode, "Usage" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    "error", ["ValueError('a bad\\nname')", "OSError('a bad name')", "FileNotFoundError('a bad name')"]
)
def test_a_users_fault_is_one_sentence_and_exit_code_2(error):
    done = run("fail", code=failing(error))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "minigan: a bad name\n")


def test_ctrl_c_is_130():
    done = run("fail", code=failing("KeyboardInterrupt"))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "minigan: interrupted\n")


@pytest.mark.parametrize(("arguments", "environment"), [(["fail", "--debug"], {}), (["fail"], {"MINIGAN_DEBUG": "1"})])
def test_debug_shows_the_traceback(arguments, environment):
    done = run(*arguments, code=failing("ValueError('a bad name')"), **environment)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_our_own_mistakes_keep_their_traceback():
    done = run("fail", code=failing("KeyError('ours')"))
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("error", ["MemoryError()", "RuntimeError('alloc_cpu: cannot allocate 9 bytes')"])
def test_a_memory_that_is_not_enough_is_one_sentence(error):
    done = run("fail", code=failing(error))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch("minigan: the memory is not enough .*; choose smaller .*\n", done.stderr)


def test_what_a_terminal_would_obey_is_not_said():
    done = run("fail", code=failing("ValueError('a \\x1b[31mred\\nname')"))
    assert done.stderr == "minigan: a ?[31mred name\n"


def test_an_output_that_is_empty_is_not_the_folder_where_one_is():
    done = run("generate", "peeps", "-o", "")
    assert (done.returncode, "the output is empty" in done.stderr) == (2, True)


def test_a_wrong_option_names_the_command_that_helps():
    done = run("course", "build", "--exec")
    assert (done.returncode, "--execute" in done.stderr) == (2, True)


def test_a_console_without_our_signs_still_reads():
    done = run("fail", code="@cli.app.command()\ndef fail() -> None: print('✓ ready')", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (0, "? ready\n")


@pytest.mark.parametrize(("state", "code"), [("fine", 0), ("unsure", 0), ("blocks", 1)])
def test_doctor_exits_with_1_if_something_blocks(state, code, monkeypatch):
    examination = Examination([Finding("disk", "1 GB", state, "free some")], "cpu", {})
    monkeypatch.setattr(doctor, "examine", lambda: examination)
    done = CliRunner().invoke(cli.app, ["doctor"])
    assert (done.exit_code, done.stdout) == (code, examination.as_text() + "\n")
    done = CliRunner().invoke(cli.app, ["doctor", "--json"])
    assert (done.exit_code, done.stdout) == (code, examination.as_json() + "\n")


def test_check_exits_with_1_if_something_is_out_of_date(repository, monkeypatch):
    monkeypatch.setattr(chapters, "repository", lambda: repository)
    done = CliRunner().invoke(cli.app, ["course", "check", "07"])
    assert done.exit_code == 1
    assert done.stdout.startswith("07_tiny.ipynb is not built")


def test_lab_opens_the_first_chapter_with_the_courses_settings(repository, monkeypatch):
    started = []
    monkeypatch.setattr(lab, "repository", lambda: repository)
    monkeypatch.setattr(lab.LabApp, "launch_instance", started.append)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    monkeypatch.setenv("JUPYTER_PATH", "")
    with pytest.raises(FileNotFoundError, match="minigan course build 00"):
        lab.open_lab([])
    first = repository / "notebooks" / "00_start_here.ipynb"
    first.touch()
    done = CliRunner().invoke(cli.app, ["lab", "--no-browser", "--port", "8899"])
    assert done.exit_code == 0
    assert started == [[f"--ServerApp.root_dir={repository}", "--no-browser", "--port", "8899", str(first)]]
    assert os.environ["JUPYTER_CONFIG_PATH"] == os.pathsep.join([str(lab.SETTINGS), "mine"])
    assert os.environ["JUPYTER_PATH"] == str(lab.SETTINGS)
    assert (lab.SETTINGS / "labconfig" / "default_setting_overrides.json").exists()
