# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the verifier's tests share: keys, signatures as cosign makes them, and the real program behind its real sandbox."""
import base64
import hashlib
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import verifier_process as verifier
from bytecode_image import Image, descriptor, to_json
from case import BUILD, MEASURE, MEMORY_MAX, OBJECT_FILE
from fetcher_process import sealed
from verifier_process import (INDEX, LAYER, MANIFEST, REFUSED, SIGNATURE_BLOB, SIGNATURE_MANIFEST, VERIFIED, Answer, Verifier, evidence_bytes, key_rule, trust_bytes)

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


class VerifierCase(unittest.TestCase):
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
