/* broker/io/upgrade.h: the opening handshake (RFC 6455, section 4) as text: the client's half, and
 * the answer that lets one in. Knows no socket: what is to be sent is written out, what has come is
 * handed in. */
#ifndef WSB_BROKER_IO_UPGRADE_H
#define WSB_BROKER_IO_UPGRADE_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

#define UPGRADE_NONCE_BYTES  16
#define UPGRADE_KEY_LEN	     24 /* base64 of the nonce */
#define UPGRADE_ACCEPT_BYTES 29 /* with its end */
#define UPGRADE_HEAD_MAX     ((size_t)16 * 1024)

/* Borrowed by upgrade_begin alone; only subprotocol must live as long as the upgrade. */
struct upgrade_request {
	const char *host;		    /* the Host header's value */
	const char *path;		    /* with the query */
	const char *subprotocol;	    /* NULL: none is asked for */
	struct span headers;		    /* whole lines of our own; may be absent */
	uint8_t nonce[UPGRADE_NONCE_BYTES]; /* random */
};

struct upgrade {
	struct strbuf request; /* to be sent as it is */
	struct strbuf answer;  /* its head, as far as it has come */
	size_t answer_seen;
	const char *subprotocol;
	char accept[UPGRADE_ACCEPT_BYTES]; /* what the server must answer to our key */
};

enum upgrade_verdict {
	UPGRADE_MORE,	  /* the head of the answer is not whole yet */
	UPGRADE_ACCEPTED, /* what follows are frames */
	UPGRADE_REFUSED,
};

struct upgrade_refusal {
	unsigned int status; /* of the answer; 0: it was not HTTP */
	const char *why;     /* constant; NULL: the status says it all */
};

/* Nothing is asked yet, and nothing held: for upgrade_end. */
void upgrade_init(struct upgrade *upgrade);

/* Writes the request. WSB_ENOMEM. */
enum wsb_err upgrade_begin(struct upgrade *upgrade,
			   const struct upgrade_request *request) WSB_CHECKED;

/* Takes received bytes; *used is how many of them belong to the head. Any verdict but UPGRADE_MORE
 * is the last. */
enum upgrade_verdict upgrade_take(struct upgrade *upgrade, struct span bytes, size_t *used,
				  struct upgrade_refusal *refusal);

/* Of an answer's first line, "HTTP/1.1 101 Switching Protocols"; 0 when it is nothing of the kind.
 */
unsigned int upgrade_read_status(struct span line);

/* Frees what it holds. May be called twice. */
void upgrade_end(struct upgrade *upgrade);

/* The 101 that a server answers with. key is that of the request, of UPGRADE_KEY_LEN; subprotocol
 * and extension are NULL when none was chosen. */
void upgrade_write_answer(struct strbuf *out, struct span key, const char *subprotocol,
			  const char *extension);

#endif
