#include "broker/engine/batch.h"

#include <stdlib.h>

#include "broker/engine/client.h"
#include "broker/engine/publish.h"

struct batch *batch_create(struct session *session, const struct message *message)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->answers = calloc(message->members, sizeof(*batch->answers));
	if (!batch->answers) {
		free(batch);
		return NULL;
	}
	batch->session = session;
	batch->encoding = message->encoding;
	batch->members = (uint32_t)message->members;
	batch->open = batch->members + 1;
	list_node_init(&batch->link);
	list_append(&session->batches, &batch->link);
	return batch;
}

static void batch_destroy(struct batch *batch)
{
	if (batch->session)
		list_remove(&batch->session->batches, &batch->link);
	for (uint32_t i = 0; i < batch->members; i++)
		strbuf_fini(&batch->answers[i]);
	free(batch->answers);
	strbuf_fini(&batch->behind);
	free(batch);
}

/* The header of a MessagePack array of this many members. */
static size_t array_header(uint32_t count, char out[5])
{
	if (count < 16) {
		out[0] = (char)(0x90 | count);
		return 1;
	}
	out[0] = (char)0xdc;
	out[1] = (char)(count >> 8);
	out[2] = (char)count;
	return 3;
}

static void batch_join(const struct batch *batch, uint32_t answered, struct strbuf *out)
{
	char header[5];
	const char *separator = "[";

	if (batch->encoding == ENCODING_MSGPACK)
		strbuf_add(out, span_of(header, array_header(answered, header)));
	for (uint32_t i = 0; i < batch->members; i++) {
		if (batch->answers[i].len == 0)
			continue;
		if (batch->encoding == ENCODING_JSON)
			strbuf_text(out, separator);
		separator = ",";
		strbuf_add(out, strbuf_span(&batch->answers[i]));
	}
	if (batch->encoding == ENCODING_JSON)
		strbuf_text(out, "]");
}

/* All members are done: one array, or nothing when none wanted an answer. */
static void batch_finish(struct engine *engine, struct batch *batch)
{
	struct session *session = batch->session;
	struct strbuf *out = &engine->joined;
	uint32_t answered = 0;

	for (uint32_t i = 0; i < batch->members; i++)
		answered += batch->answers[i].len > 0;
	if (session && answered == 0 && session->kind == SESSION_HTTP)
		client_send_status(engine, session, 204, 0, batch->encoding, span_of("", 0));
	if (session && answered > 0) {
		struct span piece;

		strbuf_clear(out);
		batch_join(batch, answered, out);
		piece = strbuf_span(out);
		client_send(engine, session, batch->encoding, &piece, 1);
	}
	if (session && batch->subscribes)
		publish_batch_sent(engine, session, batch);
	batch_destroy(batch);
}

void batch_release(struct engine *engine, struct batch *batch)
{
	if (--batch->open == 0)
		batch_finish(engine, batch);
}

void batch_answer(struct engine *engine, struct batch *batch, uint32_t slot,
		  const struct span *pieces, size_t count)
{
	for (size_t i = 0; i < count && batch->session; i++)
		strbuf_add(&batch->answers[slot], pieces[i]);
	batch_release(engine, batch);
}

void batch_forget_client(struct session *session)
{
	struct list_node *node;

	while ((node = list_pop(&session->batches)))
		list_entry(node, struct batch, link)->session = NULL;
}
