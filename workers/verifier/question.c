/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/verifier.h"

bool question_ok(const struct verifier_question *question)
{
	return question->image.reference[0] &&
	       channel_text_ok(question->image.reference, sizeof(question->image.reference)) &&
	       question->demand <= 1 && !question->reserved;
}
