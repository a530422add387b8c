#include "broker/console/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/console/console.h"

void answer_init(struct answer *answer)
{
	*answer = (struct answer){0};
	strbuf_init(&answer->body);
}

void answer_fini(struct answer *answer)
{
	json_decref(answer->value);
	answer->value = NULL;
	strbuf_fini(&answer->body);
}

int ask_complain(int code, const char *what, const char *why)
{
	struct strbuf line;

	strbuf_init(&line);
	strbuf_plain(&line, span_text(what));
	strbuf_text(&line, why[0] ? ": " : "");
	strbuf_plain(&line, span_text(why));
	fprintf(stderr, "wsbroker: %s\n", strbuf_span(&line).at);
	strbuf_fini(&line);
	return code;
}

int ask_unreachable(struct client *client, enum wsb_err err, const char *why)
{
	char what[512];

	if (err == WSB_EDENIED) {
		snprintf(what, sizeof(what), "%s may not be opened by this user",
			 client_admin(client));
		return ask_complain(EXIT_DENIED, what, why);
	}
	if (err != WSB_EUNAVAIL)
		return ask_complain(EXIT_FAILED, "no answer", why);
	snprintf(what, sizeof(what), "no broker answers at %s", client_admin(client));
	ask_complain(EXIT_UNREACHABLE, what, why);
	fprintf(stderr, "Is it running? Another address: --admin URL|unix:PATH, or "
			"WSBROKER_ADMIN.\n");
	return EXIT_UNREACHABLE;
}

/* Several reasons, as check-config prints those of a file. A single one has been told. */
static void tell_errors(const json_t *problem)
{
	const json_t *errors = json_object_get(problem, "errors");
	struct strbuf line;

	for (size_t i = 0; json_array_size(errors) > 1 && i < json_array_size(errors); i++) {
		const char *text = json_string_value(json_array_get(errors, i));

		strbuf_init(&line);
		strbuf_plain(&line, span_text(text ? text : ""));
		fprintf(stderr, "%s\n", strbuf_span(&line).at);
		strbuf_fini(&line);
	}
}

/* What was asked for wrongly is told in the broker's own words; where it is the asker who may not,
 * or nothing else is said, the status stands before them. */
int ask_refused(struct client *client, const struct answer *answer)
{
	const char *detail = json_string_value(json_object_get(answer->value, "detail"));
	bool denied = answer->status == 401 || answer->status == 403;
	int code = denied ? EXIT_DENIED : answer->status == 400 ? EXIT_USAGE : EXIT_FAILED;
	char what[64];

	(void)client;
	snprintf(what, sizeof(what), "the broker answered %ld", answer->status);
	if (detail && !denied)
		ask_complain(code, detail, "");
	else
		ask_complain(code, what, detail ? detail : "");
	tell_errors(answer->value);
	if (answer->status == 401)
		fprintf(stderr, "Show a token: WSBROKER_TOKEN or --token-file FILE.\n");
	return code;
}

static enum wsb_err send(struct client *client, const struct client_request *request,
			 struct answer *answer, char why[CLIENT_WHY_MAX])
{
	enum wsb_err err;

	json_decref(answer->value);
	answer->value = NULL;
	strbuf_clear(&answer->body);
	err = client_ask(client, request, &answer->status, &answer->body, why);
	if (err == WSB_OK)
		answer->value = json_loadb(strbuf_span(&answer->body).at, answer->body.len,
					   JSON_DECODE_ANY, NULL);
	return err;
}

static bool is_good(long status)
{
	return status >= 200 && status < 300;
}

int ask(struct client *client, const char *method, const char *path, const json_t *body,
	struct answer *answer)
{
	char why[CLIENT_WHY_MAX];
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct client_request request = {.method = method, .path = path, .body = text};
	enum wsb_err err;

	if (body && !text)
		return ask_complain(EXIT_FAILED, "out of memory", "");
	err = send(client, &request, answer, why);
	free(text);
	if (err != WSB_OK)
		return ask_unreachable(client, err, why);
	if (!is_good(answer->status))
		return ask_refused(client, answer);
	return EXIT_DONE;
}

int ask_change(struct client *client, const char *method, const char *path, const json_t *body,
	       struct answer *answer)
{
	int code = ask(client, method, path, body, answer);

	return code == EXIT_USAGE ? EXIT_FAILED : code;
}

int ask_get(struct client *client, const char *path, json_type type, struct answer *answer)
{
	int code = ask(client, "GET", path, NULL, answer);

	if (code == EXIT_DONE && (!answer->value || json_typeof(answer->value) != type))
		return ask_complain(EXIT_FAILED, "the answer is not that of a broker's admin API",
				    "");
	return code;
}

int ask_quietly(struct client *client, const char *path, struct answer *answer,
		char why[CLIENT_WHY_MAX])
{
	struct client_request request = {.method = "GET", .path = path};
	enum wsb_err err = send(client, &request, answer, why);

	if (err != WSB_OK)
		return err == WSB_EDENIED ? EXIT_DENIED : EXIT_UNREACHABLE;
	if (answer->status == 401 || answer->status == 403)
		return EXIT_DENIED;
	return answer->value ? EXIT_DONE : EXIT_FAILED;
}

void ask_escape(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
		    (byte >= 'a' && byte <= 'z') || strchr("-._~", byte))
			strbuf_add(out, span_of(text, 1));
		else
			strbuf_printf(out, "%%%02X", byte);
	}
}
