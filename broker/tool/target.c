#include "broker/tool/target.h"

#include <string.h>
#include "broker/control/address.h"

static enum wsb_err parse_unix(struct arena *arena, struct span text, struct ws_target *out,
			       const char **why)
{
	const char *split = memmem(text.at, text.len, ":/", 2);
	size_t file_len = split ? (size_t)(split - text.at) : text.len;

	if (file_len == 0 || file_len > UNIX_PATH_BYTES_MAX) {
		*why = "the path of a Unix socket has 1 to 107 bytes";
		return WSB_EINVAL;
	}
	*out = (struct ws_target){0};
	out->unix_path = arena_text(arena, span_of(text.at, file_len));
	out->path = arena_text(arena, split ? span_of(split + 1, text.len - file_len - 1)
					    : span_text("/"));
	return out->unix_path && out->path ? WSB_OK : WSB_ENOMEM;
}

static enum wsb_err parse_url(struct arena *arena, struct span text, struct ws_target *out,
			      const char **why)
{
	struct endpoint_settings endpoint = {0};
	enum wsb_err err = endpoint_url_parse(arena, text, &endpoint, why);

	if (err)
		return err;
	*out = (struct ws_target){
		.host = endpoint.host,
		.port = endpoint.port,
		.tls = endpoint.tls,
		.path = endpoint.path,
	};
	return WSB_OK;
}

enum wsb_err target_parse(struct arena *arena, const char *url, struct ws_target *out,
			  const char **why)
{
	static const char *const unix_schemes[] = {"ws+unix://", "ws+unix:", "unix:"};
	struct span text = span_text(url);

	for (size_t i = 0; i < sizeof(unix_schemes) / sizeof(unix_schemes[0]); i++) {
		size_t len = strlen(unix_schemes[i]);

		if (span_begins(text, unix_schemes[i]))
			return parse_unix(arena, span_of(text.at + len, text.len - len), out, why);
	}
	return parse_url(arena, text, out, why);
}
