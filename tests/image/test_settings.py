# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the launcher may not say."""
import fetcher_process as fetcher
from case import Case
from fetcher_process import Failed


class Settings(Case):
    def refused_settings(self, settings, says):
        process = self.fetcher(settings=settings)
        self.addCleanup(process.kill)
        with self.assertRaises(Failed) as caught:
            process.warm()
        self.assertIn(says, caught.exception.message)
        self.assertNotEqual(process.end(), 0)

    def pack(self, **change):
        values = {"log_level": 6, "signatures": 0, "total_ms": 1000, "stall_ms": 1000, "cache_size": 1 << 20, "insecure_count": 0,
                  "reserved": 0, "cache": str(self.state / "images").encode(), "ca": b"/ca.pem", **change}
        return fetcher.SETTINGS.pack(*values.values(), *[b""] * 16)

    def test_bad_ones(self):
        for change in ({"total_ms": 0}, {"stall_ms": 0}, {"total_ms": 1 << 31}, {"cache": b"images"}, {"cache": b"/" * 128}, {"ca": b""},
                       {"insecure_count": 17}, {"insecure_count": 1}, {"signatures": 2}, {"cache_size": 0}, {"log_level": 9},
                       {"cache": b"/a\0b"}):
            with self.subTest(change=change):
                self.refused_settings(self.pack(**change), "no settings from the launcher")
        self.refused_settings(self.pack()[:-1], "no settings from the launcher")
        self.refused_settings(self.pack(cache=str(self.state).encode()), "")

    def test_directory_that_is_not_there(self):
        self.refused_settings(self.pack(cache=str(self.state / "none/images").encode()), "No such file")

    def test_damaged_bundle(self):
        for content in (b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            (self.state / "ca.pem").write_bytes(content)
            self.refused_settings(self.pack(ca=str(self.state / "ca.pem").encode()), "ca.pem")
