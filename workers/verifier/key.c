/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/key.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define PREPARED_MAX 8 /* keys: most rules files have fewer */

struct key_kind {
	const char *type;   /* as OpenSSL names it */
	const char *group;  /* of an elliptic curve; NULL: any key of this type */
	const char *digest; /* NULL: the algorithm has its own */
};

/* P-384: cosign 3 takes the digest that fits the key, cosign 2 has one for all. */
static const struct key_kind key_kinds[] = {
	{ "EC", "prime256v1", "SHA256" }, { "EC", "secp384r1", "SHA384" },
	{ "EC", "secp384r1", "SHA256" },  { "RSA", NULL, "SHA256" },
	{ "ED25519", NULL, NULL },
};

#define KEY_KINDS (sizeof(key_kinds) / sizeof(key_kinds[0]))

static bool kind_fits(const struct key_kind *kind, const EVP_PKEY *key)
{
	char group[32] = "";
	size_t length;

	if (!EVP_PKEY_is_a(key, kind->type))
		return false;
	if (strcmp(kind->type, "RSA") == 0)
		return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN &&
		       EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;
	return !kind->group || (EVP_PKEY_get_group_name(key, group, sizeof(group), &length) == 1 &&
	                        strcmp(group, kind->group) == 0);
}

bool key_is_usable(const EVP_PKEY *key)
{
	for (size_t i = 0; i < KEY_KINDS; i++) {
		if (kind_fits(&key_kinds[i], key))
			return true;
	}
	return false;
}

EVP_PKEY *key_of_der(const void *der, size_t size)
{
	const unsigned char *next = der;
	EVP_PKEY *key = size <= LONG_MAX ? d2i_PUBKEY(NULL, &next, (long)size) : NULL;

	ERR_clear_error();
	if (key && (next != (const unsigned char *)der + size || !key_is_usable(key))) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

static EVP_PKEY *key_of_pem(const void *pem, size_t size)
{
	BIO *bio = size <= INT_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
	/* an empty passphrase: nobody is there to be asked for one */
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, (char[]){ "" }) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

int key_read(const void *pem, size_t size, const char *name, EVP_PKEY **key, struct error *error)
{
	_cleanup_key_ EVP_PKEY *read = key_of_pem(pem, size);

	if (!read)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "%s holds no public key: write it as PEM, \"BEGIN PUBLIC KEY\", "
		                 "as `cosign generate-key-pair` makes it (cosign.pub)",
		                 name);
	if (!key_is_usable(read))
		return error_set(error, -EINVAL, ERROR_UNSUPPORTED,
		                 "the key in %s is none that can be used: take ECDSA P-256 or "
		                 "P-384, RSA of %d to %d bits, or Ed25519",
		                 name, RSA_BITS_MIN, RSA_BITS_MAX);
	*key = read;
	read = NULL;
	return 0;
}

static EVP_MD_CTX *context_new(EVP_PKEY *key, const struct key_kind *kind)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context &&
	    EVP_DigestVerifyInit_ex(context, NULL, kind->digest, NULL, NULL, key, NULL) == 1)
		return context;
	EVP_MD_CTX_free(context);
	return NULL;
}

/* What the first verification with a key begins with: to look all of it up takes a quarter of the
 * verification's time. */
static struct prepared {
	const EVP_PKEY *key;
	const struct key_kind *kind;
	EVP_MD_CTX *context;
} prepared[PREPARED_MAX];

void key_prepare(EVP_PKEY *key)
{
	const struct key_kind *kind = key_kinds;
	size_t place = 0;

	while (place < PREPARED_MAX && prepared[place].key)
		place++;
	while (kind < key_kinds + KEY_KINDS && !kind_fits(kind, key))
		kind++;
	if (place < PREPARED_MAX && kind < key_kinds + KEY_KINDS)
		prepared[place] = (struct prepared){ key, kind, context_new(key, kind) };
}

/* Once, if at all. A context holds its key: no other one lies where that was. */
static EVP_MD_CTX *prepared_take(const EVP_PKEY *key, const struct key_kind **kind)
{
	for (size_t i = 0; i < PREPARED_MAX; i++) {
		if (prepared[i].key != key || !prepared[i].context)
			continue;
		EVP_MD_CTX *context = prepared[i].context;

		*kind = prepared[i].kind;
		prepared[i] = (struct prepared){};
		return context;
	}
	return NULL;
}

/* Ends the context, which may be NULL. */
static bool context_verify(EVP_MD_CTX *context, const void *bytes, size_t size,
                           const void *signature, size_t signature_size)
{
	bool good =
		context && EVP_DigestVerify(context, signature, signature_size, bytes, size) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

bool key_verify(EVP_PKEY *key, const void *bytes, size_t size, const void *signature,
                size_t signature_size)
{
	const struct key_kind *tried = NULL;
	EVP_MD_CTX *first = prepared_take(key, &tried);

	if (first && context_verify(first, bytes, size, signature, signature_size))
		return true;
	for (const struct key_kind *kind = key_kinds; kind < key_kinds + KEY_KINDS; kind++) {
		if (kind != tried && kind_fits(kind, key) &&
		    context_verify(context_new(key, kind), bytes, size, signature, signature_size))
			return true;
	}
	return false;
}
