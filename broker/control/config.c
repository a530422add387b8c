#include "broker/control/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "broker/control/address.h"
#include "broker/control/arena.h"
#include "broker/control/checks.h"
#include "broker/control/complaints.h"
#include "broker/control/document.h"
#include "broker/control/keep.h"
#include "broker/control/overrides.h"
#include "broker/control/reader.h"

#define HOST_NAME_BYTES 256

static enum wsb_err config_create(struct config **out)
{
	struct arena *arena;
	struct config *config;

	*out = NULL;
	if (arena_create(&arena) != WSB_OK)
		return WSB_ENOMEM;
	config = arena_alloc(arena, 1, sizeof(*config));
	if (!config) {
		arena_destroy(arena);
		return WSB_ENOMEM;
	}
	config->arena = arena;
	config->holds = 1;
	*out = config;
	return WSB_OK;
}

void config_release(const struct config *config)
{
	if (config && --((struct config *)config)->holds == 0)
		arena_destroy(config->arena);
}

static void name_node(struct config *config)
{
	char name[HOST_NAME_BYTES] = "";

	if (config->node)
		return;
	if (gethostname(name, sizeof(name) - 1) != 0 || !name[0])
		memcpy(name, "wsbroker", sizeof("wsbroker"));
	config->node = arena_text(config->arena, span_text(name));
}

/* What both ways to a configuration end with. */
static enum wsb_err conclude(struct config *config, struct complaints *complaints,
			     struct strbuf *errors, struct config **out)
{
	enum wsb_err err = WSB_OK;

	if (complaints->count > 0) {
		complaints_write(complaints, config->file, errors);
		err = WSB_EINVAL;
	}
	if (arena_failed(config->arena))
		err = WSB_ENOMEM;
	if (err == WSB_OK)
		*out = config;
	else
		config_release(config);
	return err;
}

static void read_urls(struct document *document, struct config *config, const char *const *urls,
		      size_t count)
{
	struct pool_settings *pool = arena_alloc(config->arena, 1, sizeof(*pool));

	if (!pool)
		return;
	config->pools = pool;
	config->pool_count = 1;
	reader_defaults(document, SCOPE_POOL, pool);
	pool->name = "main";
	pool->endpoints = arena_alloc(config->arena, count, sizeof(*pool->endpoints));
	for (size_t i = 0; pool->endpoints && i < count; i++) {
		const char *why = "";

		pool->endpoint_count = i + 1;
		reader_defaults(document, SCOPE_ENDPOINT, &pool->endpoints[i]);
		if (endpoint_url_parse(config->arena, span_text(urls[i]), &pool->endpoints[i],
				       &why) == WSB_EINVAL)
			complain(document->complaints, (struct place){0}, "URL %zu: %s", i + 1,
				 why);
	}
}

static void read_source(struct document *document, struct config *config,
			const struct config_source *source)
{
	if (source->urls) {
		reader_defaults(document, SCOPE_CONFIG, config);
		if (source->url_count == 0 || source->url_count > 1000)
			complain(document->complaints, (struct place){0},
				 "1 to 1000 URLs are needed");
		else
			read_urls(document, config, source->urls, source->url_count);
	} else {
		reader_fill(document, config);
	}
}

/* A file that is no YAML has no more to say than that. */
static void read_all(struct document *document, struct config *config,
		     const struct config_source *source, const struct config_layers *layers)
{
	if (!source->urls && !document_root(document))
		return;
	read_source(document, config, source);
	checks_name_endpoints(config->arena, config);
	if (layers) {
		document->overlaid = true;
		overrides_apply(layers->overrides, document, layers->file, config);
	}
	checks_run(document, config);
}

enum wsb_err config_build(struct config **out, const struct config_source *source,
			  const struct config_layers *layers, struct strbuf *errors)
{
	struct complaints complaints;
	struct document document;
	struct config *config;

	*out = NULL;
	if (config_create(&config) != WSB_OK)
		return WSB_ENOMEM;
	complaints_init(&complaints, config->arena);
	if (source->urls) {
		document = (struct document){
			.arena = config->arena, .complaints = &complaints, .folder = ""};
	} else {
		config->file = arena_text(config->arena, span_text(source->file));
		document_init(&document, source->file, source->text, config->arena, &complaints);
	}
	read_all(&document, config, source, layers);
	document_fini(&document);
	name_node(config);
	if (layers && complaints.count == 0 && config_keep(config, layers->running)) {
		config_release(config);
		return WSB_ENOMEM;
	}
	return conclude(config, &complaints, errors, out);
}

enum wsb_err config_parse(struct config **out, const char *file, struct span text,
			  struct strbuf *errors)
{
	const struct config_source source = {.file = file, .text = text};

	return config_build(out, &source, NULL, errors);
}

enum wsb_err config_text_read(struct arena *arena, const char *file, struct span *out,
			      struct strbuf *errors)
{
	enum wsb_err err = file_read(arena, file, DOCUMENT_BYTES_MAX, out);

	if (err == WSB_EIO)
		strbuf_printf(errors, "%s: cannot be read: %s\n", file, strerror(errno));
	if (err != WSB_ELIMIT)
		return err;
	strbuf_printf(errors, "%s:1:1: longer than 4 MiB\n", file);
	return WSB_EINVAL;
}

enum wsb_err config_load(struct config **out, const char *file, struct strbuf *errors)
{
	struct arena *arena;
	struct span text;
	enum wsb_err err;

	*out = NULL;
	if (arena_create(&arena) != WSB_OK)
		return WSB_ENOMEM;
	err = config_text_read(arena, file, &text, errors);
	if (err == WSB_OK)
		err = config_parse(out, file, text, errors);
	arena_destroy(arena);
	return err;
}

enum wsb_err config_from_urls(struct config **out, const char *const *urls, size_t count,
			      struct strbuf *errors)
{
	const struct config_source source = {.urls = urls, .url_count = count};

	return config_build(out, &source, NULL, errors);
}
