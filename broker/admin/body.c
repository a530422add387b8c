#include "broker/admin/body.h"

#include "broker/admin/answer.h"
#include "common/nearest.h"
#include "common/clock.h"
#include "common/strbuf.h"

#define SECONDS_MAX (100.0 * 365 * 86400)

json_t *body_parse(struct span body, struct admin_response *response)
{
	json_error_t error;
	json_t *value;

	if (!body.at || body.len == 0) {
		value = json_object();
		if (!value)
			answer_no_memory(response);
		return value;
	}
	value = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!value) {
		answer_problemf(response, 400, "The body is not JSON: line %d, column %d: %s",
				error.line, error.column, error.text);
		return NULL;
	}
	if (!json_is_object(value)) {
		json_decref(value);
		answer_problem(response, 400, "The body must be a JSON object.");
		return NULL;
	}
	return value;
}

static const char *expected(enum body_kind kind)
{
	static const char *const texts[] = {
		[BODY_TEXT] = "a string",
		[BODY_FLAG] = "true or false",
		[BODY_COUNT] = "a whole number, 0 or more",
		[BODY_SECONDS] = "a number of seconds, 0 or more",
		[BODY_SCALAR] = "a string, a number, true or false",
		[BODY_URL] = "a string",
	};

	return texts[kind];
}

static bool is_of_kind(const json_t *value, enum body_kind kind)
{
	switch (kind) {
	case BODY_FLAG:
		return json_is_boolean(value);
	case BODY_COUNT:
		return json_is_integer(value) && json_integer_value(value) >= 0 &&
		       json_integer_value(value) <= (json_int_t)UINT32_MAX;
	case BODY_SECONDS:
		return json_is_number(value) && json_number_value(value) >= 0 &&
		       json_number_value(value) <= SECONDS_MAX;
	case BODY_SCALAR:
		return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
	case BODY_TEXT:
	case BODY_URL:
	default:
		return json_is_string(value);
	}
}

static void refuse_unknown(const char *name, const struct body_member *members, size_t count,
			   struct admin_response *response)
{
	struct nearest nearest;
	struct strbuf detail;

	nearest_init(&nearest, span_text(name));
	for (size_t i = 0; i < count; i++)
		nearest_offer(&nearest, span_text(members[i].name));
	strbuf_init(&detail);
	strbuf_text(&detail, "Unknown member ");
	strbuf_json(&detail, span_text(name));
	nearest_suggest(&nearest, &detail);
	if (!nearest.best.at && count > 0) {
		strbuf_text(&detail, "; known are: ");
		for (size_t i = 0; i < count; i++)
			strbuf_printf(&detail, "%s%s", i > 0 ? ", " : "", members[i].name);
	}
	answer_problem(response, 400, strbuf_span(&detail).at);
	strbuf_fini(&detail);
}

bool body_check(const json_t *object, const struct body_member *members, size_t count,
		struct admin_response *response)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		size_t at = 0;

		while (at < count && strcmp(members[at].name, name) != 0)
			at++;
		if (at == count) {
			refuse_unknown(name, members, count, response);
			return false;
		}
		if (!json_is_null(value) && !is_of_kind(value, members[at].kind)) {
			answer_problemf(response, 400, "%s must be %s.", name,
					expected(members[at].kind));
			return false;
		}
	}
	return true;
}

const char *body_text(const json_t *object, const char *name, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : fallback;
}

bool body_flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

uint64_t body_us(const json_t *object, const char *name, uint64_t fallback_us)
{
	const json_t *value = json_object_get(object, name);

	return json_is_number(value) ? (uint64_t)(json_number_value(value) * (double)US_PER_S)
				     : fallback_us;
}

bool body_count(const json_t *object, const char *name, uint32_t *out)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value))
		return false;
	*out = (uint32_t)json_integer_value(value);
	return true;
}
