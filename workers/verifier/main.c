/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd-verifier: says who has signed one image, without any privilege. Started by the launcher, not
 * by hand. */
#include "common/log.h"
#include "common/sandbox.h"
#include "image/warm.h"
#include "workers/verifier/verifier.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* OpenSSL compares times by way of the C library's calendar, which looks for the time zone once.
 * The one of this machine is none of a certificate's business. */
static bool calendar_warm(void)
{
	if (setenv("TZ", "UTC0", 1) < 0)
		return false;
	tzset();
	return true;
}

int main(void)
{
	static const struct channel broker = { ROLE_FD_LAUNCHER, CHANNEL_LOWER, &channel_verifier };
	struct error error = {};
	int result;

	log_open("verifier", LOG_LEVEL_INFO);
	if (!calendar_warm()) {
		log_error("the calendar cannot be used: %s", strerror(errno));
		return EXIT_FAILURE;
	}
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
