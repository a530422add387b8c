/* tests/fuzz/message.h: what must hold for every message that the scanner accepts. */
#ifndef WSB_TESTS_FUZZ_MESSAGE_H
#define WSB_TESTS_FUZZ_MESSAGE_H

#include "proto/envelope.h"

/* Checks the spans of a scanned message, splices it in every way and scans what comes out. */
void message_check(const struct envelope *envelope, enum message_side side,
		   const struct message *message);

#endif
