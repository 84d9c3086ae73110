/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Indexes, manifests and configurations of images (OCI and Docker's schema 2), a stranger's JSON
 * made into fixed structures. The bytes are hashed by the caller before they come here. All errors
 * have a sentence; those about what a registry sent have the code REGISTRY.
 */
#ifndef BPFD_IMAGE_MANIFEST_H
#define BPFD_IMAGE_MANIFEST_H

#include "common/error.h"
#include "image/names.h"
#include "proto/image_records.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEDIA_TYPE_SIZE 128
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
/* What to ask a registry for: without it some convert the manifest, and its digest is another. */
#define MEDIA_ACCEPT \
	MEDIA_OCI_INDEX ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_INDEX ", " MEDIA_DOCKER_MANIFEST

#define LAYER_SIZE_MAX \
	(OBJECT_SIZE_MAX + (1u << 20)) /* bytes of a layer as the registry sends it */
#define INDEX_ENTRIES_MAX 128
#define MANIFEST_LAYERS_MAX 64

enum manifest_kind { MANIFEST_INDEX = 1, MANIFEST_IMAGE = 2 };

struct descriptor {
	char media_type[MEDIA_TYPE_SIZE];
	uint8_t digest[DIGEST_SIZE];
	uint64_t size; /* bytes */
};

struct index_entry {
	struct descriptor descriptor;
	char artifact_type[MEDIA_TYPE_SIZE]; /* empty: it does not say; so below */
	char os[IMAGE_TYPE_SIZE];
	char architecture[IMAGE_TYPE_SIZE];
	char variant[IMAGE_TYPE_SIZE];
};

struct index {
	uint32_t count;
	struct index_entry entries[INDEX_ENTRIES_MAX];
};

struct manifest {
	struct descriptor config;
	bool is_artifact; /* its config is no image's: it is not fetched, nothing is known from it
	                   */
	char artifact_type[MEDIA_TYPE_SIZE];
	bool has_subject; /* of a referrer */
	uint8_t subject[DIGEST_SIZE];
	uint32_t layer_count;
	struct descriptor layers[MANIFEST_LAYERS_MAX];
};

struct image_config {
	char architecture[IMAGE_TYPE_SIZE]; /* as OCI names it; empty: it does not say */
	uint8_t diff[DIGEST_SIZE];          /* SHA-256 of the layer's tar */
	bool has_diff;
	bool labelled;            /* the image names its programs */
	struct image_names names; /* those of the labels */
};

/*
 * What the bytes are. `content_type` is what the registry called them (parameters behind ";" are
 * ignored), NULL: nobody said (from a cache). A mediaType in the body has to be the same; without
 * both the members decide. Bytes that could be taken for both kinds are refused. 0 and *kind, or
 * -EBADMSG, -EMSGSIZE, -ENOMEM.
 */
int manifest_kind(const void *bytes, size_t size, const char *content_type,
                  enum manifest_kind *kind, struct error *error);

/* An index; a struct index is 70 KiB. 0; -EBADMSG, -EMSGSIZE (more than INDEX_ENTRIES_MAX entries),
 * -ENOMEM. */
int index_read(const void *bytes, size_t size, const char *content_type, struct index *index,
               struct error *error);

/*
 * The entry for Linux on `architecture` (OCI's name of it, architecture_host()). Attestations
 * (platform unknown/unknown) are passed over; one without a platform is for any machine, and taken
 * where none names this one. 0 and *entry, which points into the index, or -ENOENT and UNSUPPORTED:
 * which architectures there are.
 */
int index_choose(const struct index *index, const char *architecture,
                 const struct index_entry **entry, struct error *error);

/* "amd64", "arm64", ...: this machine's, as OCI names it. */
const char *architecture_host(void);
/* Whether OCI has this architecture, and then whether it is big-endian. */
bool architecture_is_known(const char *architecture, bool *big_endian);

/* A manifest of any use, also a signature's. 0; -EBADMSG, -EMSGSIZE (more than MANIFEST_LAYERS_MAX
 * layers), -ENOMEM. */
int manifest_read(const void *bytes, size_t size, const char *content_type,
                  struct manifest *manifest, struct error *error);

/*
 * Whether it can be a bytecode image: exactly one layer, of at most LAYER_SIZE_MAX bytes, and a
 * config of at most JSON_DOCUMENT_MAX. 0, or -EBADMSG (REGISTRY) or -EFBIG (LIMIT).
 */
int manifest_check_bytecode(const struct manifest *manifest, struct error *error);

/*
 * The configuration of an image (not of an artifact). Labels: io.ebpf.programs and io.ebpf.maps,
 * JSON objects in texts, from a name to a type; or the older io.ebpf.bpf_function_name or
 * io.ebpf.program_name with io.ebpf.program_type, where io.ebpf.program_name names the product
 * beside a function's name and only that one counts. io.ebpf.section_name means an image whose
 * program is found by its section: `labelled` is then false, the object's own names count. 0;
 * -EBADMSG, -EMSGSIZE, -ENOMEM.
 */
int config_read(const void *bytes, size_t size, struct image_config *config, struct error *error);

/* 0 where the layer's tar is the one that the config means; -EBADMSG, REGISTRY. */
int config_check_layer(const struct image_config *config, const uint8_t diff[DIGEST_SIZE],
                       struct error *error);

/* One descriptor of a document that json_read() made. 0; -EBADMSG without a sentence. */
int descriptor_read(const json_t *object, struct descriptor *descriptor);

#endif
