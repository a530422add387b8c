#include "broker/control/snapshot.h"

#include <stdlib.h>

#include "broker/control/cache_counts.h"

static const char *const results[RESULT_COUNT] = {
	[RESULT_OK] = "ok",
	[RESULT_ERROR] = "error",
	[RESULT_UNAVAILABLE] = "unavailable",
	[RESULT_UPSTREAM_LOST] = "upstream_lost",
	[RESULT_TIMEOUT] = "timeout",
	[RESULT_OVERLOADED] = "overloaded",
	[RESULT_RATE_LIMITED] = "rate_limited",
	[RESULT_NO_ROUTE] = "no_route",
	[RESULT_METHOD_DENIED] = "method_denied",
	[RESULT_PARSE_ERROR] = "parse_error",
	[RESULT_INVALID] = "invalid",
	[RESULT_NOT_CACHED] = "not_cached",
	[RESULT_CACHED] = "cached",
	[RESULT_LOCAL] = "local",
	[RESULT_DROPPED] = "dropped",
	[RESULT_ABANDONED] = "abandoned",
};

static const struct {
	uint16_t code;
	const char *name;
} closes[CLOSE_CLASSES] = {
	[CLOSE_NONE] = {0, "none"},    [CLOSE_1000] = {1000, "1000"}, [CLOSE_1001] = {1001, "1001"},
	[CLOSE_1002] = {1002, "1002"}, [CLOSE_1003] = {1003, "1003"}, [CLOSE_1007] = {1007, "1007"},
	[CLOSE_1008] = {1008, "1008"}, [CLOSE_1009] = {1009, "1009"}, [CLOSE_1011] = {1011, "1011"},
	[CLOSE_1012] = {1012, "1012"}, [CLOSE_1013] = {1013, "1013"}, [CLOSE_OTHER] = {1, "other"},
};

static const char *const refusals[REFUSAL_KINDS] = {
	[REFUSAL_BAD_REQUEST] = "bad_request", [REFUSAL_UNAUTHORIZED] = "unauthorized",
	[REFUSAL_ORIGIN] = "origin",	       [REFUSAL_NOT_FOUND] = "not_found",
	[REFUSAL_RATE] = "rate_limited",       [REFUSAL_FULL] = "full",
	[REFUSAL_DRAINING] = "draining",       [REFUSAL_TOO_LARGE] = "too_large",
	[REFUSAL_UNAVAILABLE] = "unavailable", [REFUSAL_UPSTREAM] = "upstream",
};

static const char *const oddities[ODDITIES] = {
	[ODD_UNREADABLE] = "unreadable",
	[ODD_UNKNOWN_ID] = "unknown_id",
	[ODD_LATE] = "late",
	[ODD_PUSH] = "push",
	[ODD_ORPHAN_ERROR] = "orphan_error",
	[ODD_NOT_TRANSCODABLE] = "not_transcodable",
	[ODD_TOO_BIG] = "too_big",
	[ODD_SLOW_READER] = "slow_reader",
	[ODD_CLIENT_UNREADABLE] = "client_unreadable",
	[ODD_NOTIFICATION_EXPIRED] = "notification_expired",
};

const char *request_result_name(enum request_result result)
{
	return results[result];
}

const char *close_class_name(enum close_class close_class)
{
	return closes[close_class].name;
}

enum close_class close_class_of(uint16_t code)
{
	for (enum close_class i = CLOSE_NONE; i < CLOSE_OTHER; i++) {
		if (closes[i].code == code)
			return i;
	}
	return CLOSE_OTHER;
}

const char *refusal_name(enum refusal_kind kind)
{
	return refusals[kind];
}

static const char *const gap_reasons[GAP_REASONS] = {
	[GAP_UPSTREAM_LOST] = "upstream_lost",	     [GAP_MOVED] = "moved",
	[GAP_NOT_TRANSCODABLE] = "not_transcodable", [GAP_OVERFLOW] = "overflow",
	[GAP_UNAVAILABLE] = "unavailable",	     [GAP_POOL_REMOVED] = "pool_removed",
};

const char *event_flaw_name(enum event_flaw flaw)
{
	static const char *const names[EVENT_FLAWS] = {
		[EVENT_FLAW_DUPLICATE] = "duplicate",
		[EVENT_FLAW_UNKNOWN] = "unknown_type",
	};

	return names[flaw];
}

const char *gap_reason_name(enum gap_reason reason)
{
	return gap_reasons[reason];
}

static const char *const not_stored[NOT_STORED_REASONS] = {
#define X(name, text) [NOT_STORED_##name] = (text),
	NOT_STORED(X)
#undef X
};

const char *not_stored_name(enum not_stored reason)
{
	return not_stored[reason];
}

int64_t cached_saved(const struct cached_stats *stats)
{
	const uint64_t spared = stats->hits + stats->stale + stats->joined;
	uint64_t spent = stats->led_anew;

	for (size_t i = 0; i < OWN_LOADS; i++)
		spent += stats->own_loads[i];
	return (int64_t)(spared - spent);
}

const char *oddity_name(enum oddity oddity)
{
	return oddities[oddity];
}

void snapshot_fini(struct snapshot *snapshot)
{
	free(snapshot->memory);
	*snapshot = (struct snapshot){0};
}
