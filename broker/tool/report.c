#include "broker/tool/report.h"

#include <inttypes.h>
#include "common/clock.h"

struct quantile {
	const char *json;
	const char *text;
	double share;
};

static const struct quantile quantiles[] = {
	{"p50_ms", "p50", 0.5},
	{"p90_ms", "p90", 0.9},
	{"p99_ms", "p99", 0.99},
	{"p99_9_ms", "p99.9", 0.999},
};

#define QUANTILES (sizeof(quantiles) / sizeof(quantiles[0]))

static double in_ms(uint64_t us)
{
	return (double)us / (double)US_PER_MS;
}

static double per_second(uint64_t count, uint64_t us)
{
	return us > 0 ? (double)count * (double)US_PER_S / (double)us : 0.0;
}

static double mean_ms(const struct histogram *latency)
{
	return latency->count > 0 ? in_ms(latency->sum_us) / (double)latency->count : 0.0;
}

static double quantile_ms(const struct histogram *latency, double share)
{
	return in_ms(histogram_quantile_us(latency, share));
}

static void add_count(struct strbuf *out, const char *name, uint64_t count)
{
	strbuf_printf(out, "\"%s\": %" PRIu64 ", ", name, count);
}

static void add_latency(const struct histogram *latency, struct strbuf *out)
{
	strbuf_text(out, "\"latency\": {");
	for (size_t i = 0; i < QUANTILES; i++)
		strbuf_printf(out, "\"%s\": %.3f, ", quantiles[i].json,
			      quantile_ms(latency, quantiles[i].share));
	strbuf_printf(out, "\"max_ms\": %.3f, \"mean_ms\": %.3f}, ", in_ms(latency->max_us),
		      mean_ms(latency));
}

static void add_codes(const struct tally *tally, struct strbuf *out)
{
	strbuf_text(out, "\"error_codes\": {");
	for (size_t i = 0; i < tally->code_count; i++)
		strbuf_printf(out, "%s\"%" PRId64 "\": %" PRIu64, i > 0 ? ", " : "",
			      tally->codes[i].code, tally->codes[i].count);
	if (tally->other_codes > 0)
		strbuf_printf(out, ", \"other\": %" PRIu64, tally->other_codes);
	strbuf_text(out, "}");
}

void report_json(const struct report *report, struct strbuf *out)
{
	const struct tally *tally = report->tally;

	strbuf_text(out, "{\"method\": ");
	strbuf_json(out, span_text(report->method));
	strbuf_text(out, ", ");
	add_count(out, "connections", report->connections);
	add_count(out, "depth", report->depth);
	strbuf_printf(out, "\"rate\": %.10g, \"seconds\": %.3f, ", report->rate,
		      (double)report->measured_us / (double)US_PER_S);
	add_count(out, "requests", tally->answers);
	strbuf_printf(out, "\"requests_per_second\": %.1f, ",
		      per_second(tally->answers, report->measured_us));
	add_count(out, "errors", tally->errors);
	add_count(out, "wrong", tally_wrongs(tally));
	add_count(out, "lost", tally->lost);
	add_count(out, "unsent", tally->unsent);
	add_count(out, "connections_failed", tally->connections_failed);
	add_count(out, "connections_lost", tally->connections_lost);
	add_latency(&tally->latency, out);
	add_codes(tally, out);
	strbuf_text(out, "}\n");
}

static void describe_errors(const struct tally *tally, struct strbuf *out)
{
	strbuf_printf(out, "errors      %" PRIu64, tally->errors);
	for (size_t i = 0; i < tally->code_count; i++)
		strbuf_printf(out, "%s%" PRIu64 " of code %" PRId64, i > 0 ? ", " : ": ",
			      tally->codes[i].count, tally->codes[i].code);
	if (tally->other_codes > 0)
		strbuf_printf(out, ", %" PRIu64 " of others", tally->other_codes);
	strbuf_text(out, "\n");
}

static void describe_wrong(const struct tally *tally, struct strbuf *out)
{
	const char *lead = ": ";

	strbuf_printf(out, "wrong       %" PRIu64, tally_wrongs(tally));
	for (size_t i = 0; i < WRONG_KINDS; i++) {
		if (tally->wrong[i] == 0)
			continue;
		strbuf_printf(out, "%s%" PRIu64 " %s", lead, tally->wrong[i],
			      wrong_kind_text((enum wrong_kind)i));
		lead = ", ";
	}
	if (tally->wrong_sample[0]) {
		strbuf_text(out, "\n            the first: ");
		strbuf_json(out, span_text(tally->wrong_sample));
	}
	strbuf_text(out, "\n");
}

static void describe_connections(const struct tally *tally, struct strbuf *out)
{
	if (tally->connections_failed > 0)
		strbuf_printf(out, "connections %" PRIu64 " failed\n", tally->connections_failed);
	if (tally->connections_lost > 0)
		strbuf_printf(out, "connections %" PRIu64 " lost\n", tally->connections_lost);
}

void report_text(const struct report *report, struct strbuf *out)
{
	const struct tally *tally = report->tally;

	strbuf_printf(out, "requests    %" PRIu64 " in %.1f s: %.1f per second\n", tally->answers,
		      (double)report->measured_us / (double)US_PER_S,
		      per_second(tally->answers, report->measured_us));
	strbuf_text(out, "latency ms ");
	for (size_t i = 0; i < QUANTILES; i++)
		strbuf_printf(out, " %s %.3f ", quantiles[i].text,
			      quantile_ms(&tally->latency, quantiles[i].share));
	strbuf_printf(out, " max %.3f  mean %.3f\n", in_ms(tally->latency.max_us),
		      mean_ms(&tally->latency));
	describe_errors(tally, out);
	describe_wrong(tally, out);
	strbuf_printf(out, "lost        %" PRIu64 "\n", tally->lost);
	if (tally->unsent > 0)
		strbuf_printf(out, "unsent      %" PRIu64 "\n", tally->unsent);
	describe_connections(tally, out);
}

void report_progress(const struct tally *tally, bool warming, uint64_t after_us,
		     uint64_t elapsed_us, struct strbuf *out)
{
	const struct histogram *latency = &tally->recent.latency;

	strbuf_printf(out,
		      "%4" PRIu64 " s  %.0f requests/s  p50 %.3f ms  p99 %.3f ms  errors %" PRIu64,
		      after_us / US_PER_S, per_second(tally->recent.answers, elapsed_us),
		      quantile_ms(latency, 0.5), quantile_ms(latency, 0.99), tally->errors);
	if (tally_wrongs(tally) > 0)
		strbuf_printf(out, "  wrong %" PRIu64, tally_wrongs(tally));
	if (tally->unsent > 0)
		strbuf_printf(out, "  unsent %" PRIu64, tally->unsent);
	if (warming)
		strbuf_text(out, "  (warm-up)");
}
