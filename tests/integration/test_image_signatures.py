# SPDX-License-Identifier: MIT OR Apache-2.0
"""Signatures by real cosign, in both of its formats, and the rules that want them."""
import json
import shutil

from harness.host import test
from harness.image_client import Images, policy_paths, policy_write, settings
from harness.images import Workshop, image_put, index_put, labels
from harness.outcome import check, check_equal, check_in

NEEDS = ("no kernel",)
COUNTER = labels({"xdp_counter": "xdp"})
FORMATS = (2, 3)


class Stage:
    """A registry, two pairs of keys, and a daemon whose rules are those given: {pattern: names of keys, or "none"}."""

    def __init__(self, host, rules, **keys):
        self.workshop = Workshop(host, "cosign2", "cosign3")
        self.registry = self.workshop.registry()
        self.keys = {name: self.workshop.key_pair(name) for name in ("ours", "theirs")}
        self.daemon = host.bpfd(start=False, paths=policy_paths(host), **settings(**keys))
        self.images = Images(self.daemon)
        self.rules(rules)
        self.daemon.start()
        self.content = self.daemon.object("xdp_counter").read_bytes()

    def public(self, name):
        return self.keys[name][1]

    def rules(self, rules):
        policy_write(self.daemon, {pattern: ["none" if name == "none" else f"key {self.public(name)}" for name in names]
                                   for pattern, names in rules.items()})

    def put(self, repository, tag="1", content=None):
        """An image that nobody else has: its digest."""
        return image_put(self.registry, repository, tag, content or self.content, COUNTER | {"tests": f"{repository}:{tag}"})["digest"]

    def sign(self, version, key, repository, digest):
        self.workshop.sign(version, self.keys[key][0], self.registry.reference(repository, digest))

    def reference(self, repository, tag="1"):
        return self.registry.reference(repository, tag)

    def pattern(self, rest="*"):
        return f"{self.registry.host}/{rest}"

    def cosign_refuses(self, version, repository, digest, key="ours"):
        """The case is what it says it is: cosign does not take it either."""
        result = self.workshop.cosign_verify(version, self.public(key), self.registry.reference(repository, digest))
        check(result.returncode != 0, f"cosign {version} takes {repository}: {result.stdout}")

    def loads(self, repository, key, tag="1"):
        """It loads, and says whose signature it was."""
        rows = self.images.load(self.reference(repository, tag))
        verification = self.daemon.ask("get", "program", rows[0]["id"])["source"]["verification"]
        check_equal((verification["verified"], verification.get("key") or ""), (key is not None, str(self.public(key)) if key else ""),
                    f"{repository}: by whom it is signed")
        self.daemon.unload(*(row["id"] for row in rows))

    def refuses(self, repository, what, tag="1"):
        """Neither pull nor load nor verify takes it, and nothing is loaded; what it says."""
        reference = self.reference(repository, tag)
        messages = [self.images.load_refused(reference), self.images.refused("image", "verify", reference),
                    self.images.pull_refused(reference, "Always")]
        for message in messages:
            check_in("signature", message, what)
        check_equal(self.daemon.programs(), [], f"{what}: programs")
        return messages[0]


LOOPBACK = "127.0.0.1:5000"


@test()
def signed_and_not(host):
    stage = Stage(host, {f"{LOOPBACK}/*": ["ours"]})
    for version in FORMATS:
        repository = f"bpf/signed{version}"
        digest = stage.put(repository)
        stage.refuses(repository, "unsigned")
        stage.sign(version, "theirs", repository, digest)
        stage.refuses(repository, f"cosign {version}, another's key")
        stage.sign(version, "ours", repository, digest)
        pulled = stage.images.pull(stage.reference(repository), "Always")
        check_equal(pulled["verification"]["verified"], True, f"cosign {version}: pull")
        check_equal(stage.images.verify(stage.reference(repository))["verification"]["key"], str(stage.public("ours")), f"cosign {version}: verify")
        stage.loads(repository, "ours")


@test()
def signed_offline(host):
    """What verified from the registry verifies from the cache, without it."""
    stage = Stage(host, {f"{LOOPBACK}/*": ["ours"]})
    for version in FORMATS:
        digest = stage.put(f"bpf/signed{version}")
        stage.sign(version, "ours", f"bpf/signed{version}", digest)
        stage.images.pull(stage.reference(f"bpf/signed{version}"))
    stage.registry.stop()
    for version in FORMATS:
        stage.loads(f"bpf/signed{version}", "ours")


@test()
def tampered_payload(host):
    """A signature over other bytes than those that lie in the registry; the digests are right all the same."""
    stage = Stage(host, {f"{LOOPBACK}/*": ["ours"]})
    digest = stage.put("bpf/tampered")
    stage.sign(2, "ours", "bpf/tampered", digest)
    stage.loads("bpf/tampered", "ours")
    tag = digest.replace(":", "-") + ".sig"
    manifest = json.loads(stage.registry.manifest_get("bpf/tampered", tag)[0])
    payload = stage.registry.blob_get("bpf/tampered", manifest["layers"][0]["digest"])
    changed = payload.replace(b'"optional":null', b'"optional":{"a":"b"}')
    check(changed != payload, f"nothing to change in {payload!r}")
    manifest["layers"][0] |= stage.registry.blob_put("bpf/tampered", changed)
    stage.registry.manifest_put("bpf/tampered", tag, manifest)
    stage.images.remove(stage.reference("bpf/tampered"))
    stage.cosign_refuses(2, "bpf/tampered", digest)
    stage.refuses("bpf/tampered", "a tampered payload")


@test()
def tampered_bundle(host):
    stage = Stage(host, {f"{LOOPBACK}/*": ["ours"]})
    digest = stage.put("bpf/tampered")
    stage.sign(3, "ours", "bpf/tampered", digest)
    stage.loads("bpf/tampered", "ours")
    tag = digest.replace(":", "-")
    index = json.loads(stage.registry.manifest_get("bpf/tampered", tag)[0])
    manifest = json.loads(stage.registry.manifest_get("bpf/tampered", index["manifests"][0]["digest"])[0])
    bundle = json.loads(stage.registry.blob_get("bpf/tampered", manifest["layers"][0]["digest"]))
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = signature["sig"][:20] + ("A" if signature["sig"][20] != "A" else "B") + signature["sig"][21:]
    manifest["layers"][0] |= stage.registry.blob_put("bpf/tampered", json.dumps(bundle).encode())
    data = json.dumps(manifest).encode()
    index["manifests"][0] |= {"digest": stage.registry.manifest_put("bpf/tampered", None, data), "size": len(data)}
    stage.registry.manifest_put("bpf/tampered", tag, index)
    stage.images.remove(stage.reference("bpf/tampered"))
    stage.cosign_refuses(3, "bpf/tampered", digest)
    stage.refuses("bpf/tampered", "a tampered bundle")


@test()
def signature_of_another(host):
    """A good signature of another image, under this one's name."""
    stage = Stage(host, {f"{LOOPBACK}/*": ["ours"]})
    good, bad = stage.put("bpf/good"), stage.put("bpf/bad")
    for version, ending in ((2, ".sig"), (3, "")):
        stage.sign(version, "ours", "bpf/good", good)
        stage.workshop.copy(stage.reference("bpf/good", good.replace(":", "-") + ending), stage.reference("bpf/bad", bad.replace(":", "-") + ending),
                            "--all")
        stage.cosign_refuses(version, "bpf/bad", bad)
        stage.refuses("bpf/bad", f"cosign {version}, of another image")
    stage.loads("bpf/good", "ours")


@test()
def rules_by_repository(host):
    """The longest pattern counts, any of its rules will do, and an image that was copied is judged by where it lies."""
    stage = Stage(host, {f"{LOOPBACK}/*": ["none"], f"{LOOPBACK}/ours/*": ["ours"], f"{LOOPBACK}/ours/free": ["none"],
                         f"{LOOPBACK}/both/*": ["ours", "theirs"]})
    for repository, key, expected in (("other/a", None, None), ("ours/a", "ours", "ours"), ("ours/free", None, None), ("both/a", "ours", "ours"),
                                      ("both/b", "theirs", "theirs")):
        digest = stage.put(repository)
        if key:
            stage.sign(2, key, repository, digest)
        stage.loads(repository, expected)
    digest = stage.put("theirs/a")
    stage.sign(2, "theirs", "theirs/a", digest)
    for tag in ("1", digest.replace(":", "-") + ".sig"):
        stage.workshop.copy(stage.reference("theirs/a", tag), stage.reference("ours/copied", tag))
    stage.loads("theirs/a", None)
    stage.refuses("ours/copied", "copied to where another key is wanted")
    check_in("no rule says whose", stage.images.refused("image", "verify", stage.reference("theirs/a")), "verify, where no rule wants a signature")


@test()
def index_signed(host):
    """An index's signature covers what it names, by digest; its children alone have none."""
    stage = Stage(host, {f"{LOOPBACK}/*": ["ours"]})
    child = image_put(stage.registry, "bpf/many", None, stage.content, COUNTER)
    digest = index_put(stage.registry, "bpf/many", "1", [child])
    for version in FORMATS:
        stage.sign(version, "ours", "bpf/many", digest)
        stage.loads("bpf/many", "ours")
        stage.images.remove(stage.reference("bpf/many"))
    stage.refuses("bpf/many", "the child alone", child["digest"])
    other = image_put(stage.registry, "bpf/child", None, stage.content, COUNTER)
    stage.sign(2, "ours", "bpf/child", other["digest"])
    index_put(stage.registry, "bpf/child", "1", [other])
    stage.refuses("bpf/child", "an index whose child alone is signed")
    stage.loads("bpf/child", "ours", other["digest"])


@test()
def tag_that_moves(host):
    """The digest that was signed is the one that is loaded: a tag that moves on takes its signature along for nobody."""
    stage = Stage(host, {f"{LOOPBACK}/*": ["ours"]})
    digest = stage.put("bpf/moving")
    stage.sign(2, "ours", "bpf/moving", digest)
    stage.loads("bpf/moving", "ours")
    image_put(stage.registry, "bpf/moving", "1", stage.daemon.object("xdp_filter").read_bytes(), labels({"xdp_filter": "xdp"}))
    message = stage.images.load_refused(stage.reference("bpf/moving"), policy="Always")
    check_in("signature", message, "what the tag is now")
    stage.loads("bpf/moving", "ours", digest)


@test()
def signed_only(host):
    """The site's ceiling: files are refused, and so is what no key has signed, whatever its repository's rule."""
    stage = Stage(host, {f"{LOOPBACK}/ours/*": ["ours"], f"{LOOPBACK}/free/*": ["none"]}, signed_only="yes")
    message = stage.daemon.refused("load", "file", stage.daemon.object("xdp_counter"), "--program", "xdp:xdp_counter")
    check_in("signed", message, "a file")
    digest = stage.put("ours/a")
    stage.sign(3, "ours", "ours/a", digest)
    stage.loads("ours/a", "ours")
    for repository in ("free/a", "unknown/a"):
        stage.put(repository)
        check_in("sign", stage.images.load_refused(stage.reference(repository)), repository)
    check_equal(stage.daemon.programs(), [], "programs")


@test()
def signed_only_after_a_reboot(host):
    """What was loaded from a file before the ceiling came is not restored; what was verified is."""
    stage = Stage(host, {f"{LOOPBACK}/*": ["ours"]})
    digest = stage.put("bpf/a")
    stage.sign(2, "ours", "bpf/a", digest)
    verified = stage.images.load(stage.reference("bpf/a"), options=("--persist",))[0]["id"]
    local = stage.daemon.load("xdp_counter", options=("--persist",))
    stage.daemon.stop()
    shutil.rmtree(stage.daemon.runtime, ignore_errors=True)
    for path in stage.daemon.bpffs.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
    stage.daemon.configure(paths=policy_paths(host), **settings(signed_only="yes"))
    stage.daemon.start()
    states = {row["id"]: row["state"] for row in stage.daemon.programs()}
    check_equal(states[verified], "loaded", "what was verified")
    check(states.get(local) != "loaded", f"a file's program was restored: {states}")


@test()
def keys_that_are_none(host):
    """A key that is none: bpfd does not start, or refuses what the rule is about; it does not do without."""
    stage = Stage(host, {f"{LOOPBACK}/*": ["ours"]})
    digest = stage.put("bpf/a")
    stage.sign(2, "ours", "bpf/a", digest)
    stage.daemon.stop()
    good = stage.public("ours").read_bytes()
    stage.public("ours").unlink()
    _, said = stage.daemon.start_refused()
    check_in(str(stage.public("ours")), said, "a key that is not there")
    stage.public("ours").write_text("no key\n", encoding="ascii")
    stage.daemon.start()
    check_in("holds no public key", stage.refuses("bpf/a", "a key that is none"), "why")
    stage.public("ours").write_bytes(good)
    stage.daemon.stop()
    stage.daemon.start()
    stage.loads("bpf/a", "ours")


@test()
def rules_read_again(host):
    """The first rule, a wrong one, one whose key is out of reach, and none again, without a restart."""
    stage = Stage(host, {})
    daemon = stage.daemon
    declarations = daemon.directory / "programs.d"
    declarations.mkdir(exist_ok=True)
    key = daemon.directory / "ours.pub"
    shutil.copy(stage.public("ours"), key)

    def reload(status=0):
        result = daemon.bpfctl("reload", "--directory", declarations)
        check_equal(result.returncode, status, f"exit status of bpfctl reload ({result.stdout} {result.stderr})")
        return result.stdout + result.stderr

    for name in ("signed", "unsigned"):
        digest = stage.put(f"bpf/{name}")
        if name == "signed":
            stage.sign(2, "ours", f"bpf/{name}", digest)
    stage.loads("bpf/unsigned", None)
    check_equal(reload(), f"{declarations}: nothing to change\n", "nothing has changed")
    policy_write(daemon, {stage.pattern(): [f"key {key}"]})
    check_in("read the rules again (1 want a signature)", reload(), "the first rule")
    stage.refuses("bpf/unsigned", "without a signature")
    row = stage.images.load(stage.reference("bpf/signed"))[0]
    check_equal(daemon.ask("get", "program", row["id"])["source"]["verification"]["key"], str(key), "by whom it is signed")
    daemon.unload(row["id"])
    for rule, said in (("nobody", 'images.conf:2: "verify" expects'), (f"key {stage.public('ours')}", "start bpfd again")):
        policy_write(daemon, {stage.pattern(): [rule]})
        check_in(said, reload(1), "a rule that cannot be kept")
        stage.refuses("bpf/unsigned", "the rules are as they were")
    policy_write(daemon, {stage.pattern(): ["none"]})
    check_in("read the rules again (0 want a signature)", reload(), "no signature is wanted any more")
    stage.loads("bpf/unsigned", None)
