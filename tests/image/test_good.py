# SPDX-License-Identifier: MIT OR Apache-2.0
"""Images as tools make them."""
import tarfile
import time

from bytecode_image import Image, OCI_LAYER, digest, member, tar, zstd_stored
from case import Case
from fetcher_process import OBJECT, PULL


class Good(Case):
    def check(self, image, **options):
        reference = image.publish(self.registry)
        answer = self.job(OBJECT, reference, **options)
        self.assertEqual(answer.object, self.data)
        self.assertEqual(answer.object_digest.hex(), digest(self.data)[7:])
        self.assertEqual((answer.count, answer.cached), (1, 0))
        one = answer.images[0]
        self.assertEqual((one.reference, one.digest, one.layer), (reference, digest(image.root), digest(image.layer)))
        self.assertEqual(one.manifest, digest(image.manifest_body))
        self.assertIn(image.root, answer.evidence)
        self.assertIn(image.layer, answer.evidence)
        return answer

    def test_gzip(self):
        self.check(Image(self.data))

    def test_zstd(self):
        self.check(Image(self.data, layer=zstd_stored(tar(member("a.o", self.data))), layer_type=OCI_LAYER + "+zstd",
                         diff=digest(tar(member("a.o", self.data)))))

    def test_plain_tar(self):
        self.check(Image(self.data, layer=tar(member("a.o", self.data)), layer_type=OCI_LAYER))

    def test_long_and_foreign_names(self):
        for name in ("a" * 200 + ".o", "z\u00e4hler.o"):
            for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
                self.check(Image(self.data, layer=tar(member(name, self.data), form=form), layer_type=OCI_LAYER))

    def test_largest_window(self):
        "As zstd makes one of a large object at the levels from 18 on."
        self.data += bytes((16 << 20) - len(self.data))
        archive = tar(member("a" * 200 + ".o", self.data), form=tarfile.PAX_FORMAT)
        self.check(Image(self.data, layer=zstd_stored(archive, window_log=23), layer_type=OCI_LAYER + "+zstd", diff=digest(archive)))

    def test_raw_object_as_oras_pushes_it(self):
        image = Image(self.data, layer=self.data, layer_type=OCI_LAYER)
        image.config, image.config_type = b"{}", "application/vnd.oci.empty.v1+json"
        image.manifest_body = image.manifest(artifactType="application/vnd.example.bpf")
        self.check(image)

    def test_index(self):
        self.check(Image(self.data).index())

    def test_docker_schema_2(self):
        image = Image(self.data, layer_type="application/vnd.docker.image.rootfs.diff.tar.gzip")
        image.manifest_type = "application/vnd.docker.distribution.manifest.v2+json"
        image.config_type = "application/vnd.docker.container.image.v1+json"
        image.manifest_body = image.manifest()
        image.index_type = "application/vnd.docker.distribution.manifest.list.v2+json"
        self.check(image.index())

    def test_programs_of_the_labels(self):
        answer = self.check(Image(self.data, labels={"io.ebpf.programs": '{"pass":"xdp"}', "io.ebpf.maps": '{"counts":"hash"}'}))
        self.assertEqual((answer.images[0].programs, answer.images[0].maps), ([("pass", "xdp")], [("counts", "hash")]))
        self.assertEqual(answer.images[0].programs_from, 1)

    def test_programs_of_the_object(self):
        answer = self.check(Image(self.data))
        self.assertEqual(answer.images[0].programs_from, 2)
        self.assertIn("xdp", [kind for _, kind in answer.images[0].programs])

    def test_by_digest(self):
        image = Image(self.data).index()
        image.publish(self.registry)
        reference = f"{self.registry.host}/image@{digest(image.root)}"
        self.assertEqual(self.job(OBJECT, reference).images[0].reference, reference)

    def test_large_object(self):
        self.data += bytes((16 << 20) - len(self.data))
        self.check(Image(self.data, layer=tar(member("a.o", self.data)), layer_type=OCI_LAYER))

    def test_progress_is_told(self):
        image = Image(self.data, layer=tar(member("a.o", self.data + bytes(4 << 20))), layer_type=OCI_LAYER)
        image.publish(self.registry)

        def slowly(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(image.layer)))
            handler.end_headers()
            for at in range(0, len(image.layer), 256 << 10):
                handler.wfile.write(image.layer[at:at + (256 << 10)])
                handler.wfile.flush()
                time.sleep(0.06)
        self.registry.on("GET .*/blobs/" + digest(image.layer), slowly)
        progress = self.job(PULL, f"{self.registry.host}/image:latest").progress
        layer = [(done, total) for stage, _, done, total in progress if stage == 2]
        self.assertTrue(layer)
        self.assertEqual({total for _, total in layer}, {len(image.layer)})
        self.assertEqual(sorted(layer), layer)
