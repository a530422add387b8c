#include "broker/control/setting.h"

#include <string.h>
#include "broker/control/entry.h"
#include "broker/control/inventory.h"
#include "broker/control/key.h"
#include "broker/control/value_text.h"

#define KEY_SHOWN_MAX 200

static bool is_within(const struct option *option, const char *section)
{
	return strncmp(option->path, section, strlen(section)) == 0;
}

/* Sections that switch something on by being there. */
static bool is_dormant(const struct option *option, const void *base)
{
	const struct pool_settings *pool = base;
	const struct listener_settings *listener = base;

	if (option->scope == SCOPE_POOL)
		return is_within(option, "autoscale.") && !pool->autoscale.enabled;
	if (option->scope != SCOPE_LISTENER)
		return false;
	return (is_within(option, "auth.") && !listener->auth) ||
	       (is_within(option, "auth.jwt.") && !listener->jwt.keys.file);
}

/* What is told by its place alone may be another one after the next reload. */
enum setting_way setting_way(const struct option *option, const void *base)
{
	if (option->restart)
		return SETTING_BY_START;
	if (is_dormant(option, base))
		return SETTING_DORMANT;
	if (!option_is_scalar(option) || option_is_identity(option) ||
	    (option->scope != SCOPE_CONFIG && !entries_have_names(option->scope)))
		return SETTING_BY_FILE;
	return SETTING_AT_ONCE;
}

/* It came from outside, and may be anything. */
static void write_key(struct strbuf *out, struct span key)
{
	strbuf_plain(out, span_of(key.at, key.len < KEY_SHOWN_MAX ? key.len : KEY_SHOWN_MAX));
}

static enum wsb_err find_changeable(const struct configuration *configuration, struct span key,
				    struct strbuf *errors)
{
	static const char *const refusals[] = {
		[SETTING_BY_FILE] = "this can be changed in the file only, and needs a reload then",
		[SETTING_BY_START] = "a change needs a restart: write it into the file",
		[SETTING_DORMANT] =
			"the file has no such section, without which this means nothing",
	};
	const struct config *running = configuration->running;
	enum setting_way way = SETTING_BY_FILE;
	struct key_target target;

	if (!key_find(running, key, &target)) {
		write_key(errors, key);
		strbuf_text(errors, ": there is no such key");
		inventory_suggest(configuration, key, errors);
		strbuf_text(errors, "\n");
		return WSB_ENOENT;
	}
	if (!target.entry)
		way = setting_way(target.option, target.base);
	if (way == SETTING_AT_ONCE)
		return WSB_OK;
	write_key(errors, key);
	strbuf_printf(errors, ": %s", refusals[way]);
	if (target.entry)
		inventory_suggest(configuration, key, errors);
	strbuf_text(errors, "\n");
	return WSB_EDENIED;
}

/* Where the rest of the configuration puts a value right, as it does with what a file leaves out,
 * it is not what was asked for. */
static enum wsb_err check_taken(const struct override *change, struct config *running,
				struct strbuf *errors)
{
	struct strbuf text, asked;
	struct key_target target;
	enum wsb_err err = WSB_OK;

	if (!key_find(running, span_text(change->key), &target))
		return WSB_OK;
	strbuf_init(&text);
	strbuf_init(&asked);
	value_text(running, target.option, target.base, &text);
	err = config_put(running, change);
	value_text(running, target.option, target.base, &asked);
	if (!err && !span_equal(strbuf_span(&text), strbuf_span(&asked))) {
		strbuf_printf(errors,
			      "%.200s: %s does not go together with the rest, by which it "
			      "would be %s\n",
			      change->key,
			      target.option->secret ? VALUE_SECRET : strbuf_span(&asked).at,
			      target.option->secret ? VALUE_SECRET : strbuf_span(&text).at);
		err = WSB_EINVAL;
	}
	strbuf_fini(&text);
	strbuf_fini(&asked);
	return err;
}

/* "60s" is what the file says where it says "1m": then nothing lies on top of it. */
static void forget_idle(struct config_step *step, const char *key)
{
	struct key_target running, file;

	if (!key_find(step->running, span_text(key), &running) ||
	    !key_find(step->file, span_text(key), &file) || override_pins(step->file, key))
		return;
	if (value_same(step->running, running.base, step->file, file.base, running.option))
		overrides_forget(&step->overrides, span_text(key));
}

enum wsb_err configuration_set(const struct configuration *configuration,
			       const struct override *change, struct config_step *out,
			       struct strbuf *errors)
{
	enum wsb_err err = find_changeable(configuration, span_text(change->key), errors);

	*out = (struct config_step){.source = configuration->source};
	overrides_init(&out->overrides);
	if (err)
		return err;
	out->file = config_hold(configuration->file);
	err = overrides_copy(&out->overrides, &configuration->overrides);
	if (!err)
		err = overrides_set(&out->overrides, configuration->file, change);
	if (!err)
		err = config_step_conclude(configuration, out, errors);
	if (!err)
		err = check_taken(change, (struct config *)out->running, errors);
	if (err)
		config_step_drop(out);
	else
		forget_idle(out, change->key);
	return err;
}
