/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/warm.h"

#include "image/digest.h"

#include <errno.h>
#include <jansson.h>

int image_warm(void)
{
	json_t *object;

	/* reads /dev/urandom, so that a stranger cannot choose keys that collide */
	json_object_seed(0);
	object = json_object();
	if (!object)
		return -ENOMEM;
	json_decref(object);
	return digest_warm(); /* reads openssl.cnf */
}
