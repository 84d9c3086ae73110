# SPDX-License-Identifier: MIT OR Apache-2.0
"""kill -9 at each step."""
import threading
import time

from bytecode_image import Image, digest
from case import Case
from fetcher_process import LIST, NEVER, OBJECT, PULL


class Killed(Case):
    """kill -9 at each step of a pull: the cache is what it was, and the next pull finds no trace."""

    def test_while_the_registry_answers(self):
        image = Image(self.data).index()
        reference = image.publish(self.registry)
        for path in (r"GET .*/manifests/latest", r"GET .*/manifests/sha256", "GET .*/blobs/" + digest(image.config),
                     "GET .*/blobs/" + digest(image.layer), r"GET .*/manifests/sha256-\w+\.sig", "GET .*/referrers/"):
            with self.subTest(path=path):
                reached, go = threading.Event(), threading.Event()

                def hold(handler, reached=reached, go=go):
                    reached.set()
                    go.wait(60)
                self.registry.answers[:] = [(path, hold)]
                process = self.fetcher().warm()
                process.send(OBJECT, reference, signatures=1)
                self.assertTrue(reached.wait(60))
                process.kill()
                go.set()
                self.assertEqual(self.files(), [])
        self.registry.answers.clear()
        self.assertEqual(self.job(OBJECT, reference, signatures=1).object, self.data)

    def test_leftovers_are_removed(self):
        reference = Image(self.data).publish(self.registry)
        self.job(PULL, reference)
        before = self.files()
        (self.state / "images/new.0123456789abcdef").write_bytes(b"half")
        (self.state / "images/somebody-else").write_bytes(b"")
        self.job(LIST)
        self.assertEqual([name for name in self.files() if "somebody-else" not in name], before)
        self.assertEqual(self.job(OBJECT, reference, policy=NEVER).object, self.data)

    def test_frontend_that_goes(self):
        Image(self.data).publish(self.registry)
        self.registry.on("GET .*/manifests/", lambda handler: time.sleep(3600))
        process = self.fetcher().warm()
        process.send(PULL, f"{self.registry.host}/image:latest")
        self.assertEqual(process.end(), 0)  # with the next progress that nobody takes
        process = self.fetcher().warm()
        self.assertEqual(process.end(), 0)
