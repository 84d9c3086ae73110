/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What protobuf-c lets pass and a caller of the library must not meet. */
#ifndef BPFD_CLIENT_CHECK_H
#define BPFD_CLIENT_CHECK_H

#include <protobuf-c/protobuf-c.h>

/*
 * Checks a decoded message and all messages in it: texts are UTF-8, enum values are known. Fields
 * that are not known are let pass, because a newer bpfd may send them. NULL if all is well, else
 * the name of the field that is not.
 */
const char *message_check(const ProtobufCMessage *message);

#endif
