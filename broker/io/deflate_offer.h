/* broker/io/deflate_offer.h: what a client offers of permessage-deflate (RFC 7692), and what of it
 * is taken. Text only. */
#ifndef WSB_BROKER_IO_DEFLATE_OFFER_H
#define WSB_BROKER_IO_DEFLATE_OFFER_H

#include <stdbool.h>
#include <stdint.h>
#include "common/span.h"

/* Neither side keeps anything from one message to the next: memory is needed only while a message
 * is under way. */
struct deflate_terms {
	uint8_t window_bits; /* of our messages, 9 to 15; 0: no compression at all */
	bool says_bits;	     /* the client asked for that */
};

/* Takes the first offer in the value of Sec-WebSocket-Extensions that can be met; no compression
 * when there is none. A list that cannot be read offers nothing. */
struct deflate_terms deflate_offer_choose(struct span offers);

/* The value of the same header in the answer. */
#define DEFLATE_ANSWER_MAX 112
void deflate_offer_answer(struct deflate_terms terms, char answer[DEFLATE_ANSWER_MAX]);

#endif
