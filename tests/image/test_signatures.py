# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is found beside an image."""
import fetcher_process as fetcher
from bytecode_image import Image, descriptor, digest, to_json
from case import Case
from fetcher_process import IF_NOT_PRESENT, NEVER, OBJECT, PULL, REMOVE


SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


class Signatures(Case):
    def setUp(self):
        super().setUp()
        self.image = Image(self.data)
        self.reference = self.image.publish(self.registry)

    def sign(self, tag=None, kind=SIMPLE_SIGNING, payload=b"{}", **more):
        registry = self.registry
        registry.blobs[digest(payload)] = payload
        config = b"{}"
        body = to_json({"schemaVersion": 2, "mediaType": self.image.manifest_type,
                        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
                        "layers": [descriptor(kind, payload)], **more})
        for name in filter(None, (tag, digest(body))):
            registry.manifests["image", name] = (self.image.manifest_type, body)
        return body

    def subject(self, data=None):
        return descriptor(self.image.manifest_type, data or self.image.root)

    def tag(self, end=""):
        return digest(self.image.root).replace(":", "-") + end

    def count(self, **options):
        return self.job(OBJECT, self.reference, signatures=1, **options).images[0].signature_count

    def test_none(self):
        self.assertEqual(self.count(), 0)

    def test_not_asked_for(self):
        self.sign(self.tag(".sig"))
        self.assertEqual(self.job(OBJECT, self.reference).images[0].signature_count, 0)
        self.assertFalse(self.registry.asked("sha256-|referrers"))

    def test_settings_ask_too(self):
        self.sign(self.tag(".sig"))
        self.assertEqual(self.job(OBJECT, self.reference, settings={"signatures": 1}).images[0].signature_count, 1)

    def test_cosign_2(self):
        body = self.sign(self.tag(".sig"), payload=b'{"critical":{}}')
        answer = self.job(OBJECT, self.reference, signatures=1)
        self.assertEqual(answer.images[0].signature_count, 1)
        self.assertIn(body, answer.evidence)
        self.assertIn(b'{"critical":{}}', answer.evidence)

    def test_cosign_3_by_referrers(self):
        body = self.sign(kind=BUNDLE, payload=b"bundle", subject=self.subject())
        other = self.sign(kind="text/spdx+json", payload=b"sbom", subject=self.subject())
        foreign = self.sign(kind=BUNDLE, payload=b"other", subject=self.subject(b"another"))
        self.registry.referrers = {digest(self.image.root): [
            descriptor(self.image.manifest_type, one, artifactType=BUNDLE) for one in (other, foreign, body)]}
        answer = self.job(OBJECT, self.reference, signatures=1)
        self.assertEqual(answer.images[0].signature_count, 1)
        self.assertIn(body, answer.evidence)
        self.assertNotIn(b"sbom", answer.evidence)

    def test_cosign_3_by_fallback_tag(self):
        body = self.sign(kind=BUNDLE, payload=b"bundle", subject=self.subject())
        index = to_json({"schemaVersion": 2, "mediaType": self.image.index_type, "manifests": [
            descriptor(self.image.manifest_type, body, artifactType="application/wrong")]})
        self.registry.manifests["image", self.tag()] = (self.image.index_type, index)
        self.assertEqual(self.count(), 1)

    def test_of_an_index(self):
        self.image.index()
        self.reference = self.image.publish(self.registry)
        self.sign(self.tag(".sig"))
        self.assertEqual(self.count(), 1)

    def test_no_more_than_16_manifests(self):
        bodies = [self.sign(kind=BUNDLE, payload=f"bundle {number}".encode(), subject=self.subject()) for number in range(40)]
        self.registry.referrers = {digest(self.image.root): [descriptor(self.image.manifest_type, one) for one in bodies]}
        self.assertEqual(self.count(), 16)

    def test_payloads_too_large(self):
        for kind, size in ((SIMPLE_SIGNING, (64 << 10) + 1), (BUNDLE, (256 << 10) + 1)):
            self.sign(self.tag(".sig"), kind=kind, payload=bytes(size))
            failed = self.refused(OBJECT, self.reference, signatures=1)
            self.assertEqual(failed.code, fetcher.REGISTRY)
            self.assertEqual(self.files(), [])

    def test_wrong_digest(self):
        body = self.sign(kind=BUNDLE, payload=b"bundle", subject=self.subject())
        self.registry.referrers = {digest(self.image.root): [descriptor(self.image.manifest_type, body)]}
        self.registry.blobs[digest(b"bundle")] = b"bumble"
        self.assertIn("has the digest", self.refused(OBJECT, self.reference, signatures=1).message)
        self.registry.manifests["image", digest(body)] = (self.image.manifest_type, self.image.root)
        self.assertIn("has the digest", self.refused(OBJECT, self.reference, signatures=1).message)
        self.assertEqual(self.files(), [])

    def test_failures_are_failures(self):
        for path in (r"manifests/sha256-\w+\.sig", "referrers/", r"manifests/sha256-\w+$"):
            with self.subTest(path=path):
                self.registry.answers[:] = [(path, lambda handler: handler.refuse(500, "X"))]
                self.assertEqual(self.refused(OBJECT, self.reference, signatures=1).code, fetcher.REGISTRY)
                self.assertEqual(self.files(), [])

    def test_what_is_no_signature_is_passed_over(self):
        self.registry.manifests["image", self.tag(".sig")] = (self.image.manifest_type, b'{"schemaVersion": 2}')
        self.registry.manifests["image", self.tag()] = (self.image.manifest_type, self.image.root)
        self.assertEqual(self.count(), 0)

    def test_always_looks_again(self):
        self.assertEqual(self.count(), 0)
        self.sign(self.tag(".sig"))
        self.assertEqual(self.count(policy=IF_NOT_PRESENT), 0)
        asked = self.pulled()
        answer = self.job(OBJECT, self.reference, signatures=1)
        self.assertEqual((answer.images[0].signature_count, answer.object, answer.cached), (1, self.data, 0))
        self.assertEqual(self.pulled(), asked + 1)  # the payload alone
        self.assertEqual(self.count(policy=NEVER), 1)
        self.assertTrue(self.job(OBJECT, self.reference, signatures=1).cached)

    def test_fetcher_that_was_warm_before_a_change(self):
        self.assertEqual(self.count(), 0)
        before = self.fetcher().warm()
        self.addCleanup(before.kill)
        self.sign(self.tag(".sig"))
        self.assertEqual(self.count(), 1)
        before.send(OBJECT, self.reference, policy=NEVER)
        kind, body, _ = before.receive()
        self.assertEqual((kind, fetcher.Image(body).signature_count), (fetcher.IMAGE, 1))
        before = self.fetcher().warm()
        self.addCleanup(before.kill)
        self.job(REMOVE, self.reference)
        before.send(OBJECT, self.reference, policy=NEVER)
        self.assertEqual(before.receive()[0], fetcher.FAILED)

    def test_pulled_before_anybody_wanted_them(self):
        self.sign(self.tag(".sig"))
        self.job(PULL, self.reference)
        self.assertEqual(self.count(policy=NEVER), 0)
        self.assertEqual(self.count(policy=IF_NOT_PRESENT), 1)
        self.assertEqual(self.count(policy=NEVER), 1)

    def test_pulled_before_and_no_registry_now(self):
        self.job(PULL, self.reference)
        self.registry.server.server_close()
        answer = self.job(OBJECT, self.reference, policy=IF_NOT_PRESENT, settings={"signatures": 1})
        self.assertEqual((answer.object, answer.images[0].signature_count), (self.data, 0))
        failed = self.refused(OBJECT, self.reference, policy=IF_NOT_PRESENT, signatures=1)
        self.assertIn("cannot be reached", failed.message)
