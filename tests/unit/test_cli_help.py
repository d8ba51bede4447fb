"""The help of each command: it fits, and says what the command ends with."""

import pytest
from command_line import invoke

COMMANDS = [
    [],
    ["demo"],
    ["setup"],
    ["schema"],
    ["threads"],
    ["show"],
    ["export"],
    ["archive"],
    ["restore"],
    ["erase"],
    ["worker"],
    ["prune"],
    ["dead-letters"],
    ["dead-letters", "retry"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_fits_eighty_columns_and_tells_the_exit_codes(command):
    done = invoke(*command, "--help", COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    told = " ".join(done.stdout.split())
    assert "Ends with 0 when done, 1 if a server or a thread is at fault, 2 on" in told
    assert "130 when Ctrl-C stopped it." in told


def test_every_command_is_listed():
    told = invoke("--help", COLUMNS="80").stdout
    listed = {line.split()[1] for line in told.splitlines() if line.startswith("│ ")}
    assert {command[0] for command in COMMANDS if command} <= listed
