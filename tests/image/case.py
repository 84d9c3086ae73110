# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the fetcher's tests share: a registry, a directory for the cache, and the real program behind its real sandbox."""
import os
import pathlib
import shutil
import tempfile
import unittest

from fetcher_process import Failed, Fetcher
from hostile_registry import Registry

BUILD = pathlib.Path(os.environ.get("BPFD_BUILD", "build/dev")).resolve()
BINARY = BUILD / "bin/bpfd-fetcher"
MEASURE = BUILD / "tests/measure_tool"
OBJECT_FILE = BUILD / "bpf/xdp_counter.bpf.o"
MEMORY_MAX = 32 << 20
HASTY = {"total_ms": 3000, "stall_ms": 1000}  # for what shall take too long


class Case(unittest.TestCase):
    def setUp(self):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="bpfd-fetcher-test-", dir="/var/tmp"))
        self.state.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.state)
        self.data = OBJECT_FILE.read_bytes()
        self.registry = Registry().__enter__()
        self.addCleanup(self.registry.__exit__)

    def fetcher(self, **settings):
        return Fetcher(BINARY, self.state, **settings)

    def job(self, *arguments, settings=None, **options):
        process = self.fetcher(wrap=[str(MEASURE)], **settings or {})
        self.addCleanup(process.kill)
        try:
            answer = process.job(*arguments, **options)
        finally:
            self.peak = process.peak()
        self.assertLessEqual(self.peak, MEMORY_MAX)
        return answer

    def refused(self, *arguments, **options):
        with self.assertRaises(Failed) as caught:
            self.job(*arguments, **options)
        return caught.exception

    def files(self):
        return sorted(str(path.relative_to(self.state)) for path in self.state.rglob("*")
                      if path.is_file())

    def pulled(self):
        return len(self.registry.asked("GET .*/blobs/"))
