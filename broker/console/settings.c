#include "broker/console/settings.h"

#include <jansson.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/console.h"
#include "broker/console/pages_config.h"
#include "broker/console/show.h"
#include "common/strbuf.h"
#include "proto/admin_api.h"

int settings_show(const struct invocation *invocation)
{
	struct strbuf path;
	int code;

	strbuf_init(&path);
	strbuf_text(&path, ADMIN_CONFIG);
	if (invocation->operand_count > 0) {
		strbuf_text(&path, "?key=");
		ask_escape(&path, invocation->operands[0]);
	}
	code = show_pages(invocation, strbuf_span(&path).at, ADMIN_CONFIG_ROWS, page_config);
	strbuf_fini(&path);
	return code;
}

int settings_diff(const struct invocation *invocation)
{
	return show(invocation, ADMIN_CONFIG_DIFF, JSON_OBJECT, page_config_diff);
}

/* Takes the reference of body. */
static int send_step(const struct invocation *invocation, const char *method, const char *path,
		     json_t *body, void (*page)(const json_t *step, struct strbuf *out))
{
	struct answer answer;
	struct strbuf out;
	int code;

	if (invocation->arguments->reason)
		json_object_set_new(body, "reason", json_string(invocation->arguments->reason));
	answer_init(&answer);
	strbuf_init(&out);
	code = ask_change(invocation->client, method, path, body, &answer);
	if (code == EXIT_DONE && invocation->arguments->json) {
		strbuf_add(&out, strbuf_span(&answer.body));
	} else if (code == EXIT_DONE) {
		page(answer.value, &out);
	}
	if (code == EXIT_DONE)
		code = show_text(&out);
	strbuf_fini(&out);
	answer_fini(&answer);
	json_decref(body);
	return code;
}

int settings_set(const struct invocation *invocation)
{
	json_t *body = json_pack("{s:s, s:s}", "key", invocation->operands[0], "value",
				 invocation->operands[1]);

	if (!body)
		return ask_complain(EXIT_USAGE, "KEY and VALUE must be UTF-8", "");
	return send_step(invocation, "PATCH", ADMIN_CONFIG, body, page_config_set);
}

int settings_reload(const struct invocation *invocation)
{
	return send_step(invocation, "POST", ADMIN_CONFIG_RELOAD, json_object(),
			 page_config_reload);
}
