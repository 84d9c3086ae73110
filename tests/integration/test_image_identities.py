# SPDX-License-Identifier: MIT OR Apache-2.0
"""Signatures by identities, against a trusted root that the administrator installed: by authorities and logs of the test's own."""
import json
import subprocess

from harness.host import test
from harness.image_client import Images, policy_paths, policy_write, settings
from harness.images import Workshop, image_put, labels
from harness.outcome import check_equal, check_in
from harness.registry import MANIFEST

NEEDS = ("no kernel",)
COUNTER = labels({"xdp_counter": "xdp"})
LOOPBACK = "127.0.0.1:5000"
IDENTITY, ISSUER = "https://example.org/builds/release.yaml@refs/heads/main", "https://issuer.example.org"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
EMPTY = "application/vnd.oci.empty.v1+json"


class Stage:
    def __init__(self, host, identity=IDENTITY):
        self.host, self.registry = host, Workshop(host).registry()
        self.root = host.scratch / "bpfd" / "trusted_root.json"
        self.daemon = host.bpfd(start=False, paths=policy_paths(host), **settings(trusted_root=self.root))
        self.images = Images(self.daemon)
        self.rule(identity)
        self.content = self.daemon.object("xdp_counter").read_bytes()

    def rule(self, identity):
        policy_write(self.daemon, {f"{LOOPBACK}/*": [f"keyless {identity} {ISSUER}"]})

    def put(self, repository):
        return image_put(self.registry, repository, "1", self.content, COUNTER | {"tests": repository})

    def beside(self, repository, tag, kind, blob, annotations=None, **more):
        put = self.registry.blob_put
        return self.registry.manifest_put(repository, tag, {
            "schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": EMPTY, **put(repository, b"{}")},
            "layers": [{"mediaType": kind, **put(repository, blob), "annotations": annotations or {}}], **more})

    def sign(self, kind, repository, image):
        """As cosign leaves it; the trusted root is the one for this signature."""
        digest = image["digest"].removeprefix("sha256:")
        made = json.loads(subprocess.run([self.host.build / "tests" / "keyless_tool", kind, digest], check=True, capture_output=True).stdout)
        self.root.write_text(json.dumps(made["root"]), encoding="utf-8")
        if "payload" in made:
            return self.beside(repository, f"sha256-{digest}.sig", SIMPLE_SIGNING, made["payload"].encode(), made["annotations"])
        subject = {key: image[key] for key in ("mediaType", "size", "digest")}
        manifest = self.beside(repository, None, BUNDLE, json.dumps(made["bundle"]).encode(), artifactType=BUNDLE, subject=subject)
        size = len(self.registry.manifest_get(repository, manifest)[0])
        return self.registry.manifest_put(repository, f"sha256-{digest}", {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{"mediaType": MANIFEST, "digest": manifest, "size": size, "artifactType": BUNDLE}]})

    def reference(self, repository):
        return self.registry.reference(repository)

    def loads(self, repository):
        rows = self.images.load(self.reference(repository))
        verification = self.daemon.ask("get", "program", rows[0]["id"])["source"]["verification"]
        check_equal((verification["verified"], verification["identity"], verification["issuer"]), (True, IDENTITY, ISSUER), "who has signed it")
        self.daemon.unload(*(row["id"] for row in rows))

    def refuses(self, repository, what):
        for message in (self.images.load_refused(self.reference(repository)), self.images.refused("image", "verify", self.reference(repository))):
            check_in(what, message, repository)
        check_equal(self.daemon.programs(), [], "programs")


@test()
def signed_by_an_identity(host):
    """In both formats; the trusted root is read again with the rules."""
    stage = Stage(host)
    declarations = stage.daemon.directory / "programs.d"
    declarations.mkdir(exist_ok=True)
    for number, kind in enumerate(("annotations", "bundle", "bundle-timestamp")):
        repository = f"bpf/{kind}"
        stage.sign(kind, repository, stage.put(repository))
        if number == 0:
            stage.daemon.start()
        else:
            stage.refuses(repository, "none of its signatures will do")
            result = stage.daemon.bpfctl("reload", "--directory", declarations)
            check_equal(result.returncode, 0, f"bpfctl reload ({result.stdout} {result.stderr})")
        stage.loads(repository)


@test()
def signed_by_another_identity(host):
    stage = Stage(host, identity=f"{IDENTITY}2")
    stage.sign("bundle", "bpf/signed", stage.put("bpf/signed"))
    stage.put("bpf/unsigned")
    stage.daemon.start()
    stage.refuses("bpf/signed", f"it is by {IDENTITY}")
    stage.refuses("bpf/unsigned", "it has no signature")


@test()
def signed_when_it_was_not_valid(host):
    stage = Stage(host)
    stage.sign("bundle-expired", "bpf/signed", stage.put("bpf/signed"))
    stage.daemon.start()
    stage.refuses("bpf/signed", "certificate has expired")


@test()
def no_trusted_root(host):
    """bpfd does not start with a rule that nothing can meet, or refuses what it is about."""
    stage = Stage(host)
    stage.put("bpf/unsigned")
    _, said = stage.daemon.start_refused()
    check_in(str(stage.root), said, "a trusted root that is not there")
    stage.root.write_text("{}", encoding="utf-8")
    stage.daemon.start()
    stage.refuses("bpf/unsigned", "the trusted root names no certificate authority")
