/* proto/envelope_form.h: what an envelope is compiled into. For proto alone. */
#ifndef WSB_PROTO_ENVELOPE_FORM_H
#define WSB_PROTO_ENVELOPE_FORM_H

#include "proto/envelope.h"
#include "proto/place.h"
#include "proto/template.h"

enum part { PART_ID, PART_METHOD, PART_PARAMS, PART_RESULT, PART_ERROR, PART_COUNT };

/* Where the parts of a message stand in the tree, as one side sends it. */
struct parts {
	uint8_t at[PART_COUNT]; /* PLACE_NONE: this part has no place */
	uint64_t id_path;	/* the bits of the id's place and of those around it */
	uint64_t watch;		/* the bits of all places whose duplicates are a flaw */
};

/* The configured envelope, and JSON-RPC, which each envelope knows besides. */
enum form { FORM_OWN, FORM_JSONRPC, FORM_COUNT };

struct envelope {
	struct place_tree tree;
	struct parts parts[FORM_COUNT][2]; /* by enum message_side */
	bool jsonrpc;			   /* is JSON-RPC and nothing else */
	uint8_t version;		   /* the member `jsonrpc` */
	uint8_t batch_version; /* ... of a batch's first member, where arrays are messages */
	enum id_form ids;
	char *error_value;		     /* a JSON scalar, or NULL */
	struct template *errors[FORM_COUNT]; /* what the broker's own errors look like */
	struct template
		*results[FORM_COUNT]; /* ... and its answers; NULL: the result is the whole */
	struct template *requests[FORM_COUNT]; /* ... and its requests */
};

/* Notes the places of one message without judging it. WSB_EPARSE as envelope_scan. */
enum wsb_err envelope_find(const struct envelope *envelope, enum encoding encoding,
			   struct span text, struct places_found *found) WSB_CHECKED;

/* Makes errors, results and requests once the places are known. WSB_EINVAL: *why (constant text)
 * says what is wrong with reply; WSB_ENOMEM. */
enum wsb_err envelope_templates(struct envelope *envelope, const char *reply,
				const char **why) WSB_CHECKED;

#endif
