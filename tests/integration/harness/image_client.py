# SPDX-License-Identifier: MIT OR Apache-2.0
"""bpfd with images: how it is configured for them, and what bpfctl is asked."""
import hashlib
import pathlib


def settings(**keys):
    """The section of bpfd.conf(5), for Host.bpfd(**settings(...)): the limits are short, so that a test of them is."""
    return {"images": {"total_timeout": "20s", "stall_timeout": "3s", **keys}}


def policy_write(daemon, rules, name="images"):
    """A file of bpfd-policy.d(5): {pattern: (rule, ...)}, of which any one will do. bpfd reads it at its start, and with `bpfctl reload`."""
    directory = daemon.directory / "policy.d"
    directory.mkdir(exist_ok=True)
    text = "".join(f"[repository {pattern}]\n" + "".join(f"verify = {rule}\n" for rule in row) for pattern, row in rules.items())
    (directory / f"{name}.conf").write_text(text, encoding="utf-8")


def policy_paths(host, name="bpfd"):
    """For the section [paths]: where policy_write() writes."""
    return {"policy": host.scratch / name / "policy.d"}


def object_digest(path):
    return "sha256:" + hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


class Images:
    """What a user asks of one daemon. Results are bpfctl's JSON."""

    def __init__(self, daemon):
        self.daemon = daemon

    @staticmethod
    def source(reference, policy=None, username=None):
        """Arguments that name an image."""
        return (reference, *(("--pull-policy", policy) if policy else ()),
                *(("--username", username, "--password-stdin") if username else ()))

    def pull(self, reference, policy=None, username=None, password=None, **options):
        return self.daemon.ask("image", "pull", *self.source(reference, policy, username), text=password, **options)

    def verify(self, reference, policy=None, **options):
        return self.daemon.ask("image", "verify", *self.source(reference, policy), **options)

    def list(self):
        return self.daemon.ask("image", "list")

    def inspect(self, reference):
        return self.daemon.ask("image", "inspect", reference)

    def remove(self, reference):
        return self.daemon.ask("image", "remove", reference)["removed"]

    def load(self, reference, *programs, policy=None, options=()):
        """Rows of the programs that were loaded."""
        named = [word for program in programs for word in ("--program", program)]
        return self.daemon.ask("load", "image", *self.source(reference, policy), *named, *options)

    def refused(self, *words, **options):
        """What is said of a pull, load or other command that must be refused."""
        return self.daemon.refused(*words, **options)

    def pull_refused(self, reference, policy=None, username=None, password=None, **options):
        return self.daemon.refused("image", "pull", *self.source(reference, policy, username), text=password, **options)

    def load_refused(self, reference, *programs, policy=None, options=()):
        named = [word for program in programs for word in ("--program", program)]
        return self.daemon.refused("load", "image", *self.source(reference, policy), *named, *options)

    def cache(self):
        """Every file below the cache, with its size."""
        directory = self.daemon.state / "images"
        return {str(path.relative_to(directory)): path.stat().st_size for path in sorted(directory.rglob("*")) if path.is_file()}
