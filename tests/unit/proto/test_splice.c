#include <stdio.h>
#include "tests/unit/proto/scan.h"

/* The edited message in one piece; the caller frees it with exact_free. */
static struct span spliced(const struct message *message, struct message_edit *edit)
{
	struct span pieces[MESSAGE_PIECES_MAX];
	const size_t count = message_splice(message, edit, pieces);
	struct strbuf out;
	struct span exact;

	strbuf_init(&out);
	for (size_t i = 0; i < count; i++)
		strbuf_add(&out, pieces[i]);
	exact = exact_copy(strbuf_span(&out));
	strbuf_fini(&out);
	return exact;
}

static void check_json(const char *text, struct message_edit edit, const char *wanted)
{
	struct envelope *envelope = envelope_of(NULL);
	struct span exact = exact_copy(span_text(text));
	struct message message;
	struct span result;

	scan(envelope, FROM_CLIENT, ENCODING_JSON, exact, &message);
	result = spliced(&message, &edit);
	check_span(result, wanted);
	scan(envelope, FROM_CLIENT, ENCODING_JSON, result, &message);
	cr_assert_eq(message.flaw, FLAW_NONE);
	exact_free(result);
	exact_free(exact);
	envelope_destroy(envelope);
}

#define ID(text) ((struct message_edit){.id = {text, sizeof(text) - 1}})
#define STRIP	 ((struct message_edit){.strip_options = true})
#define STRIP_ID(text)                                                                             \
	((struct message_edit){.strip_options = true, .id = {text, sizeof(text) - 1}})
#define ADD(text) ((struct message_edit){.options = {text, sizeof(text) - 1}})
#define ADD_ID(text, token)                                                                        \
	((struct message_edit){.options = {text, sizeof(text) - 1},                                \
			       .id = {token, sizeof(token) - 1}})

Test(splice, exchanges_the_id_and_nothing_else)
{
	check_json("{\"id\":1,\"method\":\"m\"}", ID("42"), "{\"id\":42,\"method\":\"m\"}");
	check_json(" { \"method\" : \"m\" , \"id\" : \"a\\\"b\" } ", ID("7"),
		   " { \"method\" : \"m\" , \"id\" : 7 } ");
	check_json("{\"params\":{\"id\":1},\"id\":null}", ID("\"x\""),
		   "{\"params\":{\"id\":1},\"id\":\"x\"}");
	check_json("{\"method\":\"m\"}", ID("42"), "{\"method\":\"m\"}");
	check_json("{\"id\":1}", (struct message_edit){.strip_options = true}, "{\"id\":1}");
	check_json("[1]", ID("42"), "[1]");
}

Test(splice, cuts_the_options_wherever_they_stand)
{
	check_json("{\"wsbroker\":{}}", STRIP, "{}");
	check_json("{ \"wsbroker\" : { } }", STRIP, "{  }");
	check_json("{\"wsbroker\":1,\"a\":2}", STRIP, "{\"a\":2}");
	check_json("{ \"wsbroker\" : 1 , \"a\":2}", STRIP, "{  \"a\":2}");
	check_json("{\"a\":1,\"wsbroker\":2,\"b\":3}", STRIP, "{\"a\":1,\"b\":3}");
	check_json("{\"a\":1,\"wsbroker\":2}", STRIP, "{\"a\":1}");
	check_json("{\"a\":1 , \"wsbroker\" : \"}\" } ", STRIP, "{\"a\":1  } ");
	check_json("{\"a\":1,\"\\u0077sbroker\":2,\"b\":3}", STRIP, "{\"a\":1,\"b\":3}");
	check_json("{\"a\":{\"wsbroker\":1}}", STRIP, "{\"a\":{\"wsbroker\":1}}");
}

Test(splice, cuts_and_exchanges_in_either_order)
{
	check_json("{\"id\":1,\"wsbroker\":{},\"a\":2}", STRIP_ID("99"), "{\"id\":99,\"a\":2}");
	check_json("{\"wsbroker\":{},\"a\":2,\"id\":1}", STRIP_ID("99"), "{\"a\":2,\"id\":99}");
	check_json("{\"id\":1,\"wsbroker\":{}}", STRIP_ID("99"), "{\"id\":99}");
	check_json("{\"wsbroker\":{},\"id\":1}", STRIP_ID("99"), "{\"id\":99}");
}

Test(splice, adds_options_at_the_end)
{
	check_json("{}", ADD("1"), "{\"wsbroker\":1}");
	check_json(" { } ", ADD("1"), " { \"wsbroker\":1} ");
	check_json("{\"id\":1}", ADD("{\"a\":2}"), "{\"id\":1,\"wsbroker\":{\"a\":2}}");
	check_json("{\"id\":1 }\n", ADD_ID("true", "5"), "{\"id\":5 ,\"wsbroker\":true}\n");
	check_json("{\"wsbroker\":1}", ADD("2"), "{\"wsbroker\":2}");
	check_json("{\"wsbroker\":1,\"id\":1}", ADD_ID("2", "8"), "{\"id\":8,\"wsbroker\":2}");
	check_json("{\"id\":1,\"wsbroker\":1}", ADD_ID("2", "8"), "{\"id\":8,\"wsbroker\":2}");
	check_json("[1]", ADD("2"), "[1]");
}

/* Everything again in MessagePack, where the head of the map counts along. */
static void check_msgpack(const char *json, struct message_edit edit, const char *wanted)
{
	struct envelope *envelope = envelope_of(NULL);
	struct span packed = msgpack_of(json), wanted_packed = msgpack_of(wanted);
	struct message message;
	struct span result;

	scan(envelope, FROM_CLIENT, ENCODING_MSGPACK, packed, &message);
	result = spliced(&message, &edit);
	cr_assert(span_equal(result, wanted_packed), "%s", json);
	scan(envelope, FROM_CLIENT, ENCODING_MSGPACK, result, &message);
	exact_free(result);
	exact_free(wanted_packed);
	exact_free(packed);
	envelope_destroy(envelope);
}

Test(splice, messagepack)
{
	check_msgpack("{\"id\":1,\"a\":2}", ID("\x2a"), "{\"id\":42,\"a\":2}");
	check_msgpack("{\"a\":2,\"id\":\"long id of a client\"}", ID("\x07"), "{\"a\":2,\"id\":7}");
	check_msgpack("{\"id\":1,\"wsbroker\":{},\"a\":2}", STRIP_ID("\x2a"),
		      "{\"id\":42,\"a\":2}");
	check_msgpack("{\"wsbroker\":{},\"a\":2,\"id\":1}", STRIP_ID("\x2a"),
		      "{\"a\":2,\"id\":42}");
	check_msgpack("{\"wsbroker\":{}}", STRIP, "{}");
	check_msgpack("{}", ADD("\x01"), "{\"wsbroker\":1}");
	check_msgpack("{\"id\":1}", ADD_ID("\xc3", "\x05"), "{\"id\":5,\"wsbroker\":true}");
	check_msgpack("{\"wsbroker\":1,\"id\":1}", ADD("\x02"), "{\"id\":1,\"wsbroker\":2}");
	check_msgpack("[1]", ADD("\x02"), "[1]");
}

/* An object of so many members besides the options. */
static void many_members(struct strbuf *out, size_t count, bool options)
{
	strbuf_clear(out);
	strbuf_text(out, "{");
	for (size_t i = 0; i < count; i++)
		strbuf_printf(out, "%s\"k%zu\":%zu", i > 0 ? "," : "", i, i);
	if (options)
		strbuf_text(out, count > 0 ? ",\"wsbroker\":1}" : "\"wsbroker\":1}");
	else
		strbuf_text(out, "}");
}

Test(splice, messagepack_maps_of_every_size)
{
	static const size_t sizes[] = {0, 1, 14, 15, 16, 17, 65534, 65535, 65536};
	struct strbuf plain, with;

	strbuf_init(&plain);
	strbuf_init(&with);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		many_members(&plain, sizes[i], false);
		many_members(&with, sizes[i], true);
		check_msgpack(plain.text, ADD("\x01"), with.text);
		check_msgpack(with.text, STRIP, plain.text);
	}
	strbuf_fini(&with);
	strbuf_fini(&plain);
}

Test(splice, messagepack_map_heads_wider_than_need_be)
{
	static const char wide[] = "\xdf\x00\x00\x00\x02\xa2id\x01\xa8wsbroker\xc0";
	struct envelope *envelope = envelope_of(NULL);
	struct message_edit edit = STRIP;
	struct message message;
	struct span result;

	scan(envelope, FROM_CLIENT, ENCODING_MSGPACK, span_of(wide, sizeof(wide) - 1), &message);
	result = spliced(&message, &edit);
	check_span(result, "\x81\xa2id\x01");
	exact_free(result);
	envelope_destroy(envelope);
}

Test(splice, every_form_of_id_goes_there_and_back)
{
	static const char *const ids[] = {"1",	  "-0.5e3",	 "null",
					  "\"\"", "\"\\u00e9\"", "123456789012345678901234567890"};
	struct envelope *envelope = envelope_of(NULL);

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char text[128];
		struct message message;
		struct message_edit there = ID("17"), back = {.id = span_text(ids[i])};
		struct span sent, answered;

		snprintf(text, sizeof(text), "{\"id\":%s,\"method\":\"m\"}", ids[i]);
		scan_json(envelope, FROM_CLIENT, text, &message);
		sent = spliced(&message, &there);
		check_span(sent, "{\"id\":17,\"method\":\"m\"}");
		scan(envelope, FROM_UPSTREAM, ENCODING_JSON, sent, &message);
		answered = spliced(&message, &back);
		check_span(answered, text);
		exact_free(answered);
		exact_free(sent);
	}
	envelope_destroy(envelope);
}

Test(splice, nested_and_positional_ids)
{
	const struct envelope_settings nested = {.id = "/meta/id"}, arrays = {.id = "/1/id"};
	struct envelope *envelope = envelope_of(&nested);
	struct message_edit edit = STRIP_ID("5");
	struct message message;
	struct span result;

	scan_json(envelope, FROM_CLIENT, "{\"wsbroker\":1,\"meta\":{\"id\":\"x\",\"y\":1}}",
		  &message);
	result = spliced(&message, &edit);
	check_span(result, "{\"meta\":{\"id\":5,\"y\":1}}");
	exact_free(result);
	envelope_destroy(envelope);
	envelope = envelope_of(&arrays);
	scan_json(envelope, FROM_CLIENT, "[0, {\"id\" : \"x\"}]", &message);
	result = spliced(&message, &edit);
	check_span(result, "[0, {\"id\" : 5}]");
	exact_free(result);
	envelope_destroy(envelope);
}
