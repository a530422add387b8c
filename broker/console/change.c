#include "broker/console/change.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/await.h"
#include "broker/console/console.h"
#include "broker/console/show.h"
#include "common/clock.h"
#include "common/strbuf.h"
#include "proto/admin_api.h"

/* How long a paused pool may take until nothing is in flight, and stays paused. */
#define PAUSE_DEFAULT_US (60 * US_PER_S)

/* The body that every change has: the operator's reason, and his insistence. */
static json_t *new_body(const struct invocation *invocation)
{
	json_t *body = json_object();

	if (invocation->arguments->reason)
		json_object_set_new(body, "reason", json_string(invocation->arguments->reason));
	if (invocation->arguments->given & OPTION_FORCE)
		json_object_set_new(body, "force", json_true());
	return body;
}

/* Sends the change; takes the body's reference. wait_us: how long to wait for an operation to end;
 * 0: not at all. */
static int send_change(const struct invocation *invocation, const char *method,
		       const struct strbuf *path, json_t *body, uint64_t wait_us)
{
	struct answer answer;
	int code;

	if (path->failed || !body) {
		json_decref(body);
		return ask_complain(EXIT_FAILED, "out of memory", "");
	}
	answer_init(&answer);
	code = ask_change(invocation->client, method, strbuf_span(path).at, body, &answer);
	if (code == EXIT_DONE)
		code = await_operation(invocation, &answer, wait_us);
	answer_fini(&answer);
	json_decref(body);
	return code;
}

static void begin_path(struct strbuf *path, const char *pool)
{
	strbuf_init(path);
	strbuf_text(path, ADMIN_POOLS "/");
	ask_escape(path, pool);
}

static int change_pool(const struct invocation *invocation, const char *method, const char *verb,
		       json_t *body, uint64_t wait_us)
{
	struct strbuf path;
	int code;

	begin_path(&path, invocation->operands[0]);
	strbuf_text(&path, verb);
	code = send_change(invocation, method, &path, body, wait_us);
	strbuf_fini(&path);
	return code;
}

/* False: text is no whole number; it has been said. */
static bool read_number(const char *what, const char *text, json_int_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	if (text[0] && !*end && errno == 0)
		return true;
	ask_complain(EXIT_USAGE, what, "a whole number is needed");
	return false;
}

int change_resize(const struct invocation *invocation)
{
	json_int_t size;
	json_t *body;

	if (!read_number("pool resize NAME N", invocation->operands[1], &size))
		return EXIT_USAGE;
	body = new_body(invocation);
	json_object_set_new(body, "size", json_integer(size));
	return change_pool(invocation, "PATCH", "", body, invocation->arguments->wait_us);
}

int change_balancer(const struct invocation *invocation)
{
	json_t *body = new_body(invocation);

	json_object_set_new(body, "balancer", json_string(invocation->operands[1]));
	return change_pool(invocation, "PATCH", "", body, invocation->arguments->wait_us);
}

int change_unpin(const struct invocation *invocation)
{
	return change_pool(invocation, "POST", "/unpin", new_body(invocation),
			   invocation->arguments->wait_us);
}

/* Returns when nothing is in flight: that is what a pause is for. */
int change_pause(const struct invocation *invocation)
{
	const struct arguments *arguments = invocation->arguments;
	uint64_t timeout_us = arguments->timeout_us ? arguments->timeout_us : PAUSE_DEFAULT_US;
	json_t *body = new_body(invocation);

	json_object_set_new(body, "timeout_seconds",
			    json_real((double)timeout_us / (double)US_PER_S));
	return change_pool(invocation, "POST", "/pause", body,
			   arguments->wait_us ? arguments->wait_us : timeout_us);
}

int change_resume(const struct invocation *invocation)
{
	return change_pool(invocation, "POST", "/resume", new_body(invocation),
			   invocation->arguments->wait_us);
}

int change_reconnect(const struct invocation *invocation)
{
	return change_pool(invocation, "POST", "/reconnect", new_body(invocation),
			   invocation->arguments->wait_us);
}

int change_add(const struct invocation *invocation)
{
	const struct arguments *arguments = invocation->arguments;
	json_t *body = new_body(invocation);

	json_object_set_new(body, "url", json_string(invocation->operands[1]));
	if (arguments->name)
		json_object_set_new(body, "name", json_string(arguments->name));
	if (arguments->given & OPTION_WEIGHT)
		json_object_set_new(body, "weight", json_integer((json_int_t)arguments->weight));
	if (arguments->given & OPTION_TIER)
		json_object_set_new(body, "tier", json_integer((json_int_t)arguments->tier));
	return change_pool(invocation, "POST", "/endpoints", body, arguments->wait_us);
}

/* POOL/NAME: takes the body's reference. */
static int change_endpoint(const struct invocation *invocation, const char *method, json_t *body)
{
	const char *operand = invocation->operands[0];
	const char *slash = strchr(operand, '/');
	struct strbuf path;
	char pool[128];
	int code;

	if (!slash || slash == operand || !slash[1] || (size_t)(slash - operand) >= sizeof(pool)) {
		json_decref(body);
		return ask_complain(EXIT_USAGE, operand,
				    "an endpoint is called POOL/NAME; wsbroker endpoints lists "
				    "them");
	}
	memcpy(pool, operand, (size_t)(slash - operand));
	pool[slash - operand] = '\0';
	begin_path(&path, pool);
	strbuf_text(&path, "/endpoints/");
	ask_escape(&path, slash + 1);
	code = send_change(invocation, method, &path, body, invocation->arguments->wait_us);
	strbuf_fini(&path);
	return code;
}

int change_remove(const struct invocation *invocation)
{
	return change_endpoint(invocation, "DELETE", new_body(invocation));
}

static int change_state(const struct invocation *invocation, const char *state)
{
	json_t *body = new_body(invocation);

	json_object_set_new(body, "state", json_string(state));
	return change_endpoint(invocation, "PATCH", body);
}

int change_drain_endpoint(const struct invocation *invocation)
{
	return change_state(invocation, "drain");
}

int change_maint(const struct invocation *invocation)
{
	return change_state(invocation, "maint");
}

int change_ready(const struct invocation *invocation)
{
	return change_state(invocation, "ready");
}

int change_weight(const struct invocation *invocation)
{
	json_int_t weight;
	json_t *body;

	if (!read_number("endpoint weight POOL/NAME N", invocation->operands[1], &weight))
		return EXIT_USAGE;
	body = new_body(invocation);
	json_object_set_new(body, "weight", json_integer(weight));
	return change_endpoint(invocation, "PATCH", body);
}

int change_kick(const struct invocation *invocation)
{
	struct strbuf path;
	int code;

	strbuf_init(&path);
	strbuf_text(&path, ADMIN_CLIENTS "/");
	ask_escape(&path, invocation->operands[0]);
	code = send_change(invocation, "DELETE", &path, new_body(invocation), 0);
	strbuf_fini(&path);
	return code;
}

/* A broker that has drained answers no more: that is how it is known. */
int change_drain(const struct invocation *invocation)
{
	struct strbuf path;
	int code;

	strbuf_init(&path);
	strbuf_text(&path, ADMIN_DRAIN);
	code = send_change(invocation, "POST", &path, new_body(invocation), 0);
	strbuf_fini(&path);
	if (code == EXIT_DONE && invocation->arguments->wait_us > 0)
		code = await_condition(invocation, "drained", invocation->arguments->wait_us);
	return code;
}
