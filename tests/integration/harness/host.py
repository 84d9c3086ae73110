# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a test function gets: scratch space, wires, daemons; and the registry of test functions."""
import pathlib
import sys

from .cgroup import Cgroup
from .daemon import Bpfd
from .net import Namespace, Wire
from .outcome import Skip

TESTS = []
SYSUSERS = pathlib.Path(__file__).resolve().parents[3] / "deploy" / "sysusers" / "bpfd.conf"


def test(*needs):
    """
    Marks a test function; `needs` name what the kernel must be able to: "extensions"; or "no kernel", where it is asked for nothing
    that one does otherwise than another: what is refused before it is asked, what clients say and how often, and what bpfd keeps of
    its own. A module's NEEDS hold for all of its tests.
    """

    def register(function):
        of_all = getattr(sys.modules[function.__module__], "NEEDS", ())
        TESTS.append((f"{function.__module__.removeprefix('test_')}.{function.__name__}", function, needs + of_all))
        return function

    return register


class Host:
    def __init__(self, source, build, scratch, needs):
        self.source, self.build, self.scratch, self.needs = source, build, pathlib.Path(scratch), needs
        self.daemons, self.wires, self.cgroups = [], {}, []

    def bpfd(self, name="bpfd", start=True, **sections):
        daemon = Bpfd(self.build, self.scratch, name, **sections)
        self.daemons.append(daemon)
        if start:
            daemon.start()
            self.needs_check(daemon)
        return daemon

    def needs_check(self, daemon):
        """bpfd itself says what its kernel cannot do; the tests' runner is told where that must not happen."""
        if "extensions" not in self.needs:
            return
        feature = daemon.features()["extension_programs"]
        if not feature["present"]:
            raise Skip(feature["detail"])

    def wire(self, name="v0", **options):
        self.wires[name] = Wire(name, **options)
        return self.wires[name]

    @staticmethod
    def netns(name="blue"):
        """bpfd's opener reaches those that are made before bpfd starts, and after that as many as come."""
        return Namespace(name)

    def cgroup(self, name="group"):
        """A control group of this test's own."""
        self.cgroups.append(Cgroup(f"{self.scratch.name}-{name}"))
        return self.cgroups[-1]

    def close(self):
        """Takes away what outlives the test's namespaces."""
        for cgroup in reversed(self.cgroups):
            cgroup.remove()

    def logs(self):
        return "".join(f"--- log of {daemon.directory.name}\n{daemon.log()}" for daemon in self.daemons)
