# SPDX-License-Identifier: MIT OR Apache-2.0
"""A private host for each table, as the integration tests have: see tests/integration/harness."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

from harness import isolate
from harness.host import SYSUSERS, Host
from harness.outcome import SLOWNESS, Skip

SOURCE = pathlib.Path(__file__).resolve().parents[3]
STATUS_SKIP = 77


class Bench(Host):
    """A host with the programs that measure; `disk` is a directory on a real file system, for the store's copy."""

    def __init__(self, build, scratch, disk, quick):
        super().__init__(SOURCE, build, scratch, ())
        self.tools, self.quick = build / "tests" / "bench", quick
        # a tmpfs would make every fsync of the copy free
        self.disk = pathlib.Path(disk)

    def daemon(self, **sections):
        sections.setdefault("paths", {})["state_directory"] = self.disk / "state"
        return self.bpfd(**sections)

    def daemon_named(self, name, **sections):
        """One of several, each with a state of its own."""
        sections["paths"] = {"state_directory": self.disk / name}
        return self.bpfd(name, **sections)

    def times(self, count):
        return max(3, count // 10) if self.quick else count

    def pause_ms(self):
        """Long enough for a new loader to be warm."""
        return 150 * SLOWNESS

    def tool(self, name, *arguments):
        """The JSON lines that it prints."""
        command = [str(self.tools / name), *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")
        return [json.loads(line) for line in result.stdout.splitlines()]

    def serve(self, name, *arguments):
        return subprocess.Popen([str(self.tools / name), *map(str, arguments)])

    def object(self, name):
        for directory in ("bpf", "tests"):
            path = self.build / directory / f"{name}.bpf.o"
            if path.exists():
                return path
        raise RuntimeError(f"{name}.bpf.o was not built")


def inside(function, build, quick, scratch, disk, report):
    isolate.populate(scratch, SYSUSERS, build / "bin")
    host = Bench(build, scratch, disk, quick)
    try:
        os.write(report, function(host).encode())
        return 0
    except Skip:
        return STATUS_SKIP
    except BaseException:  # whatever it is, it is told
        traceback.print_exc()
        print(host.logs(), file=sys.stderr, flush=True)
        return 1


def nested(*arguments):
    isolate.unshare()
    first = os.fork()
    if first == 0:
        os._exit(inside(*arguments))
    os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xFF)


def run(function, build, quick):
    """What `function(host)` returns, or None if this kernel cannot do it."""
    with tempfile.TemporaryDirectory(prefix="bpfd-bench-") as scratch, \
            tempfile.TemporaryDirectory(prefix="bpfd-bench-", dir="/var/tmp") as disk, tempfile.TemporaryFile() as report:
        os.chmod(disk, 0o755)
        pid = os.fork()
        if pid == 0:
            nested(function, build, quick, scratch, disk, report.fileno())
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status == STATUS_SKIP:
            return None
        if status:
            raise SystemExit(f"the measurement failed with status {status}")
        report.seek(0)
        return report.read().decode()
