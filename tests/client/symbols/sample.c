/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Functions that are never called: the bytes at each say which it is. Some have the names of others
 * in second.c; the shared library has two versions of one.
 */
#define FUNCTION(name, scope, kind, text)                                                \
	__asm__(".text\n" scope "\n.type " name ", %" kind "\n" name ":\n.ascii \"" text \
	        "\"\n.size " name ", . - " name "\n.balign 16\n")

FUNCTION("marked", ".globl marked", "function", "marked is here");
FUNCTION("inner", "", "function", "inner is here");
FUNCTION("twice", "", "function", "the first of twice");
FUNCTION("preferred", ".globl preferred", "function", "the global one");
FUNCTION("chosen", ".globl chosen", "gnu_indirect_function", "a resolver");

#ifdef SAMPLE_LIBRARY
FUNCTION("versioned_one", ".globl versioned_one\n.symver versioned_one, versioned@SAMPLE_1",
         "function", "the old one");
FUNCTION("versioned_two", ".globl versioned_two\n.symver versioned_two, versioned@@SAMPLE_2",
         "function", "the new one");
FUNCTION("old_one", ".globl old_one\n.symver old_one, old@SAMPLE_1", "function", "only old");
#else
int main(void)
{
	return 0;
}
#endif
