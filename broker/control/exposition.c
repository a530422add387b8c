#include "broker/control/exposition.h"

#include <inttypes.h>
#include <string.h>
#include "broker/control/catalog.h"
#include "common/clock.h"

/* One struct of a series' scope, and the names that its samples carry. */
struct source {
	const void *base;
	const char *pool;     /* NULL: no such label */
	const char *endpoint; /* NULL: no such label */
};

/* A label's value: backslash, quote and line break are escaped (and nothing else). */
static void add_value(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			strbuf_printf(out, "\\%c", *text);
		else if (*text == '\n')
			strbuf_text(out, "\\n");
		else
			strbuf_add(out, span_of(text, 1));
	}
}

/* Writes {a="b",...}; separator is what stands before the next label. */
static void add_label(struct strbuf *out, const char **separator, const char *name,
		      const char *value)
{
	if (!value)
		return;
	strbuf_printf(out, "%s%s=\"", *separator, name);
	add_value(out, value);
	strbuf_text(out, "\"");
	*separator = ",";
}

/* name or NULL, value: one label more, which changes from sample to sample. */
static void add_head(struct strbuf *out, const struct metric *metric, const char *suffix,
		     const struct metric_series *series, const struct source *source,
		     const char *name, const char *value)
{
	const char *separator = "{";

	strbuf_printf(out, "%s%s", metric->name, suffix);
	add_label(out, &separator, "pool", source->pool);
	add_label(out, &separator, "endpoint", source->endpoint);
	if (series->labels) {
		strbuf_printf(out, "%s%s", separator, series->labels);
		separator = ",";
	}
	if (name)
		add_label(out, &separator, name, value);
	strbuf_text(out, separator[0] == ',' ? "} " : " ");
}

/* Exact to the microsecond, without a floating point number in between. */
static void add_seconds(struct strbuf *out, uint64_t us)
{
	strbuf_printf(out, "%" PRIu64 ".%06" PRIu64 "\n", us / US_PER_S, us % US_PER_S);
}

static void add_histogram(struct strbuf *out, const struct metric *metric,
			  const struct metric_series *series, const struct source *source,
			  const struct histogram *histogram)
{
	for (size_t i = 0; i < metric_bucket_count; i++) {
		add_head(out, metric, "_bucket", series, source, "le", metric_buckets[i].seconds);
		strbuf_printf(out, "%" PRIu64 "\n",
			      histogram_count_below(histogram, metric_buckets[i].bound_us));
	}
	add_head(out, metric, "_bucket", series, source, "le", "+Inf");
	strbuf_printf(out, "%" PRIu64 "\n", histogram->count);
	add_head(out, metric, "_sum", series, source, NULL, NULL);
	add_seconds(out, histogram->sum_us);
	add_head(out, metric, "_count", series, source, NULL, NULL);
	strbuf_printf(out, "%" PRIu64 "\n", histogram->count);
}

static bool is_up(const char *state)
{
	return strcmp(state, "active") == 0 || strcmp(state, "standby") == 0;
}

static void add_number(struct strbuf *out, enum metric_value value, const void *at, size_t index)
{
	switch (value) {
	case VALUE_FLAG:
		strbuf_text(out, *(const bool *)at ? "1\n" : "0\n");
		break;
	case VALUE_U32:
		strbuf_printf(out, "%" PRIu32 "\n", ((const uint32_t *)at)[index]);
		break;
	case VALUE_U64:
		strbuf_printf(out, "%" PRIu64 "\n", ((const uint64_t *)at)[index]);
		break;
	case VALUE_I64:
		strbuf_printf(out, "%" PRId64 "\n", *(const int64_t *)at);
		break;
	case VALUE_SIZE:
		strbuf_printf(out, "%zu\n", *(const size_t *)at);
		break;
	case VALUE_REAL:
		strbuf_printf(out, "%.6g\n", *(const double *)at);
		break;
	case VALUE_SECONDS:
	case VALUE_KNOWN:
		add_seconds(out, *(const uint64_t *)at);
		break;
	case VALUE_UP:
		strbuf_text(out, is_up(*(const char *const *)at) ? "1\n" : "0\n");
		break;
	default:
		strbuf_text(out, "1\n");
		break;
	}
}

static void add_samples(struct strbuf *out, const struct metric *metric,
			const struct metric_series *series, const struct source *source)
{
	const void *at = (const char *)source->base + series->offset;
	const char *label = NULL;
	const char *value = NULL;

	if (series->value == VALUE_HISTOGRAM) {
		add_histogram(out, metric, series, source, at);
		return;
	}
	if (series->value == VALUE_KNOWN && *(const uint64_t *)at == 0)
		return;
	if (series->dimension != DIMENSION_NONE)
		label = dimension_label(series->dimension);
	for (size_t i = 0; i < dimension_size(series->dimension); i++) {
		if (series->value == VALUE_ONE)
			value = *(const char *const *)at;
		else if (label)
			value = dimension_value(series->dimension, i);
		add_head(out, metric, "", series, source, label, value);
		add_number(out, series->value, at, i);
	}
}

static void add_pool(struct strbuf *out, const struct metric *metric,
		     const struct metric_series *series, const struct pool_view *pool)
{
	struct source source = {.base = pool, .pool = pool->name};

	if (series->scope == METRIC_TRAFFIC)
		source.base = pool->traffic;
	if (series->scope == METRIC_REPORTS)
		source.base = pool->reports;
	if (series->scope != METRIC_ENDPOINT) {
		add_samples(out, metric, series, &source);
		return;
	}
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		source.base = &pool->endpoints[i];
		source.endpoint = pool->endpoints[i].name;
		add_samples(out, metric, series, &source);
	}
}

static void add_series(struct strbuf *out, const struct metric *metric,
		       const struct metric_series *series, const struct snapshot *snapshot)
{
	struct source source = {.base = snapshot};

	if (series->scope == METRIC_ENGINE)
		source.base = snapshot->engine;
	if (series->scope == METRIC_OPERATIONS)
		source.base = snapshot->operations;
	if (series->scope <= METRIC_OPERATIONS) {
		add_samples(out, metric, series, &source);
		return;
	}
	for (size_t i = 0; i < snapshot->pool_count; i++)
		add_pool(out, metric, series, &snapshot->pools[i]);
}

void exposition_write(const struct snapshot *snapshot, struct strbuf *out)
{
	for (size_t i = 0; i < metric_count; i++) {
		const struct metric *metric = &metrics[i];

		strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
			      metric->name, metric_type_name(metric->type));
		for (size_t s = 0; s < METRIC_SERIES_MAX; s++) {
			if (metric->series[s].value != VALUE_NONE)
				add_series(out, metric, &metric->series[s], snapshot);
		}
	}
}
