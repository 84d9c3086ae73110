# SPDX-License-Identifier: MIT OR Apache-2.0
"""The real bpfd-verifier behind its real sandbox: what it takes, what it refuses, and what ends it."""
import hashlib
import json
import os
import pathlib
import subprocess

import verifier_process as verifier
from bytecode_image import Image, descriptor, gzip_bomb, to_json, zstd_bomb
from fetcher_process import sealed
from verifier_case import (BUNDLE, Key, KEY_KINDS, BINARY, KEYLESS, IDENTITY, ISSUER, REFERENCE, SIMPLE_SIGNING, VerifierCase,
                           bundle, encoded, openssl, payload, sha256, signature_parts, simple, statement)
from verifier_process import (LAYER, NONE, REFUSED, SIGNATURE_BLOB, SIGNATURE_MANIFEST, UNTRUSTED, Answer,
                              Verifier, evidence_bytes, key_rule, none_rule, trust_bytes)


class Keys(VerifierCase):
    def test_both_formats(self):
        for make in (simple, bundle):
            answer = self.verified(make(self.ours, self.digest))
            self.assertEqual((answer.kind, answer.key, answer.identity), (verifier.KIND_KEY, "/etc/bpfd/ours.pub", ""))

    def test_every_kind_of_key(self):
        for kind in KEY_KINDS:
            key = Key(self.directory.name, kind)
            for make in (simple, bundle):
                with self.subTest(kind=kind, make=make.__name__):
                    self.verified(make(key, self.digest), trust=self.trust(keys=[key.public]))
                    self.refused("not by that key", make(key, self.digest))

    def test_index(self):
        self.image.index()
        for make in (simple, bundle):
            self.verified(make(self.ours, self.digest))
            child = "sha256:" + hashlib.sha256(self.image.manifest_body).hexdigest()
            self.refused("about another image", make(self.ours, child))

    def test_one_of_several_will_do(self):
        self.verified(simple(self.theirs, self.digest), bundle(self.theirs, self.digest), simple(self.ours, self.digest))

    def test_two_keys_sign_one_payload(self):
        blob = payload(self.digest)
        layers = [descriptor(SIMPLE_SIGNING, blob, annotations={"dev.cosignproject.cosign/signature": encoded(key.sign(blob))})
                  for key in (self.theirs, self.ours)]
        manifest = to_json({"schemaVersion": 2, "config": descriptor("application/vnd.oci.image.config.v1+json", b"{}"), "layers": layers})
        self.verified([(SIGNATURE_MANIFEST, manifest), (SIGNATURE_BLOB, blob), (SIGNATURE_BLOB, blob)])
        self.refused("not by that key", [(SIGNATURE_MANIFEST, manifest), (SIGNATURE_BLOB, blob)])

    def test_any_rule_will_do(self):
        rules = (key_rule("registry.example/*", "ours.pub", 1), key_rule("registry.example/*", "theirs.pub", 2))
        for key, name in ((self.ours, "ours.pub"), (self.theirs, "theirs.pub")):
            self.assertEqual(self.verified(simple(key, self.digest), trust=self.trust(*rules)).key, name)

    def test_none_at_all(self):
        answer = self.refused("no signature")
        self.assertEqual(answer.code, UNTRUSTED)
        self.assertIn(f"registry.example/bpf/counter@{self.digest}", answer.message)

    def test_wrong_key(self):
        for make in (simple, bundle):
            self.refused("not by that key", make(self.theirs, self.digest))

    def test_of_another_image(self):
        other = "sha256:" + hashlib.sha256(b"another").hexdigest()
        for make in (simple, bundle):
            self.refused("about another image", make(self.ours, other))

    def test_tampered(self):
        self.refused("not by that key", simple(self.ours, self.digest, signed=payload(self.digest), tampered=True))

        def other_payload(value):
            changed = statement(self.digest) | {"predicate": {"changed": True}}
            value["dsseEnvelope"]["payload"] = encoded(to_json(changed))
        self.refused("not by that key", bundle(self.ours, self.digest, change=other_payload))

    def test_bytes_that_the_manifest_does_not_name(self):
        parts = self.parts(simple(self.ours, self.digest))
        parts[-1] = (SIGNATURE_BLOB, payload(self.digest) + b" ")
        self.refused("not those that its manifest names", parts=parts)

    def test_forms_that_are_none(self):
        other = statement(self.digest) | {"predicateType": "https://slsa.dev/provenance/v1"}
        self.refused("states something else", bundle(self.ours, self.digest, stated=other))
        self.refused("envelope cannot be read", bundle(self.ours, self.digest, kind="text/plain"))
        for change in (lambda value: value.update(mediaType="application/vnd.dev.sigstore.bundle.v9+json"),
                       lambda value: value.pop("dsseEnvelope"),
                       lambda value: value.update(messageSignature={})):
            self.refused("of a kind that bpfd does not know", bundle(self.ours, self.digest, change=change))
        for blob in (b"", b"{", b"[]", b'{"a":1,"a":2}', b"\xff" * 100, b"[" * 1000):
            self.refused("cannot be read", signature_parts(BUNDLE, blob))
            self.refused("cannot be read", signature_parts(SIMPLE_SIGNING, blob))
        for text in ("!", encoded(b"sig") + "\n", " " + encoded(b"sig"), "QQ", "QR=="):
            self.refused("no base64", signature_parts(SIMPLE_SIGNING, payload(self.digest), {"dev.cosignproject.cosign/signature": text}))
        self.refused("no base64", signature_parts(SIMPLE_SIGNING, payload(self.digest)))
        self.refused("no signature on a container image", signature_parts(SIMPLE_SIGNING, to_json({"critical": {"type": "x"}})))
        self.refused("manifest cannot be read", [(SIGNATURE_MANIFEST, b"{"), (SIGNATURE_BLOB, b"{}")])
        self.refused("no signature", [(SIGNATURE_BLOB, payload(self.digest))])


class Identities(VerifierCase):
    """What is taken and refused otherwise is the unit test's: here is the same behind the filter, and within the memory."""

    def keyless(self, kind, identity=IDENTITY, issuer=ISSUER):
        made = json.loads(subprocess.run([str(KEYLESS), kind, self.digest.removeprefix("sha256:")], check=True, stdout=subprocess.PIPE).stdout)
        trust = trust_bytes([verifier.keyless_rule("registry.example/*", identity, issuer)], [to_json(made["root"])], 1)
        if "bundle" in made:
            return trust, signature_parts(BUNDLE, to_json(made["bundle"]))
        return trust, signature_parts(SIMPLE_SIGNING, made["payload"].encode(), made["annotations"])

    def test_good(self):
        for kind in ("annotations", "annotations-timestamp", "bundle", "bundle-timestamp"):
            with self.subTest(kind=kind):
                trust, parts = self.keyless(kind)
                answer = self.verified(parts, trust=trust)
                self.assertEqual((answer.kind, answer.key, answer.identity, answer.issuer), (verifier.KIND_KEYLESS, "", IDENTITY, ISSUER))

    def test_bad(self):
        for kind, word in (("annotations-promise", "promise"), ("bundle-expired", "certificate has expired"),
                           ("bundle-authority", "unable to get")):
            with self.subTest(kind=kind):
                trust, parts = self.keyless(kind)
                self.refused(word, parts, trust=trust)

    def test_another(self):
        for options, word in (({"identity": IDENTITY + "2"}, f"it is by {IDENTITY}"), ({"issuer": ISSUER + "/"}, "not as that issuer")):
            trust, parts = self.keyless("bundle", **options)
            self.refused(word, parts, trust=trust)

    def test_key_where_an_identity_is_wanted(self):
        trust, _ = self.keyless("bundle")
        for make in (simple, bundle):
            self.refused("by a key, not by an identity", make(self.ours, self.digest), trust=trust)

    def test_identity_where_a_key_is_wanted(self):
        for kind in ("annotations", "bundle"):
            self.refused("not by that key", self.keyless(kind)[1])


class Rules(VerifierCase):
    def test_nobody_wants_one(self):
        for trust in (trust_bytes(()), self.trust(none_rule("registry.example/*")), self.trust(key_rule("other.example/*", "x", 1))):
            answer = self.judge(self.parts(), trust=trust)
            self.assertEqual((answer.verdict, answer.kind, answer.object), (NONE, 0, sha256(self.data)))

    def test_demand(self):
        self.refused("no rule says whose would do", trust=trust_bytes(()), demand=1)
        self.refused("no rule says whose would do", simple(self.ours, self.digest), trust=self.trust(none_rule("registry.example/*")), demand=1)
        both = self.trust(none_rule("registry.example/bpf/*"), key_rule("registry.example/*", "ours.pub", 1))
        self.assertEqual(self.judge(self.parts(), trust=both).verdict, NONE)
        self.refused("no signature", trust=both, demand=1)
        self.assertEqual(self.verified(simple(self.ours, self.digest), trust=both, demand=1).key, "ours.pub")

    def test_longest_pattern(self):
        trust = self.trust(key_rule("*", "ours.pub", 1), key_rule("registry.example/bpf/counter", "theirs.pub", 2))
        self.assertEqual(self.verified(simple(self.theirs, self.digest), trust=trust).key, "theirs.pub")
        self.refused("not by that key", simple(self.ours, self.digest), trust=trust)
        self.verified(simple(self.ours, self.digest), trust=trust, reference="registry.example/bpf/other:1")

    def test_reference_that_is_none(self):
        self.assertEqual(self.judge(self.parts(), reference="counter").verdict, REFUSED)


class Chain(VerifierCase):
    """From the digest to the object by hashing: whatever the frontend and the fetcher say."""

    def signed(self):
        return simple(self.ours, self.digest)

    def test_other_object(self):
        answer = self.refused("the object in the image is another one", self.signed(), data=self.data + b"\0")
        self.assertEqual((answer.code, answer.object), (UNTRUSTED, sha256(self.data + b"\0")))

    def test_other_digest(self):
        other = "sha256:" + hashlib.sha256(b"another").hexdigest()
        self.refused("does not lead to the object", simple(self.ours, other), digest=other)

    def test_every_level(self):
        self.image.index()
        good = self.parts(self.signed())
        for level in range(3):
            parts = list(good)
            kind, data = parts[level]
            parts[level] = (kind, data.replace(b"a", b"b", 1) if kind != LAYER else data[:-1] + bytes([data[-1] ^ 1]))
            with self.subTest(level=level):
                self.refused("has the digest", parts=parts)
        for level in range(3):
            with self.subTest(without=level):
                self.refused("does not lead to the object", parts=good[:level] + good[level + 1:])
        self.refused("does not lead to the object", parts=[])

    def test_bombs(self):
        for bomb in (gzip_bomb(64 << 20), zstd_bomb(64 << 20)):
            self.image = Image(self.data, layer=bomb)
            self.refused("does not lead to the object", self.signed())


class Ends(VerifierCase):
    """What is no question ends the process, and is answered with nothing."""

    def ends(self, process, word):
        self.assertEqual(process.receive(), (None, None))
        self.assertEqual(process.end(), 1)
        self.assertIn(word, process.log())

    def test_bodies(self):
        good = verifier.QUESTION.pack(REFERENCE.encode(), bytes(32), 0, 0)
        for body in (b"", verifier.QUESTION.pack(b"", bytes(32), 0, 0), verifier.QUESTION.pack(REFERENCE.encode(), bytes(32), 2, 0),
                     verifier.QUESTION.pack(REFERENCE.encode(), bytes(32), 0, 1), verifier.QUESTION.pack(b"a" * 512, bytes(32), 0, 0),
                     verifier.QUESTION.pack(b"a\0b", bytes(32), 0, 0), good + b"x", good + bytes(40)):
            process = self.warm()
            process.send(verifier.VERIFY, body, (sealed(b"object"), sealed(evidence_bytes([]))))
            self.ends(process, "a question that is none")

    def test_types_and_descriptors(self):
        body = verifier.QUESTION.pack(REFERENCE.encode(), bytes(32), 0, 0)
        for kind, count in ((verifier.VERDICT, 0), (99, 0), (verifier.VERIFY, 0), (verifier.VERIFY, 1), (verifier.VERIFY, 3)):
            process = self.warm()
            process.send(kind, body, [sealed(b"x") for _ in range(count)])
            self.ends(process, "a question that is none")

    def test_nobody_asks(self):
        self.assertEqual(self.warm().end(), 0)

    def test_descriptors_that_are_no_sealed_memfds(self):
        for object_fd, evidence_fd, word in ((os.memfd_create("x"), sealed(evidence_bytes([])), "the object cannot be read"),
                                             (os.open("/dev/null", os.O_RDONLY), sealed(evidence_bytes([])), "the object cannot be read"),
                                             (sealed(b"object"), os.memfd_create("x"), "no sealed memfd"),
                                             (sealed(b"object"), sealed(b"x" * 40), "begin as it should")):
            process = self.warm()
            process.ask(REFERENCE, bytes(32), object_fd, evidence_fd)
            kind, body = process.receive()
            self.assertEqual((kind, Answer(body).verdict), (verifier.VERDICT, REFUSED))
            self.assertIn(word, Answer(body).message)
            self.assertEqual(process.end(), 0)

    def test_killed(self):
        process = self.warm()
        process.kill()
        self.assertEqual(process.status, -9)


class Trust(VerifierCase):
    def failed(self, trust, word):
        process = Verifier(BINARY, trust)
        self.addCleanup(process.kill)
        kind, body = process.receive()
        self.assertEqual(kind, verifier.FAILED, process.log())
        self.assertIn(word, Answer(body).message)
        self.assertEqual(process.end(), 1)
        if os.environ.get("BPFD_TEST_VERBOSE"):
            print(f"{self.id()}: {Answer(body).message}")

    def test_form(self):
        good = self.trust()
        self.failed(os.memfd_create("x"), "no sealed memfd")
        for data in (b"", good[:20], b"x" + good[1:], good[:-8], good + bytes(8), good[:8] + b"\xff" * 4 + good[12:]):
            self.failed(data, "defect of bpfd's")
        for rule in (key_rule("", "x", 1), key_rule("a/*", "", 1), key_rule("a/*", "x", 3), key_rule("a/*", "x", 0), ("a", 9, 0, "", "", "")):
            self.failed(self.trust(rule), "a rule")

    def test_keys_that_are_none(self):
        secret = self.ours.path.read_bytes()
        for data in (b"", b"no key\n", secret, self.ours.public[:-40]):
            self.failed(self.trust(keys=[data]), "ours.pub holds no public key")
        weak = pathlib.Path(self.directory.name) / "weak.pem"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", str(weak))
        curve = pathlib.Path(self.directory.name) / "curve.pem"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1", "-out", str(curve))
        for path in (weak, curve):
            self.failed(self.trust(keys=[openssl("pkey", "-in", str(path), "-pubout")]), "none that can be used")

    def test_keyless_without_a_root(self):
        self.failed(trust_bytes([verifier.keyless_rule("a/*", "me@example.org", "https://issuer.example")]), "no trusted root is installed")

    def test_roots_that_are_none(self):
        rule = verifier.keyless_rule("a/*", "me@example.org", "https://issuer.example")
        for data, word in ((b"{", "trusted root"), (b"[]", "trusted root"), (json.dumps({}).encode(), "names no")):
            self.failed(trust_bytes([rule], [data], 1), word)
