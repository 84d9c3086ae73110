# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every one of hostile_images.BEHAVIOURS: a clear error, in time, in little memory, and nothing in the cache."""
import os
import sys

from case import Case, HASTY, MEMORY_MAX
from fetcher_process import OBJECT, TIMEOUT
from hostile_images import BEHAVIOURS


class Hostile(Case):
    peaks = {}  # bytes, by behaviour

    @classmethod
    def tearDownClass(cls):
        if cls.peaks:
            most = max(cls.peaks, key=cls.peaks.get)
            print(f"most memory: {cls.peaks[most] >> 10} KiB of {MEMORY_MAX >> 10}, with {most}", file=sys.stderr)


def hostile_test(name, behaviour):
    def test(self):
        reference = behaviour.serve(self.registry, self.data)
        user, password = behaviour.credentials or ("", "")
        failed = self.refused(OBJECT, reference, settings=HASTY if TIMEOUT in behaviour.codes else None, username=user, password=password)
        self.assertIn(failed.code, behaviour.codes, failed.message)
        self.assertIn(behaviour.says, failed.message)
        self.assertTrue(failed.message.isprintable() and len(failed.message) > 10, repr(failed.message))
        self.assertLessEqual(self.peak, MEMORY_MAX)
        self.assertEqual(self.files(), [])
        if os.environ.get("BPFD_TEST_VERBOSE"):
            print(f"{name}: {self.peak >> 10} KiB: {failed.message}", file=sys.stderr)
        Hostile.peaks[name] = self.peak
    test.__doc__ = behaviour.about
    return test


for behaviour_name, one in BEHAVIOURS.items():
    setattr(Hostile, f"test_{behaviour_name}", hostile_test(behaviour_name, one))
