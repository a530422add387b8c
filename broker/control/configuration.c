#include "broker/control/configuration.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "broker/control/arena.h"
#include "broker/control/checks.h"
#include "broker/control/complaints.h"
#include "broker/control/entry.h"
#include "broker/control/key.h"
#include "broker/control/places.h"
#include "broker/control/state_file.h"

/* What runs once everything lies on top of what the file says. It is read anew also where that is
 * nothing: what is changed later is written into it, and must not change what the file says. */
static enum wsb_err build_running(const struct config_source *source,
				  const struct overrides *overrides, const struct config *file,
				  const struct config *running, const struct config **out,
				  struct strbuf *errors)
{
	const struct config_layers layers = {
		.overrides = overrides, .file = file, .running = running};
	struct config *config;
	enum wsb_err err;

	*out = NULL;
	err = config_build(&config, source, &layers, errors);
	*out = config;
	return err;
}

static void note(struct strbuf *notes, const char *path, const char *what, struct strbuf *why)
{
	strbuf_printf(notes, "%s: %s%s%s\n", path, what, why->len > 0 ? ": " : "",
		      strbuf_span(why).at);
}

/* A file that is of no use is never a reason not to start. */
static void read_state(struct configuration *configuration, const char *path, struct strbuf *notes)
{
	struct strbuf why;
	enum wsb_err err;

	strbuf_init(&why);
	err = state_file_read(&configuration->overrides, path, &why);
	if (err == WSB_EPARSE) {
		state_file_set_aside(path);
		note(notes, path, "set aside as PATH.broken, no runtime change is kept", &why);
	} else if (err != WSB_OK && err != WSB_ENOENT) {
		note(notes, path, "no runtime change is kept", &why);
	}
	strbuf_clear(&why);
	if (overrides_prune(&configuration->overrides, configuration->file) > 0)
		note(notes, path,
		     "changes of keys whose value in the file is another one now have "
		     "been dropped",
		     &why);
	strbuf_fini(&why);
}

static enum wsb_err lock_state(struct configuration *configuration, const char *path,
			       struct strbuf *errors, struct strbuf *notes)
{
	struct strbuf why;
	enum wsb_err err;

	strbuf_init(&why);
	err = state_file_lock(path, &configuration->state_lock, &why);
	if (err == WSB_EEXIST)
		strbuf_printf(errors, "%s: %s\n", path, strbuf_span(&why).at);
	if (err == WSB_EIO) {
		note(notes, path, "what is changed at runtime may not be kept", &why);
		err = WSB_OK;
	}
	strbuf_fini(&why);
	return err;
}

/* Changes that fitted once and do not fit any more go as a whole: which of them is to blame, and
 * what remains without it, is for people to say. */
static enum wsb_err open_running(struct configuration *configuration, struct strbuf *notes)
{
	const struct config *file = configuration->file;
	struct strbuf why;
	enum wsb_err err;

	strbuf_init(&why);
	err = build_running(&configuration->source, &configuration->overrides, file, file,
			    &configuration->running, &why);
	if (err == WSB_EINVAL) {
		note(notes, file->state, "set aside as PATH.broken, no runtime change is kept",
		     &why);
		state_file_set_aside(file->state);
		overrides_fini(&configuration->overrides);
		err = build_running(&configuration->source, &configuration->overrides, file, file,
				    &configuration->running, &why);
	}
	strbuf_fini(&why);
	return err;
}

enum wsb_err configuration_open(struct configuration *out, const char *path,
				const char *const *urls, size_t url_count, struct strbuf *errors,
				struct strbuf *notes)
{
	struct config *file;
	enum wsb_err err = WSB_OK;

	*out = (struct configuration){
		.source = {.file = path, .urls = urls, .url_count = url_count},
		.state_lock = -1,
		.generation = 1};
	overrides_init(&out->overrides);
	if (!urls)
		err = arena_create(&out->text);
	if (!urls && !err)
		err = config_text_read(out->text, path, &out->source.text, errors);
	if (!err)
		err = config_build(&file, &out->source, NULL, errors);
	if (!err) {
		out->file = file;
		if (file->state)
			err = lock_state(out, file->state, errors, notes);
	}
	if (!err) {
		if (file->state)
			read_state(out, file->state, notes);
		err = open_running(out, notes);
	}
	if (err)
		configuration_close(out);
	return err;
}

void configuration_close(struct configuration *configuration)
{
	config_diff_fini(&configuration->applied);
	config_diff_fini(&configuration->pending);
	config_release(configuration->running);
	config_release(configuration->file);
	overrides_fini(&configuration->overrides);
	arena_destroy(configuration->text);
	if (configuration->state_lock >= 0)
		close(configuration->state_lock);
	configuration->state_lock = -1;
	configuration->running = NULL;
	configuration->file = NULL;
	configuration->text = NULL;
}

void config_step_drop(struct config_step *step)
{
	config_diff_fini(&step->applied);
	config_diff_fini(&step->pending);
	config_release(step->running);
	config_release(step->file);
	overrides_fini(&step->overrides);
	arena_destroy(step->text);
	*step = (struct config_step){0};
	overrides_init(&step->overrides);
}

static const struct pool_settings *pool_named(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->pool_count; i++)
		if (strcmp(config->pools[i].name, name) == 0)
			return &config->pools[i];
	return NULL;
}

static bool same_session(const struct config *config_a, const struct listener_settings *a,
			 const struct config *config_b, const struct listener_settings *b)
{
	if (!a->session || !b->session)
		return a->session == b->session;
	return strcmp(config_a->pools[a->session_pool].name,
		      config_b->pools[b->session_pool].name) == 0;
}

/* One line of a refusal, at its place. */
static void refuse_session(struct places *places, const char *key, const char *why,
			   struct strbuf *errors)
{
	size_t before = errors->len;

	places_write(places, span_text(key), errors);
	strbuf_printf(errors, "%s%s: %s\n", errors->len > before ? ": " : "", key, why);
}

static void check_listener_sessions(const struct config *running, const struct config *next,
				    struct places *places, struct strbuf *errors)
{
	for (size_t i = 0; i < next->listener_count; i++) {
		const struct listener_settings *listener = &next->listeners[i];
		struct key_target old;
		struct strbuf key;

		strbuf_init(&key);
		strbuf_printf(&key, "listen.%s", listener->address.text);
		if (key_find(running, strbuf_span(&key), &old) && old.entry &&
		    !same_session(running, old.entry, next, listener)) {
			strbuf_text(&key, ".session");
			refuse_session(places, strbuf_span(&key).at, "a change needs a restart",
				       errors);
		}
		strbuf_fini(&key);
	}
}

static void check_pool_sessions(const struct config *running, const struct config *next,
				struct places *places, struct strbuf *errors)
{
	for (size_t i = 0; i < next->pool_count; i++) {
		const struct pool_settings *pool = &next->pools[i];
		const struct pool_settings *old = pool_named(running, pool->name);
		struct strbuf key;

		if (!old || old->tunnels == pool->tunnels)
			continue;
		strbuf_init(&key);
		strbuf_printf(&key, "pools.%s", pool->name);
		refuse_session(places, strbuf_span(&key).at,
			       "whether `session` listeners lead to it needs a restart", errors);
		strbuf_fini(&key);
	}
}

/* What a pool serves and what a listener leads to cannot be kept apart from the rest of the file,
 * and cannot change while clients are there. */
static enum wsb_err check_sessions(const struct config *running, const struct config_step *step,
				   struct strbuf *errors)
{
	size_t before = errors->len;
	struct places places;
	enum wsb_err err = places_open(&places, &step->source, step->file);

	if (err)
		return err;
	check_listener_sessions(running, step->running, &places, errors);
	check_pool_sessions(running, step->running, &places, errors);
	places_close(&places);
	return errors->len == before ? WSB_OK : WSB_EINVAL;
}

static enum wsb_err step_compare(const struct configuration *configuration,
				 struct config_step *step)
{
	enum wsb_err err = config_diff_make(&step->applied, configuration->running, step->running);

	return err ? err : config_diff_make(&step->pending, step->running, step->file);
}

enum wsb_err config_step_conclude(const struct configuration *configuration,
				  struct config_step *step, struct strbuf *errors)
{
	enum wsb_err err = build_running(&step->source, &step->overrides, step->file,
					 configuration->running, &step->running, errors);

	if (err == WSB_EINVAL && step->text)
		strbuf_text(errors, "the file alone is right: it does not go together with what "
				    "was changed at runtime (wsbroker config diff)\n");
	if (!err && step->text)
		err = check_sessions(configuration->running, step, errors);
	if (!err)
		err = step_compare(configuration, step);
	if (err)
		config_step_drop(step);
	return err;
}

/* A pipe gives what it holds once, and whoever waits for more serves nobody meanwhile. */
static enum wsb_err read_again(struct arena *arena, const char *file, struct span *out,
			       struct strbuf *errors)
{
	struct stat status;

	if (stat(file, &status) == 0 && S_ISFIFO(status.st_mode)) {
		strbuf_printf(errors, "%s: cannot be read again: it is a pipe\n", file);
		return WSB_EINVAL;
	}
	return config_text_read(arena, file, out, errors);
}

enum wsb_err configuration_reread(const struct configuration *configuration,
				  struct config_step *out, struct strbuf *errors)
{
	struct config *file;
	enum wsb_err err;

	*out = (struct config_step){.source = configuration->source};
	overrides_init(&out->overrides);
	if (configuration->source.urls) {
		strbuf_text(errors, "there is no file to read again: the broker was started with "
				    "URLs\n");
		return WSB_ENOENT;
	}
	err = arena_create(&out->text);
	if (!err)
		err = read_again(out->text, out->source.file, &out->source.text, errors);
	if (!err)
		err = config_build(&file, &out->source, NULL, errors);
	if (!err) {
		out->file = file;
		err = overrides_copy(&out->overrides, &configuration->overrides);
	}
	if (err) {
		config_step_drop(out);
		return err;
	}
	overrides_prune(&out->overrides, file);
	return config_step_conclude(configuration, out, errors);
}

void configuration_take(struct configuration *configuration, struct config_step *step)
{
	struct overrides before = {0};
	struct list_node *node;

	overrides_init(&before);
	while ((node = list_pop(&configuration->overrides.list)))
		list_append(&before.list, node);
	while ((node = list_pop(&step->overrides.list)))
		list_append(&configuration->overrides.list, node);
	overrides_fini(&before);
	config_release(configuration->running);
	config_release(configuration->file);
	configuration->running = config_hold(step->running);
	configuration->file = config_hold(step->file);
	if (step->text) {
		arena_destroy(configuration->text);
		configuration->text = step->text;
		configuration->source = step->source;
		step->text = NULL;
	}
	configuration->generation++;
	config_diff_fini(&configuration->applied);
	config_diff_fini(&configuration->pending);
	configuration->applied = step->applied;
	configuration->pending = step->pending;
	step->applied = (struct config_diff){0};
	step->pending = (struct config_diff){0};
	config_step_drop(step);
}

/* folder: where relative paths begin. */
static enum wsb_err put(struct config *config, const struct override *change, const char *folder)
{
	struct complaints complaints;
	struct document document = {
		.arena = config->arena, .complaints = &complaints, .folder = folder};

	complaints_init(&complaints, config->arena);
	override_apply(change, &document, config);
	return arena_failed(config->arena) ? WSB_ENOMEM : WSB_OK;
}

enum wsb_err config_put(struct config *config, const struct override *change)
{
	return put(config, change,
		   config->file ? document_folder(config->arena, config->file) : "");
}

static struct span size_key(struct strbuf *out, const char *pool)
{
	strbuf_init(out);
	strbuf_printf(out, "pools.%s.size", pool);
	return strbuf_span(out);
}

/* Bounds are a command, too. A pinned size that they have cut is what it was cut to from then on,
 * also after a restart with wider ones. */
static enum wsb_err fit_size(struct configuration *configuration, struct pool_settings *pool)
{
	enum wsb_err err = WSB_OK;
	const struct override *pin;
	struct override cut;
	struct strbuf key;
	char size[16];

	checks_fit_size(pool);
	pin = overrides_find(&configuration->overrides, size_key(&key, pool->name));
	snprintf(size, sizeof(size), "%u", pool->size);
	if (pin && pool->autoscale.pinned && strcmp(pin->value, size) != 0) {
		/* The pin is gone before the last look at the key. */
		cut = *pin;
		cut.key = key.text;
		cut.value = size;
		err = overrides_set(&configuration->overrides, configuration->file, &cut);
	}
	strbuf_fini(&key);
	return err;
}

/* No command names a file. */
enum wsb_err configuration_note(struct configuration *configuration, const struct override *change)
{
	enum wsb_err err = overrides_set(&configuration->overrides, configuration->file, change);

	if (!err)
		err = put((struct config *)configuration->running, change, "");
	for (size_t i = 0; !err && i < configuration->running->pool_count; i++)
		err = fit_size(configuration, &configuration->running->pools[i]);
	return err;
}

void configuration_unpin(struct configuration *configuration, const char *pool)
{
	struct pool_settings *running =
		(struct pool_settings *)pool_named(configuration->running, pool);
	const struct pool_settings *file = pool_named(configuration->file, pool);
	struct strbuf key;

	if (!running || !file || !running->autoscale.enabled)
		return;
	running->autoscale.pinned = false;
	running->size = file->size;
	checks_fit_size(running);
	overrides_forget(&configuration->overrides, size_key(&key, pool));
	strbuf_fini(&key);
}

char *configuration_state(const struct configuration *configuration)
{
	return state_file_text(&configuration->overrides);
}
