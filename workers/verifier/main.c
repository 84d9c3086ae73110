/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd-verifier: says who has signed one image, without any privilege. Started by the launcher, not
 * by hand. */
#include "common/log.h"
#include "common/sandbox.h"
#include "image/warm.h"
#include "workers/verifier/verifier.h"

#include <stdlib.h>
#include <string.h>

int main(void)
{
	static const struct channel broker = { ROLE_FD_LAUNCHER, CHANNEL_LOWER, &channel_verifier };
	struct error error = {};
	int result;

	log_open("verifier", LOG_LEVEL_INFO);
	result = image_warm();
	if (result < 0) {
		log_error("OpenSSL cannot be used: %s", strerror(-result));
		return EXIT_FAILURE;
	}
	if (sandbox_enter(&sandbox_policy_verifier, NULL, NULL, &error) < 0) {
		log_error("%s", error.message);
		return EXIT_FAILURE;
	}
	return verifier_run(&broker, ROLE_FD_PEER);
}
