#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/control/catalog.h"
#include "broker/control/exposition.h"
#include "sample.h"

static struct sample sample;
static struct strbuf text;

static void set_up(void)
{
	sample_init(&sample);
	strbuf_init(&text);
	exposition_write(&sample.snapshot, &text);
	cr_assert_not(text.failed);
}

static void tear_down(void)
{
	strbuf_fini(&text);
}

TestSuite(exposition, .init = set_up, .fini = tear_down);

static size_t count_lines_that_begin(const char *begin)
{
	size_t count = 0;

	for (const char *line = text.text; *line; line = strchr(line, '\n') + 1)
		count += strncmp(line, begin, strlen(begin)) == 0 ? 1 : 0;
	return count;
}

static void expect_line(const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s\n", line);
	cr_expect_eq(count_lines_that_begin(whole), 1, "%s", line);
}

Test(exposition, numbers_stand_where_they_belong)
{
	static const char *const lines[] = {
		"wsbroker_build_info{version=\"1.2.3\"} 1",
		"wsbroker_uptime_seconds 12.345678",
		"wsbroker_ready 1",
		"wsbroker_clients 12",
		"wsbroker_clients_total 101",
		"wsbroker_refusals_total{reason=\"full\"} 104",
		"wsbroker_refusals_total{reason=\"draining\"} 0",
		"wsbroker_connections{pool=\"main\",state=\"dialing\"} 1",
		"wsbroker_connections{pool=\"main\",state=\"warming\"} 2",
		"wsbroker_connections{pool=\"main\",state=\"ready\"} 3",
		"wsbroker_connections{pool=\"main\",state=\"draining\"} 4",
		"wsbroker_pool_size{pool=\"main\"} 10",
		"wsbroker_endpoint_up{pool=\"main\",endpoint=\"a\"} 1",
		"wsbroker_endpoint_up{pool=\"main\",endpoint=\"b\"} 0",
		"wsbroker_endpoint_up{pool=\"odd\\\"\\\\\\n\",endpoint=\"c\"} 1",
		"wsbroker_endpoint_dials_total{pool=\"main\",endpoint=\"a\"} 301",
		"wsbroker_endpoint_dial_failures_total{pool=\"main\",endpoint=\"b\"} 306",
		"wsbroker_endpoint_connections_lost_total{pool=\"main\",endpoint=\"a\"} 303",
		"wsbroker_endpoint_ping_rtt_seconds{pool=\"main\",endpoint=\"a\"} 0.000250",
		"wsbroker_requests_total{pool=\"main\",result=\"ok\"} 201",
		"wsbroker_requests_total{pool=\"main\",result=\"timeout\"} 202",
		"wsbroker_requests_total{pool=\"\",result=\"no_route\"} 102",
		"wsbroker_requests_total{pool=\"\",result=\"local\"} 103",
		"wsbroker_attempts_total{pool=\"main\"} 203",
		"wsbroker_retries_total{pool=\"main\",reason=\"unsent\"} 204",
		"wsbroker_retries_total{pool=\"main\",reason=\"written\"} 205",
		"wsbroker_retries_total{pool=\"main\",reason=\"attempt_timeout\"} 206",
		"wsbroker_retries_total{pool=\"main\",reason=\"over_budget\"} 207",
		"wsbroker_in_flight{pool=\"main\"} 5",
		"wsbroker_queue_depth{pool=\"main\"} 6",
		"wsbroker_queue_bytes{pool=\"main\"} 700",
		"wsbroker_queue_oldest_seconds{pool=\"main\"} 1.250000",
		"wsbroker_notifications_total 116",
		"wsbroker_batches_total 117",
		"wsbroker_messages_total{side=\"client\",direction=\"in\"} 108",
		"wsbroker_messages_total{side=\"upstream\",direction=\"in\"} 109",
		"wsbroker_messages_total{side=\"client\",direction=\"out\"} 110",
		"wsbroker_messages_total{side=\"upstream\",direction=\"out\"} 111",
		"wsbroker_bytes_total{side=\"client\",direction=\"in\"} 112",
		"wsbroker_bytes_total{side=\"upstream\",direction=\"out\"} 115",
		"wsbroker_closes_total{side=\"client\",code=\"1000\"} 106",
		"wsbroker_closes_total{side=\"upstream\",code=\"none\"} 107",
		"wsbroker_discards_total{reason=\"late\"} 105",
		"wsbroker_buffer_bytes 14000",
		"wsbroker_loop_lag_seconds 0.001500",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect_line(lines[i]);
}

Test(exposition, every_metric_is_announced_once_and_before_its_samples)
{
	for (size_t i = 0; i < metric_count; i++) {
		char begin[128];

		snprintf(begin, sizeof(begin), "# HELP %s ", metrics[i].name);
		cr_expect_eq(count_lines_that_begin(begin), 1, "%s", begin);
		snprintf(begin, sizeof(begin), "# TYPE %s %s\n", metrics[i].name,
			 metric_type_name(metrics[i].type));
		cr_expect_eq(count_lines_that_begin(begin), 1, "%s", begin);
	}
}

Test(exposition, what_is_not_known_is_left_out)
{
	cr_expect_eq(count_lines_that_begin("wsbroker_endpoint_ping_rtt_seconds{"), 1);
}

Test(exposition, histograms_count_up_to_their_total)
{
	expect_line("wsbroker_request_duration_seconds_bucket{pool=\"main\",le=\"0.0001\"} 1");
	expect_line("wsbroker_request_duration_seconds_bucket{pool=\"main\",le=\"0.001\"} 2");
	expect_line("wsbroker_request_duration_seconds_bucket{pool=\"main\",le=\"1\"} 5");
	expect_line("wsbroker_request_duration_seconds_bucket{pool=\"main\",le=\"30\"} 6");
	expect_line("wsbroker_request_duration_seconds_bucket{pool=\"main\",le=\"+Inf\"} 6");
	expect_line("wsbroker_request_duration_seconds_sum{pool=\"main\"} 5.555550");
	expect_line("wsbroker_request_duration_seconds_count{pool=\"main\"} 6");
	expect_line("wsbroker_queue_wait_seconds_count{pool=\"main\"} 0");
	cr_expect_eq(
		count_lines_that_begin("wsbroker_request_duration_seconds_bucket{pool=\"main\""),
		metric_bucket_count + 1);
}

Test(exposition, names_follow_the_conventions)
{
	for (size_t i = 0; i < metric_count; i++) {
		const char *name = metrics[i].name;
		size_t len = strlen(name);
		bool total = len > 6 && strcmp(name + len - 6, "_total") == 0;

		cr_expect_eq(strncmp(name, "wsbroker_", 9), 0, "%s", name);
		cr_expect_eq(total, metrics[i].type == METRIC_COUNTER, "%s", name);
		cr_expect_neq(metrics[i].series[0].value, VALUE_NONE, "%s", name);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(metrics[j].name, name);
	}
}

Test(exposition, buckets_grow_and_say_so)
{
	for (size_t i = 0; i < metric_bucket_count; i++) {
		double seconds;

		cr_assert_eq(sscanf(metric_buckets[i].seconds, "%lf", &seconds), 1);
		cr_expect_float_eq(seconds * 1e6, (double)metric_buckets[i].bound_us, 1e-3);
		if (i > 0)
			cr_expect_gt(metric_buckets[i].bound_us, metric_buckets[i - 1].bound_us);
	}
}
