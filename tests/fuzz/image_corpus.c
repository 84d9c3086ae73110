/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes the seeds of the image fuzzers below a directory: what `image build` makes of an object,
 * in their forms. */
#include "image/build.h"
#include "image/evidence.h"
#include "tests/unit/image_maker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *directory;
static struct made_bytes layer; /* of the piece that came first */
static struct made_bytes manifest;
static struct made_bytes index_bytes;
static int configs;

static void seed_write(const char *name, const char *first, const void *data, size_t size)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (!file || fputs(first, file) == EOF || fwrite(data, 1, size, file) != size ||
	    fclose(file) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static int piece_take(void *context, const struct build_piece *piece, struct error *error)
{
	char name[64];

	(void)context;
	(void)error;
	if (piece->kind == BUILD_INDEX) {
		made_add(&index_bytes, piece->bytes, piece->descriptor.size);
	} else if (piece->kind == BUILD_MANIFEST) {
		manifest.size = 0;
		made_add(&manifest, piece->bytes, piece->descriptor.size);
	} else if (strcmp(piece->descriptor.media_type, MEDIA_OCI_CONFIG) == 0) {
		(void)snprintf(name, sizeof(name), "image_json/config-%d", configs++);
		seed_write(name, "0", piece->bytes, piece->descriptor.size);
	} else {
		layer.size = 0;
		made_add(&layer, piece->bytes, piece->descriptor.size);
	}
	return 0;
}

static void json_write(void)
{
	static const char older[] =
		"0{\"architecture\":\"amd64\",\"config\":{\"Labels\":{\"io.ebpf.bpf_function_"
		"name\":"
		"\"pass\",\"io.ebpf.program_name\":\"x\",\"io.ebpf.program_type\":\"xdp\","
		"\"io.ebpf.section_name\":\"xdp\"}}}";
	static const char oras[] =
		"3{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST
		"\",\"artifactType\":\"application/"
		"vnd.unknown.artifact.v1\",\"config\":{\"mediaType\":"
		"\"application/vnd.oci.empty.v1+json\",\"digest\":\"sha256:"
		"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2},"
		"\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":"
		"\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\","
		"\"size\":"
		"1000}],\"subject\":null}";

	seed_write("image_json/manifest", "0", manifest.data, manifest.size);
	seed_write("image_json/index", "2", index_bytes.data, index_bytes.size);
	seed_write("image_json/older", "", older, strlen(older));
	seed_write("image_json/oras", "", oras, strlen(oras));
}

static void layers_write(const struct made_bytes *object)
{
	struct made_bytes tar = made_tar_of("x.o", object->data, object->size);
	struct made_bytes zstd = made_zstd(&tar, 0), pax = {};

	made_tar_member(&pax, '5', "d/", NULL, 0);
	made_tar_pax(&pax, 'x', "path", "d/another");
	made_tar_member(&pax, '0', "d/x", "\177ELF", 4);
	made_tar_end(&pax);
	seed_write("image_layer/gzip", "", layer.data, layer.size);
	seed_write("image_layer/zstd", "", zstd.data, zstd.size);
	seed_write("image_layer/tar", "", tar.data, tar.size);
	seed_write("image_layer/pax", "", pax.data, pax.size);
	seed_write("image_layer/raw", "", object->data, object->size);
	pax.size = 0;
	made_tar_pax(&pax, 'x', "GNU.sparse.map", "0,1,5,1");
	made_tar_member(&pax, 'L', "././@LongLink", "name", 5);
	made_tar_member(&pax, 'S', "x", "\177ELF", 4);
	made_tar_end(&pax);
	seed_write("image_layer/sparse", "", pax.data, pax.size);
	made_free(&pax);
	made_free(&tar);
	made_free(&zstd);
}

static void evidence_write(void)
{
	struct evidence_writer writer = EVIDENCE_WRITER_INIT;
	struct made_bytes bytes;
	char path[64];
	int fd;

	if (evidence_add(&writer, EVIDENCE_INDEX, index_bytes.data, index_bytes.size, NULL) < 0 ||
	    evidence_add(&writer, EVIDENCE_MANIFEST, manifest.data, manifest.size, NULL) < 0 ||
	    evidence_add(&writer, EVIDENCE_LAYER, layer.data, layer.size, NULL) < 0 ||
	    evidence_add(&writer, EVIDENCE_SIGNATURE_BLOB, "{}", 2, NULL) < 0)
		exit(EXIT_FAILURE);
	fd = evidence_finish(&writer, NULL);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	bytes = made_of_file(path);
	seed_write("image_evidence/image", "", bytes.data, bytes.size);
	made_free(&bytes);
	(void)close(fd);
}

int main(int count, char **arguments)
{
	struct made_bytes bytes;
	struct build_object objects[] = { { "arm64", "x.o", -1 }, { "amd64", "x.o", -1 } };
	struct error error = {};
	struct descriptor root;

	if (count != 3) {
		(void)fprintf(stderr, "image_corpus DIRECTORY OBJECT\n");
		return EXIT_FAILURE;
	}
	directory = arguments[1];
	bytes = made_of_file(arguments[2]);
	objects[0].fd = objects[1].fd = open(arguments[2], O_RDONLY | O_CLOEXEC);
	if (build_image(objects, 2, 0, piece_take, NULL, &root, &error) < 0) {
		(void)fprintf(stderr, "%s\n", error.message);
		return EXIT_FAILURE;
	}
	json_write();
	layers_write(&bytes);
	evidence_write();
	return EXIT_SUCCESS;
}
