#include "broker/console/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "proto/admin_api.h"

static enum wsb_err refuse(char *why, size_t why_size)
{
	snprintf(why, why_size,
		 "a condition is ready, drained, pool.NAME.MEMBER>=VALUE, "
		 "endpoint.POOL/NAME.MEMBER==VALUE or MEMBER<VALUE (>= <= > < == !=)");
	return WSB_EINVAL;
}

/* Without the space around it. False: it is empty, or too long. */
static bool copy(char room[CONDITION_TEXT_MAX], const char *text, size_t len)
{
	while (len > 0 && text[0] == ' ') {
		text++;
		len--;
	}
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len == 0 || len >= CONDITION_TEXT_MAX)
		return false;
	memcpy(room, text, len);
	room[len] = '\0';
	return true;
}

/* Names may hold dots: the member is what follows the last one. */
static bool split_subject(const char *text, size_t len, struct condition *out)
{
	size_t prefix = 0;
	size_t dot = len;

	out->subject = CONDITION_STATUS;
	if (strncmp(text, "pool.", 5) == 0) {
		out->subject = CONDITION_POOL;
		prefix = 5;
	} else if (strncmp(text, "endpoint.", 9) == 0) {
		out->subject = CONDITION_ENDPOINT;
		prefix = 9;
	}
	if (out->subject == CONDITION_STATUS)
		return copy(out->member, text, len);
	while (dot > prefix && text[dot - 1] != '.')
		dot--;
	return dot > prefix + 1 && copy(out->object, text + prefix, dot - 1 - prefix) &&
	       copy(out->member, text + dot, len - dot);
}

enum wsb_err condition_parse(const char *text, struct condition *out, char *why, size_t why_size)
{
	size_t len = strcspn(text, "<>=!");
	size_t operator_len;

	*out = (struct condition){.subject = CONDITION_READY};
	if (strcmp(text, "ready") == 0)
		return WSB_OK;
	if (strcmp(text, "drained") == 0) {
		out->subject = CONDITION_DRAINED;
		return WSB_OK;
	}
	operator_len = strspn(text + len, "<>=!");
	if (operator_len == 0 || operator_len > 2 || (operator_len == 2 && text[len + 1] != '=') ||
	    (operator_len == 1 && text[len] == '!') || !split_subject(text, len, out) ||
	    !copy(out->value, text + len + operator_len, strlen(text + len + operator_len)))
		return refuse(why, why_size);
	memcpy(out->operator, text + len, operator_len);
	out->operator[operator_len] = '\0';
	return WSB_OK;
}

const char *condition_path(const struct condition *condition)
{
	static const char *const paths[] = {
		[CONDITION_READY] = ADMIN_READYZ,	[CONDITION_DRAINED] = ADMIN_STATUS,
		[CONDITION_STATUS] = ADMIN_STATUS,	[CONDITION_POOL] = ADMIN_POOLS,
		[CONDITION_ENDPOINT] = ADMIN_ENDPOINTS,
	};

	return paths[condition->subject];
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* The object that the condition is about; NULL: there is none. */
static const json_t *find_object(const struct condition *condition, const json_t *answer)
{
	if (condition->subject == CONDITION_STATUS)
		return answer;
	for (size_t i = 0; i < json_array_size(answer); i++) {
		const json_t *each = json_array_get(answer, i);
		char name[2 * CONDITION_TEXT_MAX];

		if (condition->subject == CONDITION_POOL)
			snprintf(name, sizeof(name), "%s", text_of(each, "name"));
		else
			snprintf(name, sizeof(name), "%s/%s", text_of(each, "pool"),
				 text_of(each, "name"));
		if (strcmp(name, condition->object) == 0)
			return each;
	}
	return NULL;
}

static bool compare(const char *operator, double difference)
{
	bool equal = difference == 0;

	switch (operator[0]) {
	case '>':
		return difference > 0 || (equal && operator[1] == '=');
	case '<':
		return difference < 0 || (equal && operator[1] == '=');
	case '!':
		return !equal;
	default:
		return equal;
	}
}

/* A scalar as text. */
static void describe(const json_t *value, char text[CONDITION_TEXT_MAX])
{
	if (json_is_string(value))
		snprintf(text, CONDITION_TEXT_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(text, CONDITION_TEXT_MAX, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
	else if (json_is_real(value))
		snprintf(text, CONDITION_TEXT_MAX, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(text, CONDITION_TEXT_MAX, "%s", json_is_true(value) ? "true" : "false");
	else
		snprintf(text, CONDITION_TEXT_MAX, "null");
}

static enum wsb_err judge_member(const struct condition *condition, const json_t *value,
				 bool *holds, char found[CONDITION_TEXT_MAX])
{
	char *end;
	double wanted = strtod(condition->value, &end);

	describe(value, found);
	if (!json_is_number(value)) {
		*holds = compare(condition->operator, strcmp(found, condition->value));
		return WSB_OK;
	}
	/* "null": is it still unknown? */
	if (*end && strcmp(condition->value, "null") != 0) {
		snprintf(found, CONDITION_TEXT_MAX, "it is a number, not %.60s", condition->value);
		return WSB_EINVAL;
	}
	*holds = *end ? condition->operator[0] == '!'
	    : compare(condition->operator, json_number_value(value) - wanted);
	return WSB_OK;
}

/* What a drain has to wait for. */
static bool holds_drained(const json_t *status, char found[CONDITION_TEXT_MAX])
{
	json_int_t clients = json_integer_value(json_object_get(status, "clients"));
	json_int_t in_flight = json_integer_value(json_object_get(status, "in_flight"));
	bool draining = json_is_true(json_object_get(status, "draining"));

	snprintf(found, CONDITION_TEXT_MAX,
		 "%s, %" JSON_INTEGER_FORMAT " clients, %" JSON_INTEGER_FORMAT " in flight",
		 draining ? "draining" : "not draining", clients, in_flight);
	return draining && clients == 0 && in_flight == 0;
}

static bool holds_ready(const json_t *readiness, char found[CONDITION_TEXT_MAX])
{
	const json_t *reasons = json_object_get(readiness, "reasons");
	const char *reason = json_string_value(json_array_get(reasons, 0));
	bool ready = json_is_true(json_object_get(readiness, "ready"));

	snprintf(found, CONDITION_TEXT_MAX, "%s", reason ? reason : ready ? "ready" : "not ready");
	return ready;
}

enum wsb_err condition_holds(const struct condition *condition, const json_t *answer, bool *holds,
			     char found[CONDITION_TEXT_MAX])
{
	const json_t *object;
	const json_t *value;

	if (condition->subject == CONDITION_READY) {
		*holds = holds_ready(answer, found);
		return WSB_OK;
	}
	if (condition->subject == CONDITION_DRAINED) {
		*holds = holds_drained(answer, found);
		return WSB_OK;
	}
	object = find_object(condition, answer);
	value = json_object_get(object, condition->member);
	if (!object) {
		snprintf(found, CONDITION_TEXT_MAX, "there is no %s %.100s",
			 condition->subject == CONDITION_POOL ? "pool" : "endpoint",
			 condition->object);
		return WSB_ENOENT;
	}
	if (!value) {
		snprintf(found, CONDITION_TEXT_MAX, "%.60s has no %.60s", condition->object,
			 condition->member);
		return WSB_EINVAL;
	}
	return judge_member(condition, value, holds, found);
}
