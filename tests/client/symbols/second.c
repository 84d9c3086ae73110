/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Local functions that are called like others of sample.c. */
__asm__(".text\n.type twice, %function\ntwice:\n.ascii \"the second of twice\"\n.size twice, . - "
        "twice\n");
__asm__(".text\n.type preferred, %function\npreferred:\n.ascii \"the local one\"\n"
        ".size preferred, . - preferred\n");
