# SPDX-License-Identifier: MIT OR Apache-2.0
"""The half of the registry protocol that bpfd-image uses."""
import subprocess

import fetcher_process as fetcher
from bytecode_image import digest
from case import BUILD, Case
from hostile_registry import Basic, Bearer, Registry


class Push(Case):
    """image/registry.h's other half, which bpfd-image uses."""

    def push(self, registry=None, user="", password="", blob="blob", ca_file="/none"):
        registry = registry or self.registry
        return subprocess.run([BUILD / "tests/push_tool", f"{registry.host}/image:latest", ca_file, user, password, blob],
                              capture_output=True, text=True, check=False, timeout=fetcher.HANG_SECONDS).stdout

    def test_anonymous(self):
        self.assertEqual(self.push(), "blob uploaded\nmanifest uploaded\n")
        self.assertEqual(self.registry.blobs, {digest(b"blob"): b"blob"})
        kind, body = self.registry.manifests["image", "latest"]
        self.assertEqual((kind, body), ("application/vnd.oci.image.manifest.v1+json", b'{"schemaVersion": 2}'))
        self.assertEqual(self.push(), "blob there\nmanifest uploaded\n")
        self.assertEqual(len(self.registry.asked("POST ")), 1)

    def test_large(self):
        blob = "x" * 100000
        self.assertEqual(self.push(blob=blob), "blob uploaded\nmanifest uploaded\n")
        self.assertEqual(self.registry.blobs, {digest(blob.encode()): blob.encode()})

    def test_token_to_push(self):
        self.registry.auth = Bearer("user", "secret")
        self.assertEqual(self.push(user="user", password="secret"), "blob uploaded\nmanifest uploaded\n")
        self.assertTrue(self.registry.asked("GET /token.*scope=repository%3aimage%3apull%2cpush"))
        self.assertIn("refuses the user name", self.push(user="user", password="wrong"))

    def test_basic(self):
        self.registry.auth = Basic("user", "secret")
        self.assertEqual(self.push(user="user", password="secret"), "blob uploaded\nmanifest uploaded\n")
        self.assertIn("wants a user name", self.push())

    def test_upload_elsewhere_takes_no_credentials(self):
        self.registry.auth = Basic("user", "secret")
        with Registry() as other:
            self.registry.on("POST ", lambda handler: handler.answer(
                202, fields=[("Location", f"{other.url}/v2/image/blobs/uploads/7")]))
            self.assertEqual(self.push(user="user", password="secret"), "blob uploaded\nmanifest uploaded\n")
            self.assertEqual(other.blobs, {digest(b"blob"): b"blob"})
            self.assertNotIn("Authorization", other.log[0][2])
            other.auth = Basic("user", "secret")
            self.assertIn("refuses", self.push(user="user", password="secret", blob="another"))
            self.assertFalse([fields for _, _, fields in other.log if "Authorization" in fields])

    def test_upload_to_nowhere(self):
        for location in ("ftp://127.0.0.1/x", "http://192.0.2.1/x", "https://user:secret@127.0.0.1/", ""):
            with self.subTest(location=location):
                self.registry.answers[:] = [("POST ", lambda handler, location=location: handler.answer(
                    202, fields=[("Location", location)]))]
                self.assertRegex(self.push(), "^15: ")
                self.assertEqual(self.registry.blobs, {})

    def test_refusals(self):
        for pattern in ("HEAD ", "POST ", "PUT .*uploads", "PUT .*manifests"):
            with self.subTest(pattern=pattern):
                self.registry.blobs.clear()
                self.registry.answers[:] = [(pattern, lambda handler: handler.refuse(403, "DENIED", "read only"))]
                self.assertIn("does not let this user at", self.push())
