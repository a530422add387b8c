#include "tests/fuzz/message.h"

#include "common/strbuf.h"
#include "tests/fuzz/fuzz.h"

static void check_spans(const struct message *message)
{
	const struct span scratch = span_of(message->method_scratch, METHOD_SCRATCH);

	must_lie_within(message->id, message->text);
	must_lie_within(message->params, message->text);
	must_lie_within(message->result, message->text);
	must_lie_within(message->error, message->text);
	must_lie_within(message->options, message->text);
	must_lie_within(message->options_member, message->text);
	must_lie_within(message->options,
			message->options_member.at ? message->options_member : message->text);
	must(!message->options.at == !message->options_member.at);
	if (message->method.at >= scratch.at && message->method.at <= scratch.at + scratch.len)
		must_lie_within(message->method, scratch);
	else
		must_lie_within(message->method, message->text);
}

/* What the edit makes of the message must be accepted again, with the id that was put in. */
static void check_edit(const struct envelope *envelope, enum message_side side,
		       const struct message *message, struct message_edit edit)
{
	const bool removes = edit.strip_options && !edit.options.at;
	const struct span new_id = edit.id;
	struct span pieces[MESSAGE_PIECES_MAX];
	const size_t count = message_splice(message, &edit, pieces);
	struct strbuf text;
	struct message again;

	strbuf_init(&text);
	for (size_t i = 0; i < count; i++)
		strbuf_add(&text, pieces[i]);
	must(envelope_scan(envelope, side, message->encoding, strbuf_span(&text), &again) ==
	     WSB_OK);
	check_spans(&again);
	must(again.batch == message->batch && again.jsonrpc == message->jsonrpc);
	if (message->flaw == FLAW_NONE) {
		must(again.flaw == FLAW_NONE);
		must(span_equal(again.method, message->method));
		must(span_equal(again.id, new_id.at && message->id.at ? new_id : message->id));
		must(!removes || !again.options.at);
	}
	strbuf_fini(&text);
}

static void check_batch(const struct envelope *envelope, enum message_side side,
			const struct message *batch)
{
	struct batch_walk walk;
	struct message message;
	struct span member;
	size_t count = 0;

	batch_begin(&walk, batch);
	while (batch_next(&walk, &member)) {
		must_lie_within(member, batch->text);
		must(envelope_scan(envelope, side, batch->encoding, member, &message) == WSB_OK);
		count++;
	}
	must(count == batch->members);
}

void message_check(const struct envelope *envelope, enum message_side side,
		   const struct message *message)
{
	const bool json = message->encoding == ENCODING_JSON;
	const struct span value = span_text(json ? "{\"a\":1}"
						 : "\x81\xa1"
						   "a\x01");
	char own[OWN_ID_MAX];
	const struct span id = span_of(
		own, own_id_write(envelope_id_form(envelope), message->encoding, 4711, own));

	check_spans(message);
	if (message->batch)
		check_batch(envelope, side, message);
	check_edit(envelope, side, message, (struct message_edit){.id = id});
	check_edit(envelope, side, message, (struct message_edit){.strip_options = true});
	check_edit(envelope, side, message, (struct message_edit){.id = id, .strip_options = true});
	check_edit(envelope, side, message, (struct message_edit){.options = value});
	check_edit(envelope, side, message,
		   (struct message_edit){.id = id, .strip_options = true, .options = value});
}
