# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the cache has, and for how long."""
import os

import fetcher_process as fetcher
from bytecode_image import Image, digest
from case import Case
from fetcher_process import ALWAYS, Failed, IF_NOT_PRESENT, INSPECT, LIST, NEVER, OBJECT, PULL, REMOVE


class Cached(Case):
    def setUp(self):
        super().setUp()
        self.image = Image(self.data)
        self.reference = self.image.publish(self.registry)

    def test_policies(self):
        failed = self.refused(OBJECT, self.reference, policy=NEVER)
        self.assertEqual(failed.code, fetcher.NOT_FOUND)
        self.assertEqual(self.registry.log, [])
        self.assertFalse(self.job(OBJECT, self.reference, policy=IF_NOT_PRESENT).cached)
        asked = len(self.registry.log)
        for policy in (IF_NOT_PRESENT, NEVER):
            answer = self.job(OBJECT, self.reference, policy=policy)
            self.assertEqual((answer.cached, answer.object), (1, self.data))
        self.assertEqual(len(self.registry.log), asked)
        answer = self.job(OBJECT, self.reference, policy=ALWAYS)
        self.assertEqual((answer.cached, answer.object), (1, self.data))
        self.assertEqual(len(self.registry.log), asked + 1)

    def test_no_network_is_needed(self):
        first = self.job(OBJECT, self.reference)
        self.registry.server.server_close()
        again = self.job(OBJECT, self.reference, policy=IF_NOT_PRESENT)
        self.assertEqual((first.object, first.evidence), (again.object, again.evidence))
        self.assertEqual(vars(first.images[0]) | {"used_at": 0}, vars(again.images[0]) | {"used_at": 0})
        failed = self.refused(OBJECT, self.reference, policy=ALWAYS)
        self.assertIn("cannot be reached", failed.message)
        self.assertIn("pull policy IfNotPresent or Never takes that", failed.message)

    def test_tag_that_moves(self):
        self.job(PULL, self.reference)
        other = Image(self.data, labels={"a": "b"})
        other.publish(self.registry)
        self.assertEqual(self.job(PULL, self.reference, policy=IF_NOT_PRESENT).images[0].digest, digest(self.image.root))
        answer = self.job(PULL, self.reference)
        self.assertEqual((answer.images[0].digest, answer.cached), (digest(other.root), 0))
        self.assertEqual(len(self.files()), 2)  # nothing leads to the first one any more

    def test_two_names_of_one_image(self):
        self.job(PULL, self.reference)
        asked = self.pulled()
        self.image.publish(self.registry, tag="second")
        self.assertTrue(self.job(PULL, f"{self.registry.host}/image:second").cached)
        self.assertEqual(self.pulled(), asked)
        listed = self.job(LIST)
        self.assertEqual(sorted(image.reference for image in listed.images),
                         [self.reference, f"{self.registry.host}/image:second"])
        self.job(REMOVE, self.reference)
        self.assertEqual(self.job(OBJECT, f"{self.registry.host}/image:second", policy=NEVER).object, self.data)
        self.job(REMOVE, f"{self.registry.host}/image:second")
        self.assertEqual(self.files(), [])

    def test_inspect_and_remove(self):
        pulled = self.job(PULL, self.reference).images[0]
        for name in (self.reference, pulled.digest):
            inspected = self.job(INSPECT, name)
            self.assertEqual((inspected.count, vars(inspected.images[0])), (1, vars(pulled)))
        for name in (f"{self.registry.host}/image:none", digest(b"none")):
            for operation in (INSPECT, REMOVE):
                self.assertEqual(self.refused(operation, name).code, fetcher.NOT_FOUND)
        removed = self.job(REMOVE, pulled.digest)
        self.assertEqual((removed.count, vars(removed.images[0])), (1, vars(pulled)))
        self.assertEqual(self.files(), [])
        self.assertEqual(self.job(LIST).count, 0)

    def test_damaged_files_are_not_there(self):
        self.job(PULL, self.reference)
        for name in self.files():
            path = self.state / name
            data = path.read_bytes()
            damages = [b"", data[:-1], data + b"x"] + [
                data[:at] + bytes([data[at] ^ 1]) + data[at + 1:] for at in {0, 9, 50, len(data) // 2, len(data) - 9}]
            for damaged in damages:
                with self.subTest(name=name, size=len(damaged)):
                    path.write_bytes(damaged)
                    self.assertEqual(self.refused(OBJECT, self.reference, policy=NEVER).code, fetcher.NOT_FOUND)
                    answer = self.job(OBJECT, self.reference, policy=IF_NOT_PRESENT)
                    self.assertEqual((answer.object, answer.cached), (self.data, 0))
                    self.assertEqual(path.read_bytes()[:8], data[:8])

    def test_size_limit_takes_what_was_not_used_longest(self):
        references = []
        for number in range(4):
            image = Image(self.data, labels={"number": str(number)})
            image.publish(self.registry, tag=str(number))
            references.append(f"{self.registry.host}/image:{number}")
        size = self.job(PULL, references[0]).images[0].stored_size
        settings = {"cache_size": 3 * size + size // 2}
        for reference in references[1:3]:
            self.job(PULL, reference, settings=settings)
        # the order is that of the files' times
        for number, reference in enumerate(references[:3]):
            path = self.state / "images" / (self.job(INSPECT, reference).images[0].digest[7:] + ".image")
            os.utime(path, (1000 + number, 1000 + number))
        self.job(OBJECT, references[0], policy=NEVER, settings=settings)
        self.job(PULL, references[3], settings=settings)
        self.assertEqual(sorted(image.reference for image in self.job(LIST).images),
                         [references[0], references[2], references[3]])
        self.assertEqual(len(self.files()), 6)

    def test_image_larger_than_the_cache(self):
        failed = self.refused(PULL, self.reference, settings={"cache_size": 1000})
        self.assertEqual(failed.code, fetcher.LIMIT)
        self.assertEqual(self.files(), [])
        # a load does not need the cache
        self.assertEqual(self.job(OBJECT, self.reference, settings={"cache_size": 1000}).object, self.data)

    def test_side_by_side(self):
        references = []
        for number in range(6):
            Image(self.data, labels={"number": str(number % 3)}).publish(self.registry, tag=str(number))
            references.append(f"{self.registry.host}/image:{number}")
        processes = [self.fetcher().warm() for _ in references]
        for process, reference in zip(processes, references):
            process.send(PULL, reference)
        for process in processes:
            while process.receive()[0] != fetcher.DONE:
                pass
            self.assertEqual(process.end(), 0)
        self.assertEqual(self.job(LIST).count, 6)
        self.assertEqual(len(self.files()), 9)

    def test_somebody_elses_cache(self):
        (self.state / "images").mkdir(0o755)
        process = self.fetcher()
        self.addCleanup(process.kill)
        with self.assertRaises(Failed) as caught:
            process.warm()
        self.assertEqual(caught.exception.code, fetcher.STORE)
