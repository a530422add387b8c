#include "proto/envelope.h"

#include <assert.h>
#include "proto/json_scan.h"
#include "proto/msgpack_codec.h"
#include "proto/msgpack_scan.h"

/* The pieces of an edited message as they come together, and how far the original is used up. */
struct cutter {
	struct span *pieces;
	size_t count;
	const char *at;
};

static void add(struct cutter *cutter, struct span piece)
{
	assert(cutter->count < MESSAGE_PIECES_MAX);
	if (piece.len > 0)
		cutter->pieces[cutter->count++] = piece;
}

static void keep_until(struct cutter *cutter, const char *until)
{
	add(cutter, span_of(cutter->at, (size_t)(until - cutter->at)));
	cutter->at = until;
}

/* The original up to `end`, with what stands in place of the id and without what is cut. */
static void body(struct cutter *cutter, struct span id, struct span new_id, struct span cut,
		 const char *end)
{
	if (cut.at && id.at && cut.at < id.at) {
		keep_until(cutter, cut.at);
		cutter->at += cut.len;
		cut = span_of(NULL, 0);
	}
	if (id.at) {
		keep_until(cutter, id.at);
		add(cutter, new_id);
		cutter->at += id.len;
	}
	if (cut.at) {
		keep_until(cutter, cut.at);
		cutter->at += cut.len;
	}
	keep_until(cutter, end);
}

/* The closing brace of a validated object, which white space may follow. */
static const char *closing(struct span text)
{
	const char *at = text.at + text.len - 1;

	while (*at != '}')
		at--;
	return at;
}

static bool is_object(const struct message *message)
{
	const char *const end = message->text.at + message->text.len;
	struct msgpack_head head;

	if (message->encoding == ENCODING_JSON)
		return *json_scan_space(message->text.at) == '{';
	return msgpack_head_read(message->text.at, end, &head) && head.kind == MSGPACK_MAP;
}

static void json_splice(struct cutter *cutter, const struct message *message,
			const struct message_edit *edit, struct span id, struct span cut)
{
	const char *const end = message->text.at + message->text.len;
	const size_t left = message->members - (cut.at != NULL);

	if (!edit->options.at) {
		body(cutter, id, edit->id, cut, end);
		return;
	}
	body(cutter, id, edit->id, cut, closing(message->text));
	add(cutter, span_text(left > 0 ? ",\"wsbroker\":" : "\"wsbroker\":"));
	add(cutter, edit->options);
	keep_until(cutter, end);
}

static void msgpack_splice(struct cutter *cutter, const struct message *message,
			   struct message_edit *edit, struct span id, struct span cut)
{
	const char *const end = message->text.at + message->text.len;
	const size_t members = message->members - (cut.at != NULL) + (edit->options.at != NULL);
	struct msgpack_head head;

	if (members != message->members && msgpack_head_read(message->text.at, end, &head)) {
		add(cutter,
		    span_of(edit->scratch, msgpack_map_head((uint32_t)members, edit->scratch)));
		cutter->at = head.body;
	}
	body(cutter, id, edit->id, cut, end);
	if (edit->options.at) {
		add(cutter, span_text("\xa8wsbroker"));
		add(cutter, edit->options);
	}
}

size_t message_splice(const struct message *message, struct message_edit *edit,
		      struct span pieces[MESSAGE_PIECES_MAX])
{
	struct cutter cutter = {.pieces = pieces, .at = message->text.at};
	const struct span none = {.at = NULL};
	const struct span id = edit->id.at ? message->id : none;
	/* A member that is added takes the place of one that stands there. */
	const bool cuts = edit->strip_options || edit->options.at;
	const struct span cut = cuts ? message->options_member : none;

	if (!is_object(message))
		edit->options = none;
	if (message->encoding == ENCODING_JSON)
		json_splice(&cutter, message, edit, id, cut);
	else
		msgpack_splice(&cutter, message, edit, id, cut);
	return cutter.count;
}

void batch_begin(struct batch_walk *walk, const struct message *batch)
{
	const char *const end = batch->text.at + batch->text.len;
	struct msgpack_head head;

	walk->encoding = batch->encoding;
	walk->left = batch->members;
	walk->rest = batch->text;
	if (batch->encoding == ENCODING_JSON)
		walk->rest.at = json_scan_space(batch->text.at) + 1;
	else if (msgpack_head_read(batch->text.at, end, &head))
		walk->rest.at = head.body;
	walk->rest.len = (size_t)(end - walk->rest.at);
}

bool batch_next(struct batch_walk *walk, struct span *member)
{
	const char *const end = walk->rest.at + walk->rest.len;
	const char *from = walk->rest.at;
	struct json_scan scan;
	const char *to;

	if (walk->left == 0)
		return false;
	walk->left--;
	if (walk->encoding == ENCODING_JSON) {
		json_scan_over(&scan, walk->rest);
		from = json_scan_space(from);
		to = json_scan_skip(&scan, from, 1);
	} else {
		to = msgpack_skip(from, end, 1);
	}
	assert(to); /* envelope_scan has accepted the whole */
	*member = span_of(from, (size_t)(to - from));
	if (walk->encoding == ENCODING_JSON)
		to = json_scan_space(to) + 1; /* the comma or the closing bracket */
	walk->rest = span_of(to, (size_t)(end - to));
	return true;
}
