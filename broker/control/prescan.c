#include "broker/control/prescan.h"

#include <yaml.h>

struct prescan {
	struct complaints *complaints;
	size_t depth;
	size_t anchors;
	size_t aliases;
};

static bool refuse(struct prescan *scan, const yaml_token_t *token, const char *what, size_t limit)
{
	struct place place = {token->start_mark.line + 1, token->start_mark.column + 1};

	if (limit > 0)
		complain(scan->complaints, place, "%s %zu", what, limit);
	else
		complain(scan->complaints, place, "%s", what);
	return false;
}

static bool look_at(struct prescan *scan, const yaml_token_t *token)
{
	switch (token->type) {
	case YAML_BLOCK_SEQUENCE_START_TOKEN:
	case YAML_BLOCK_MAPPING_START_TOKEN:
	case YAML_FLOW_SEQUENCE_START_TOKEN:
	case YAML_FLOW_MAPPING_START_TOKEN:
		if (++scan->depth > PRESCAN_DEPTH_MAX)
			return refuse(scan, token, "lists and mappings are nested deeper than",
				      PRESCAN_DEPTH_MAX);
		return true;
	case YAML_BLOCK_END_TOKEN:
	case YAML_FLOW_SEQUENCE_END_TOKEN:
	case YAML_FLOW_MAPPING_END_TOKEN:
		scan->depth -= scan->depth > 0 ? 1 : 0; /* one too many is an error further on */
		return true;
	case YAML_ANCHOR_TOKEN:
		return ++scan->anchors <= PRESCAN_ANCHORS_MAX ||
		       refuse(scan, token, "there are more anchors than", PRESCAN_ANCHORS_MAX);
	case YAML_ALIAS_TOKEN:
		return ++scan->aliases <= PRESCAN_ALIASES_MAX ||
		       refuse(scan, token, "there are more aliases than", PRESCAN_ALIASES_MAX);
	case YAML_TAG_DIRECTIVE_TOKEN:
		return refuse(scan, token, "tags are not supported", 0);
	default:
		return true;
	}
}

bool prescan_passes(struct span text, struct complaints *complaints)
{
	struct prescan scan = {.complaints = complaints};
	yaml_parser_t parser;
	yaml_token_t token;
	bool passes = true;
	bool more = true;

	if (!yaml_parser_initialize(&parser)) {
		complain(complaints, (struct place){0}, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.len);
	while (more && passes && yaml_parser_scan(&parser, &token)) {
		passes = look_at(&scan, &token);
		more = token.type != YAML_STREAM_END_TOKEN;
		yaml_token_delete(&token);
	}
	yaml_parser_delete(&parser);
	return passes;
}
