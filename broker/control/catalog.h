/* broker/control/catalog.h: the table of all metrics. /metrics and its reference page are made from
 * it. */
#ifndef WSB_BROKER_CONTROL_CATALOG_H
#define WSB_BROKER_CONTROL_CATALOG_H

#include <stddef.h>
#include "common/strbuf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Which struct a series is read from: one sample (or one for each value of its dimension) for every
 * one of them in the snapshot. Each behind METRIC_OPERATIONS puts pool, or pool and endpoint,
 * first. */
enum metric_scope {
	METRIC_INSTANCE,   /* struct snapshot */
	METRIC_ENGINE,	   /* struct engine_stats */
	METRIC_OPERATIONS, /* struct operations */
	METRIC_POOL,	   /* struct pool_view */
	METRIC_REPORTS,	   /* struct report_stats */
	METRIC_TRAFFIC,	   /* struct traffic_stats */
	METRIC_ENDPOINT,   /* struct endpoint_view */
};

enum metric_value {
	VALUE_NONE, /* no such series */
	VALUE_FLAG,
	VALUE_U32,
	VALUE_U64,
	VALUE_I64,
	VALUE_SIZE,
	VALUE_REAL,
	VALUE_SECONDS,	 /* uint64_t of microseconds */
	VALUE_KNOWN,	 /* the same, where 0 means unknown: no sample then */
	VALUE_HISTOGRAM, /* struct histogram of microseconds */
	VALUE_UP,	 /* const char *: the state of an endpoint; 1 when it can carry traffic */
	VALUE_ONE,	 /* always 1; the member is the text of the dimension's label */
};

/* An array of counters, one for each value of a label. */
enum metric_dimension {
	DIMENSION_NONE,
	DIMENSION_RESULT,
	DIMENSION_STATE,
	DIMENSION_CLOSE,
	DIMENSION_REFUSAL,
	DIMENSION_ODDITY,
	DIMENSION_VERSION,
	DIMENSION_GAP,
	DIMENSION_POOL_REASON,
	DIMENSION_OPERATION,
	DIMENSION_FAILURE,
	DIMENSION_PROBE,
	DIMENSION_CAUSE,
	DIMENSION_EVENT_FLAW,
	DIMENSION_BUS_STATE,
	DIMENSION_BUS_PART,
	DIMENSION_NOT_STORED,
};

struct metric_series {
	enum metric_scope scope;
	enum metric_value value;
	size_t offset;
	const char *labels; /* fixed ones: side="client",direction="in"; NULL: none */
	enum metric_dimension dimension;
};

#define METRIC_SERIES_MAX 5

struct metric {
	const char *name;
	enum metric_type type;
	const char *labels; /* their names, for the reference */
	const char *help;
	struct metric_series series[METRIC_SERIES_MAX];
};

extern const struct metric metrics[];
extern const size_t metric_count;

/* Upper edges of the buckets of every histogram; the text is what le="..." says. */
struct metric_bucket {
	unsigned long bound_us;
	const char *seconds;
};
extern const struct metric_bucket metric_buckets[];
extern const size_t metric_bucket_count;

const char *metric_type_name(enum metric_type type); /* "counter", ... */

/* The label of a dimension, how many values it has, and the name of one. */
const char *dimension_label(enum metric_dimension dimension);
size_t dimension_size(enum metric_dimension dimension);
const char *dimension_value(enum metric_dimension dimension, size_t index);

/* The reference of all metrics, one Markdown table. */
void catalog_reference(struct strbuf *out);

#endif
