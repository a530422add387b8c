/* broker/io/http_reply.h: an HTTP/1.1 response, put together as bytes. */
#ifndef WSB_BROKER_IO_HTTP_REPLY_H
#define WSB_BROKER_IO_HTTP_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include "common/span.h"
#include "common/strbuf.h"

struct http_reply {
	int status;
	const char *content_type; /* NULL: there is no body, and no word of one */
	struct span body;
	uint32_t retry_after_s; /* 0: no such header */
	const char *allow;	/* the methods that the path does have; NULL: no word of them */
	const char *extra;	/* more header lines, each with its line end; NULL: none */
	bool close;		/* the connection ends after it */
	bool head_only;		/* the answer to HEAD: the body is only counted */
	bool endless;		/* more of the body follows: its length is not told */
};

void http_reply_write(const struct http_reply *reply, struct strbuf *out);

/* The body of a refusal: application/problem+json. */
void http_problem_write(int status, const char *title, const char *detail, struct strbuf *out);

#endif
