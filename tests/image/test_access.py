# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who is told the password, and by which scheme a registry is spoken to."""
import subprocess

import fetcher_process as fetcher
from bytecode_image import Image, digest
from case import Case
from fetcher_process import PULL
from hostile_registry import Basic, Bearer, Registry


class Access(Case):
    """Who is told the password, and by which scheme."""

    def certificate(self):
        key, certificate = self.state / "key.pem", self.state / "ca.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-keyout", key, "-out", certificate, "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, stderr=subprocess.DEVNULL)
        return str(certificate), str(key)

    def https(self, **options):
        registry = Registry(tls=self.certificate(), **options).__enter__()
        self.addCleanup(registry.__exit__)
        return registry

    def test_https(self):
        registry = self.https()
        answer = self.job(PULL, Image(self.data).publish(registry), settings={"ca_file": registry.tls[0]})
        self.assertEqual(answer.count, 1)

    def test_https_of_nobody_we_trust(self):
        registry = self.https()
        failed = self.refused(PULL, Image(self.data).publish(registry))
        self.assertEqual(failed.code, fetcher.REGISTRY)
        self.assertIn("/etc/ssl/certs/ca-certificates.crt", failed.message)
        self.assertEqual(registry.log, [])

    def test_https_without_a_bundle(self):
        failed = self.refused(PULL, "registry.example/a:b", settings={"ca_file": str(self.state / "none.pem")})
        self.assertIn("none.pem, is not there", failed.message)

    def test_https_never_becomes_http(self):
        registry = self.https()
        image = Image(self.data)
        image.publish(self.registry)
        reference = image.publish(registry)
        registry.on("GET .*/blobs/" + digest(image.layer),
                    lambda handler: handler.answer(307, fields=[("Location", f"{self.registry.url}/v2/image/blobs/x")]))
        failed = self.refused(PULL, reference, settings={"ca_file": registry.tls[0]})
        self.assertIn("plain http", failed.message)
        self.assertEqual(self.registry.log, [])

    def test_basic(self):
        self.registry.auth = Basic("user", "secret")
        reference = Image(self.data).publish(self.registry)
        self.assertIn("wants a user name and a password", self.refused(PULL, reference).message)
        self.assertIn("refuses the user name or the password",
                      self.refused(PULL, reference, username="user", password="wrong").message)
        self.assertEqual(self.job(PULL, reference, username="user", password="secret").count, 1)
        # never before it is asked for
        self.assertNotIn("Authorization", self.registry.asked("GET .*/manifests/")[-2])

    def test_token(self):
        for auth, credentials in ((Bearer(), {}), (Bearer(name="access_token"), {}),
                                  (Bearer("user", "secret"), {"username": "user", "password": "secret"})):
            with self.subTest(auth=auth):
                self.registry.auth = auth
                reference = Image(self.data).publish(self.registry)
                self.assertEqual(self.job(PULL, reference, **credentials).count, 1)
        scopes = {path for _, path, _ in self.registry.log if path.startswith("/token")}
        self.assertEqual(scopes, {"/token?service=tests&scope=repository%3aimage%3apull"})

    def test_token_refused(self):
        self.registry.auth = Bearer("user", "secret")
        reference = Image(self.data).publish(self.registry)
        self.assertIn("without a user name", self.refused(PULL, reference).message)
        self.assertIn("refuses the user name", self.refused(PULL, reference, username="user", password="x").message)

    def test_redirect_to_another_port_takes_no_credentials(self):
        self.registry.auth = Basic("user", "secret")
        image = Image(self.data)
        reference = image.publish(self.registry)
        with Registry() as other:
            image.publish(other)
            self.registry.on("GET .*/blobs/" + digest(image.layer), lambda handler: handler.answer(
                307, fields=[("Location", f"{other.url}/v2/image/blobs/{digest(image.layer)}")]))
            self.assertEqual(self.job(PULL, reference, username="user", password="secret").count, 1)
            self.assertEqual(len(other.log), 1)
            self.assertNotIn("Authorization", other.log[0][2])

    def test_challenge_behind_a_redirect_is_not_answered(self):
        self.registry.auth = Basic("user", "secret")
        image = Image(self.data)
        reference = image.publish(self.registry)
        with Registry(auth=Basic("user", "secret")) as other:
            image.publish(other)
            self.registry.on("GET .*/blobs/", lambda handler: handler.answer(
                307, fields=[("Location", f"{other.url}/v2/image/blobs/{digest(image.layer)}")]))
            self.refused(PULL, reference, username="user", password="secret")
            self.assertFalse([fields for _, _, fields in other.log if "Authorization" in fields])

    def test_user_names_that_are_none(self):
        failed = self.refused(PULL, Image(self.data).publish(self.registry), username="a:b", password="c")
        self.assertEqual(failed.code, fetcher.INVALID_ARGUMENT)
        self.assertEqual(self.registry.log, [])

    def test_references_that_are_none(self):
        for reference in ("image", "", "a b/c", "127.0.0.1/../x:y", "http://127.0.0.1/x", "127.0.0.1/x@sha256:12"):
            with self.subTest(reference=reference):
                self.assertEqual(self.refused(PULL, reference).code, fetcher.INVALID_ARGUMENT)

    def test_nobody_there(self):
        failed = self.refused(PULL, "127.0.0.1:1/image:latest")
        self.assertEqual(failed.code, fetcher.REGISTRY)
        self.assertIn("cannot be reached", failed.message)
