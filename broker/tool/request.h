/* broker/tool/request.h: the text of the requests that are sent: one method, many ids and keys. */
#ifndef WSB_BROKER_TOOL_REQUEST_H
#define WSB_BROKER_TOOL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/envelope.h"

#define REQUEST_PIECES 5

struct request {
	struct strbuf method; /* what stands between the id and the params */
	struct strbuf params; /* a template where keyed */
	struct strbuf expanded;
	bool keyed;
	bool explain;
	char id[OWN_ID_MAX];
};

/* params (JSON) may be NULL; with keys each {key} in them stands for a number. The texts are
 * copied. */
enum wsb_err request_init(struct request *request, const char *method, const char *params,
			  bool keys, bool explain) WSB_CHECKED;
void request_fini(struct request *request);

/* The request with this id and key, in pieces that are valid until the next call. WSB_ENOMEM. */
enum wsb_err request_pieces(struct request *request, uint64_t id, uint64_t key,
			    struct span pieces[REQUEST_PIECES]) WSB_CHECKED;

#endif
