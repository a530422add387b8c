#include "broker/control/requests.h"

#include <stdlib.h>
#include <string.h>

enum wsb_err requests_init(struct requests *requests, struct requests_settings settings)
{
	*requests = (struct requests){.settings = settings};
	requests->ring = calloc(REQUESTS_KEPT, sizeof(*requests->ring));
	return requests->ring ? WSB_OK : WSB_ENOMEM;
}

void requests_fini(struct requests *requests)
{
	free(requests->ring);
	requests->ring = NULL;
}

/* The broker's own errors and the upstream's. */
static bool is_failure(enum request_result result)
{
	switch (result) {
	case RESULT_OK:
	case RESULT_CACHED:
	case RESULT_LOCAL:
	case RESULT_DROPPED:
	case RESULT_ABANDONED:
	case RESULT_COUNT:
		return false;
	default:
		return true;
	}
}

static void keep_span(char *out, size_t size, struct span text)
{
	size_t len = text.at ? text.len : 0;

	if (len >= size)
		len = size - 1;
	if (len > 0)
		memcpy(out, text.at, len);
	out[len] = '\0';
}

#define KEEP(member, text) keep_span(record->member, sizeof(record->member), (text))

static struct span text_of(const char *text)
{
	return text ? span_text(text) : span_of(NULL, 0);
}

static void keep(struct requests *requests, const struct request_end *end, bool slow, bool failed)
{
	uint64_t id = ++requests->newest_id;
	struct request_record *record = &requests->ring[id % REQUESTS_KEPT];

	*record = (struct request_record){
		.id = id,
		.wall_us = end->wall_us,
		.duration_us = end->duration_us,
		.queued_us = end->queued_us,
		.upstream_us = end->upstream_us,
		.aged = end->aged,
		.age_us = end->age_us,
		.connection = end->connection,
		.client = end->client,
		.attempts = end->attempts,
		.result = end->result,
		.slow = slow,
		.failed = failed,
	};
	KEEP(method, end->method);
	KEEP(pool, text_of(end->pool));
	KEEP(endpoint, text_of(end->endpoint));
	KEEP(cache, text_of(end->cache));
	KEEP(reason, text_of(end->reason));
	KEEP(limit, text_of(end->limit));
	KEEP(identity, text_of(end->identity));
}

static void write_line(struct log *log, const struct request_end *end, bool failed)
{
	const struct log_field fields[] = {
		log_span("method", end->method.at ? end->method : span_of("", 0)),
		log_text("result", request_result_name(end->result)),
		log_text("reason", end->reason ? end->reason : ""),
		log_number("duration_us", end->duration_us),
		log_number("queued_us", end->queued_us),
		log_number("upstream_us", end->upstream_us),
		log_text("cache", end->cache ? end->cache : ""),
		log_number("age_us", end->aged ? end->age_us : 0),
		log_number("attempts", end->attempts),
		log_text("pool", end->pool ? end->pool : ""),
		log_text("endpoint", end->endpoint ? end->endpoint : ""),
		log_number("connection", end->connection),
		log_number("client", end->client),
		log_text("identity", end->identity ? end->identity : ""),
		log_text("limit", end->limit ? end->limit : ""),
	};

	log_write_each(log, failed ? LOG_WARN : LOG_INFO, "request", fields,
		       sizeof(fields) / sizeof(fields[0]));
}

void requests_end(struct requests *requests, struct log *log, const struct request_end *end)
{
	const struct requests_settings *settings = &requests->settings;
	bool slow = settings->slow_us > 0 && end->duration_us >= settings->slow_us;
	bool failed = is_failure(end->result);

	if (slow || failed)
		keep(requests, end, slow, failed);
	if (settings->log == REQUESTS_LOG_ALL ||
	    (settings->log == REQUESTS_LOG_SLOW && (slow || failed)))
		write_line(log, end, failed);
}

const struct request_record *requests_get(const struct requests *requests, uint64_t id)
{
	if (id == 0 || id > requests->newest_id || id < requests_oldest(requests))
		return NULL;
	return &requests->ring[id % REQUESTS_KEPT];
}

uint64_t requests_oldest(const struct requests *requests)
{
	if (requests->newest_id <= REQUESTS_KEPT)
		return requests->newest_id > 0 ? 1 : 0;
	return requests->newest_id - REQUESTS_KEPT + 1;
}
