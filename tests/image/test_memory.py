# SPDX-License-Identifier: MIT OR Apache-2.0
"""32 MiB, whatever comes: as the policy's limits have it, and as the kernel counts it (Case.job does, for every job here)."""
import json
import pathlib
import re

from bytecode_image import Image, OCI_INDEX, descriptor, to_json
from case import Case, MEMORY_MAX
from fetcher_process import OBJECT, PULL

DOCUMENT_MAX, TOKENS_MAX, TEXT_MAX = 4 << 20, 40000, 256 << 10


def padded(document, size=DOCUMENT_MAX):
    """With annotations until it has that many bytes."""
    value = json.loads(document)
    value["annotations"] = {}
    while (left := size - len(to_json(value))) > 100:
        value["annotations"][f"{len(value['annotations']):08}"] = "a" * min(left - 60, TEXT_MAX - 1)
    return to_json(value)


class Memory(Case):
    def test_limits_leave_no_more(self):
        process = self.fetcher().warm()
        self.addCleanup(process.kill)
        status = dict(re.findall(r"^(Vm\w+):\s+(\d+) kB$", pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"),
                                 re.MULTILINE))
        limits = dict(re.findall(r"^(Max \w+ size)\s+\d+\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/limits").read_text(
            encoding="ascii"), re.MULTILINE))
        files = (int(status["VmSize"]) - int(status["VmData"]) - int(status["VmStk"])) << 10
        self.assertLessEqual(files + int(limits["Max data size"]) + int(limits["Max stack size"]), MEMORY_MAX,
                             f"{files} bytes of files are mapped")

    def test_largest_documents(self):
        image = Image(self.data)
        image.config = padded(image.config)
        image.manifest_body = padded(image.manifest())
        image.index()
        image.index_body = padded(image.index_body)
        answer = self.job(OBJECT, image.publish(self.registry), signatures=1)
        self.assertEqual(answer.object, self.data)
        self.assertGreater(len(answer.evidence), 2 * DOCUMENT_MAX - 400)

    def test_most_values(self):
        image = Image(self.data)
        image.manifest_body = image.manifest(annotations={str(number): "" for number in range(TOKENS_MAX // 2 - 50)})
        self.assertEqual(self.job(OBJECT, image.publish(self.registry)).object, self.data)

    def test_document_that_would_take_more(self):
        "Within every limit of its own: what it would take is refused by the kernel, and said."
        values = {f"{number:05}": {"": {}} for number in range(TOKENS_MAX // 6 - 300)}
        body = padded(to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "values": values}))
        self.registry.manifests["image", "latest"] = (OCI_INDEX, body)
        failed = self.refused(PULL, f"{self.registry.host}/image:latest")
        self.assertLessEqual(self.peak, MEMORY_MAX)
        self.assertIn("no memory", failed.message)
        self.assertEqual(self.files(), [])

    def test_largest_list_of_referrers(self):
        image = Image(self.data)
        reference = image.publish(self.registry)
        entry = descriptor("application/vnd.oci.image.manifest.v1+json", b"none")
        self.registry.on("GET .*/referrers/", lambda handler: handler.answer(200, padded(to_json(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry] * 64}), 1 << 20), OCI_INDEX))
        self.assertEqual(self.job(OBJECT, reference, signatures=1).object, self.data)
