"""A child process that was forked uses the saver as its parent does."""

import subprocess
import sys

import pytest
from raw_checkpoints import config_of, values_at

from langgraph_dualstore import DualStoreSaver

# In a program of its own: a forked test runner would go on with the tests.
PROGRAM = """
import asyncio, os, sys, threading
from conversations import messages, talk
from raw_checkpoints import config_of, values_at
from langgraph_dualstore import DualStoreSaver

url, used, methods = sys.argv[1:]
saver = DualStoreSaver.from_conn_string(url)

def use(name, steps):
    if methods == "sync":
        last = talk(saver, steps, thread_id=name)
        assert values_at(saver, last)["messages"] == messages(steps)
        return
    from async_twins import AsyncTwins
    twins = AsyncTwins(saver)
    last = talk(twins, steps, thread_id=name)
    assert values_at(twins, last)["messages"] == messages(steps)
    twins.loop.run(saver.aclose()) if steps % 2 else None
    twins.close()

def talk_on(name):
    # Several at once, so that there are connections to spare, and locks in use.
    talk(saver, 20, thread_id=name)

if used == "used":
    use("before", 3)
    busy = [threading.Thread(target=talk_on, args=(f"thread {n}",)) for n in range(3)]
    for thread in busy:
        thread.start()
    for thread in busy:
        thread.join()
    use("before", 3)
    threading.Thread(target=talk_on, args=("thread",)).start()
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        try:
            for turn in range(5):
                use(f"child {number}", 4 + turn)
            found = saver.get_tuple(config_of("before"))
            assert (found is not None) == (used == "used"), found
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    children.append(child)
for turn in range(10):
    use("parent", 4 + turn)
codes = [os.waitpid(child, 0)[1] for child in children]
use("parent", 20)
saver.close()
assert codes == [0, 0, 0], codes
"""


@pytest.mark.parametrize(
    ("used", "methods"), [("used", "sync"), ("unused", "sync"), ("used", "async")]
)
def test_parent_and_children_use_the_saver_at_once(redis_url, tmp_path, used, methods):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, redis_url, used, methods],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with DualStoreSaver.from_conn_string(redis_url) as fresh:
        for name, steps in (("parent", 20), *((f"child {number}", 8) for number in range(3))):
            assert values_at(fresh, config_of(name))["count"] == steps
        for found in fresh.list(None):
            values = found.checkpoint["channel_values"]
            assert len(values["messages"]) == values["count"]
