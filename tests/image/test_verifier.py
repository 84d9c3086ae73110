# SPDX-License-Identifier: MIT OR Apache-2.0
"""The real bpfd-verifier behind its real sandbox: what it takes, what it refuses, and what ends it."""
import base64
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import verifier_process as verifier
from bytecode_image import Image, descriptor, gzip_bomb, to_json, zstd_bomb
from case import BUILD, MEASURE, MEMORY_MAX, OBJECT_FILE
from fetcher_process import sealed
from verifier_process import (INDEX, LAYER, MANIFEST, NONE, REFUSED, SIGNATURE_BLOB, SIGNATURE_MANIFEST, UNTRUSTED, VERIFIED, Answer, Verifier,
                              evidence_bytes, key_rule, none_rule, trust_bytes)

BINARY = BUILD / "bin/bpfd-verifier"
KEYLESS = BUILD / "tests/keyless_tool"
IDENTITY, ISSUER = "https://example.org/builds/release.yaml@refs/heads/main", "https://issuer.example.org"
REFERENCE = "registry.example/bpf/counter:1"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
KEY_KINDS = {"P-256": (["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha256"]),
             "P-384": (["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ["-sha384"]),
             "RSA": (["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ["-sha256"]),
             "Ed25519": (["ED25519"], None)}


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Key:
    def __init__(self, directory, kind="P-256"):
        self.path = pathlib.Path(directory) / f"{kind}-{len(list(pathlib.Path(directory).iterdir()))}.pem"
        options, self.digest = KEY_KINDS[kind]
        openssl("genpkey", "-algorithm", *options, "-out", str(self.path))
        self.public = openssl("pkey", "-in", str(self.path), "-pubout")

    def sign(self, data):
        if self.digest:
            return openssl("dgst", *self.digest, "-sign", str(self.path), data=data)
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return openssl("pkeyutl", "-sign", "-inkey", str(self.path), "-rawin", "-in", file.name)


def encoded(data):
    return base64.b64encode(data).decode()


def sha256(data):
    return hashlib.sha256(data).digest()


def payload(digest, **more):
    return to_json({"critical": {"identity": {"docker-reference": "registry.example/bpf/counter"}, "image": {"docker-manifest-digest": digest},
                                 "type": "cosign container image signature"}, "optional": None, **more})


def signature_parts(layer_type, blob, annotations=None):
    manifest = to_json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                        "config": descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
                        "layers": [descriptor(layer_type, blob, **{"annotations": annotations} if annotations else {})]})
    return [(SIGNATURE_MANIFEST, manifest), (SIGNATURE_BLOB, blob)]


def simple(key, digest, signed=None, **more):
    blob = payload(digest, **more)
    return signature_parts(SIMPLE_SIGNING, blob, {"dev.cosignproject.cosign/signature": encoded(key.sign(signed or blob))})


def statement(digest):
    return {"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
            "predicateType": "https://sigstore.dev/cosign/sign/v1", "predicate": {}}


def bundle(key, digest, *, kind="application/vnd.in-toto+json", stated=None, change=lambda value: None):
    data = to_json(stated or statement(digest))
    text = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(data), data)
    value = {"mediaType": BUNDLE, "verificationMaterial": {"publicKey": {"hint": ""}},
             "dsseEnvelope": {"payload": encoded(data), "payloadType": kind, "signatures": [{"sig": encoded(key.sign(text))}]}}
    change(value)
    return signature_parts(BUNDLE, to_json(value))


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.ours, cls.theirs = Key(cls.directory.name), Key(cls.directory.name)
        cls.data = OBJECT_FILE.read_bytes()

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def setUp(self):
        self.image = Image(self.data)

    def parts(self, *signatures):
        parts = [(INDEX, self.image.index_body)] if self.image.index_body else []
        parts += [(MANIFEST, self.image.manifest_body), (LAYER, self.image.layer)]
        return parts + [part for signature in signatures for part in signature]

    @property
    def digest(self):
        return "sha256:" + hashlib.sha256(self.image.root).hexdigest()

    def trust(self, *rules, keys=None):
        return trust_bytes(rules or (key_rule("registry.example/*", "/etc/bpfd/ours.pub", 1),), keys or [self.ours.public, self.theirs.public])

    def warm(self, trust=None, **options):
        process = Verifier(BINARY, self.trust() if trust is None else trust, **options)
        self.addCleanup(process.kill)
        kind, body = process.receive()
        self.assertEqual(kind, verifier.WARM, body and Answer(body).message or process.log())
        return process

    def judge(self, parts, *, trust=None, reference=REFERENCE, demand=0, data=None, digest=None):
        process = self.warm(trust, wrap=[str(MEASURE)])
        process.ask(reference, bytes.fromhex((digest or self.digest).removeprefix("sha256:")), sealed(self.data if data is None else data),
                    sealed(evidence_bytes(parts)), demand)
        kind, body = process.receive()
        self.assertEqual(kind, verifier.VERDICT, process.log())
        self.assertEqual(process.end(), 0, process.log())
        peak = int(re.search(r"^measured (\d+) KiB$", process.log(), re.MULTILINE)[1]) << 10
        self.assertLessEqual(peak, MEMORY_MAX)
        return Answer(body)

    def verified(self, *signatures, **options):
        answer = self.judge(self.parts(*signatures), **options)
        self.assertEqual((answer.verdict, answer.message), (VERIFIED, ""))
        self.assertEqual((answer.object, answer.image), (sha256(self.data), bytes.fromhex(self.digest.removeprefix("sha256:"))))
        return answer

    def refused(self, word, *signatures, parts=None, **options):
        answer = self.judge(self.parts(*signatures) if parts is None else parts, **options)
        self.assertEqual(answer.verdict, REFUSED, answer.message)
        self.assertIn(word, answer.message)
        if os.environ.get("BPFD_TEST_VERBOSE"):
            print(f"{self.id()}: {answer.message}")
        return answer


class Keys(Case):
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


class Identities(Case):
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


class Rules(Case):
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


class Chain(Case):
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


class Ends(Case):
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


class Trust(Case):
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
