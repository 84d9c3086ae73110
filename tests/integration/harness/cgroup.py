# SPDX-License-Identifier: MIT OR Apache-2.0
"""Control groups, and processes in them."""
import os
import pathlib
import traceback

from .outcome import Fail

ROOT = pathlib.Path("/sys/fs/cgroup")


class Cgroup:
    def __init__(self, name, parent=ROOT):
        self.path = parent / name
        self.path.mkdir()

    def run(self, function, *arguments):
        """Calls a function in a process of its own in the group; it must not raise."""
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                (self.path / "cgroup.procs").write_text("0", encoding="ascii")
                function(*arguments)
                status = 0
            except BaseException:  # whatever it is, the parent has to know that it was
                traceback.print_exc()
            finally:
                os._exit(status)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
            raise Fail(f"{function.__name__} failed in {self.path}")

    def remove(self):
        if self.path.exists():
            self.path.rmdir()
