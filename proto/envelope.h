/* proto/envelope.h: where a message keeps its id, method, params, result and error.
 *
 * One scanner reads every message of every envelope: it validates the whole text, builds no tree,
 * allocates nothing and notes where the parts stand, so that a message is forwarded as it came with
 * only its id exchanged. JSON-RPC 2.0 is the built-in envelope and also holds, whatever the
 * configured one is, for each message that has a top-level `jsonrpc` member. */
#ifndef WSB_PROTO_ENVELOPE_H
#define WSB_PROTO_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/codec.h"

/* The form of the broker's own ids upstream. */
enum id_form { ID_INTEGER, ID_STRING, ID_UUID };

/* JSON pointers (RFC 6901) of at most 3 steps; NULL: this part has no place. Borrowed. */
struct envelope_settings {
	const char *id;
	const char *method;
	const char *params;
	const char *result;
	const char *error;	 /* failed when present and neither null nor false ... */
	const char *error_value; /* ... or, when set (a JSON scalar), when equal to this */
	const char *answer_id;	 /* where answers keep the id; NULL: as id */
	const char *push;	 /* where a push keeps its name; NULL: as method */
	enum id_form ids;
	const char *reply; /* template with $id $code $message $data; NULL: JSON-RPC's error */
};

struct envelope;

/* settings NULL: JSON-RPC 2.0. WSB_EINVAL: why (of why_size bytes) says which pointer or template
 * is wrong; WSB_ENOMEM. Immutable once made; the caller destroys it. */
enum wsb_err envelope_create(struct envelope **out, const struct envelope_settings *settings,
			     char *why, size_t why_size) WSB_CHECKED;
void envelope_destroy(struct envelope *envelope); /* NULL is allowed */
enum id_form envelope_id_form(const struct envelope *envelope);

enum message_side { FROM_CLIENT, FROM_UPSTREAM };

enum message_flaw {
	FLAW_NONE,
	FLAW_NOT_AN_OBJECT, /* well-formed, but neither an object nor an array */
	FLAW_DUPLICATE,	    /* a member of the envelope stands twice: which one counts is anybody's
			       guess */
	FLAW_ID_TYPE,	    /* the id is neither string, number nor null */
	FLAW_METHOD_TYPE, /* the method is no string, or an escaped one over METHOD_SCRATCH bytes */
};

#define METHOD_SCRATCH 256

/* What the scanner found. All spans point into text (or into method_scratch) and are absent when
 * the part is. A moved struct must be scanned again: method may point into itself. */
struct message {
	enum encoding encoding;
	enum message_flaw flaw;
	bool batch;   /* an array; members is its length and no other part is set */
	bool jsonrpc; /* has a top-level `jsonrpc` member, or the envelope is JSON-RPC */
	bool failed;  /* an upstream's message that carries an error */
	bool id_is_null;
	size_t members;	    /* of the top-level array or object */
	struct span text;   /* the whole message */
	struct span id;	    /* the token as it stands, quotes included */
	struct span method; /* without quotes, escapes resolved */
	struct span params;
	struct span result;
	struct span error;
	struct span options;	    /* the value of the top-level `wsbroker` member */
	struct span options_member; /* what to cut so that this member is gone (with its comma in
				       JSON) */
	char method_scratch[METHOD_SCRATCH];
};

/* WSB_OK: *message is set; flaw says whether it can be used. A flawed message still has its id when
 * that is readable. WSB_EPARSE: not well-formed (for JSON: RFC 8259, valid UTF-8, no lone
 * surrogate, no trailing bytes but white space; MessagePack: valid UTF-8 in str, no trailing bytes,
 * no 0xc1); then *message is meaningless. Member names compare after unescaping: "\u0069d" is id.
 * For an upstream's message method is that of a push (settings.push) and id that of an answer. */
enum wsb_err envelope_scan(const struct envelope *envelope, enum message_side side,
			   enum encoding encoding, struct span text,
			   struct message *message) WSB_CHECKED;

/* Walks the members of a batch that envelope_scan has accepted. rest is set up by batch_begin. */
struct batch_walk {
	enum encoding encoding;
	struct span rest;
	size_t left;
};
void batch_begin(struct batch_walk *walk, const struct message *batch);
bool batch_next(struct batch_walk *walk, struct span *member);

/* A forwarded message is the original text with edits; nothing else of it changes. */
struct message_edit {
	struct span id; /* token to put in place of the id (encoded as the message); absent: keep */
	bool strip_options;  /* cut the `wsbroker` member */
	struct span options; /* value of a `wsbroker` member to add at the end, in place of one that
			      * stands there; absent: none. Messages that are arrays have no room
			      * for one. */
	char scratch[16];    /* a rewritten MessagePack map header; owned by message_splice */
};

#define MESSAGE_PIECES_MAX 8
/* Cuts the edited message into pieces to be written one after another; returns how many. They point
 * into message->text, edit and (for member punctuation) constant text, and are valid as long as
 * those. */
size_t message_splice(const struct message *message, struct message_edit *edit,
		      struct span pieces[MESSAGE_PIECES_MAX]);

#define OWN_ID_MAX 48
/* The token of one of the broker's own ids (1 .. 2^53); returns its length. */
size_t own_id_write(enum id_form form, enum encoding encoding, uint64_t id, char out[OWN_ID_MAX]);
/* Whether token is one, in the form that own_id_write gives; in MessagePack integers and lengths
 * may be written wider than need be, as some servers do. (A number where a string was sent, or the
 * reverse, is not one: some other server's id must never be taken for ours.) */
bool own_id_read(enum id_form form, enum encoding encoding, struct span token, uint64_t *id);

#endif
