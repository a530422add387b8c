#include "broker/admin/ailment.h"

#include <stdlib.h>
#include <string.h>
#include "broker/admin/reasons.h"
#include "broker/pool/settings.h"
#include "common/clock.h"

/* So many in a row are no accident. */
#define UNANSWERED_WORTH_TELLING 10
/* Less than this share of its requests answered is worth a word; of so many a second at least. */
#define SUCCESS_EXPECTED     0.9
#define RATE_OF_SOME_MEANING 1.0
/* Slow is who takes so many times as long as its peers, and so much longer. */
#define SLOW_TIMES 4
#define SLOW_US	   (100 * US_PER_MS)
/* At fewer answers a second its p99 is a single answer, and says nothing. */
#define RATE_OF_A_PERCENTILE 10.0

static double seconds(uint64_t us)
{
	return (double)us / (double)US_PER_S;
}

static double milliseconds(uint64_t us)
{
	return (double)us / (double)US_PER_MS;
}

static const char *text_or_nothing(const char *text)
{
	return text ? text : "";
}

static const char *colon_before(const char *text)
{
	return text && text[0] ? ": " : "";
}

bool ailment_is_state(const struct endpoint_view *endpoint, const char *state)
{
	return strcmp(endpoint->state, state) == 0;
}

bool ailment_stands_aside(const struct endpoint_view *endpoint)
{
	return ailment_is_state(endpoint, "draining") || ailment_is_state(endpoint, "drained") ||
	       ailment_is_state(endpoint, "maint");
}

/* Without it the pool still has one that could carry requests: it may be taken out. */
static bool is_dispensable(const struct pool_view *pool, const struct endpoint_view *endpoint)
{
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint_view *other = &pool->endpoints[i];

		if (other != endpoint && !ailment_stands_aside(other) && other->well &&
		    !ailment_is_state(other, "down"))
			return true;
	}
	return false;
}

/* verb: what to do with it while others carry its share. */
static void advise(struct verdict_reason *reason, const char *verb, const struct pool_view *pool,
		   const struct endpoint_view *endpoint)
{
	if (is_dispensable(pool, endpoint))
		reason_advise(reason, "wsbroker endpoint %s %s/%s", verb, pool->name,
			      endpoint->name);
	else
		reason_advise(reason, "wsbroker endpoint add %s URL", pool->name);
}

/* It is out of balancing, or on its way back. NULL: it is neither. */
static struct verdict_reason *judge_standing(const struct pool_view *pool,
					     const struct endpoint_view *endpoint,
					     struct verdict *verdict)
{
	struct verdict_reason *reason = NULL;
	const char *name = endpoint->name;

	if (ailment_is_state(endpoint, "ejected")) {
		reason = reasons_add(verdict, SEVERITY_ENDPOINT);
		reason_say(reason, "endpoint %s/%s is ejected (%s), tried again in %.0f s: %s",
			   pool->name, name, endpoint->reason, seconds(endpoint->out_us),
			   endpoint->finding);
	} else if (ailment_is_state(endpoint, "trial")) {
		reason = reasons_add(verdict, SEVERITY_TRIAL);
		reason_say(reason, "endpoint %s/%s was ejected and is being tried: %s", pool->name,
			   name, endpoint->finding);
	} else if (ailment_is_state(endpoint, "unhealthy")) {
		reason = reasons_add(verdict, SEVERITY_ENDPOINT);
		reason_say(reason, "endpoint %s/%s fails its probes: %s", pool->name, name,
			   endpoint->finding);
	}
	return reason;
}

/* It is in use, and leaves requests without an answer, or answers with errors that count. NULL: not
 * worth telling. */
static struct verdict_reason *judge_failures(const struct pool_view *pool,
					     const struct endpoint_view *endpoint,
					     struct verdict *verdict)
{
	struct verdict_reason *reason = NULL;
	const char *name = endpoint->name;
	double answered = 100 * endpoint->success;

	if (endpoint->unanswered >= UNANSWERED_WORTH_TELLING) {
		reason = reasons_add(verdict, SEVERITY_ENDPOINT);
		reason_say(reason,
			   "endpoint %s/%s is connected, but has answered none of its last %u "
			   "requests",
			   pool->name, name, (unsigned int)endpoint->unanswered);
	} else if (endpoint->silent) {
		reason = reasons_add(verdict, SEVERITY_ENDPOINT);
		reason_say(reason, "endpoint %s/%s is connected, but answers nothing", pool->name,
			   name);
	} else if (endpoint->held) {
		reason = reasons_add(verdict, SEVERITY_ENDPOINT);
		reason_say(reason,
			   "endpoint %s/%s fails (%.0f %% of its requests succeed), and is only "
			   "not ejected because %s",
			   pool->name, name, answered,
			   is_dispensable(pool, endpoint) ? "of ejection.max_ejected"
							  : "there is no other");
	} else if (endpoint->success < SUCCESS_EXPECTED && endpoint->rate >= RATE_OF_SOME_MEANING) {
		reason = reasons_add(verdict, SEVERITY_SLOW);
		reason_say(reason, "endpoint %s/%s fails: %.0f %% of its requests succeed",
			   pool->name, name, answered);
	}
	return reason;
}

static int compare_us(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* The lower median: of two, the faster. 0: there are none. */
static uint64_t median_us(uint64_t *values, size_t count)
{
	if (count == 0)
		return 0;
	qsort(values, count, sizeof(values[0]), compare_us);
	return values[(count - 1) / 2];
}

void ailment_usual(const struct pool_view *pool, struct usual *out)
{
	uint64_t p50_us[POOL_ENDPOINTS_MAX];
	uint64_t p99_us[POOL_ENDPOINTS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < pool->endpoint_count && count < POOL_ENDPOINTS_MAX; i++) {
		const struct endpoint_view *endpoint = &pool->endpoints[i];

		if (endpoint->p50_us == 0)
			continue;
		p50_us[count] = endpoint->p50_us;
		p99_us[count++] = endpoint->p99_us;
	}
	out->p50_us = median_us(p50_us, count);
	out->p99_us = median_us(p99_us, count);
}

static bool is_slower(uint64_t mine_us, uint64_t usual_us)
{
	return usual_us > 0 && mine_us >= usual_us * SLOW_TIMES && mine_us >= usual_us + SLOW_US;
}

/* It answers, and takes much longer than its peers. NULL: it does not. */
static struct verdict_reason *judge_latency(const struct pool_view *pool,
					    const struct endpoint_view *endpoint,
					    const struct usual *usual, struct verdict *verdict)
{
	struct verdict_reason *reason = NULL;
	bool by_p50 = is_slower(endpoint->p50_us, usual->p50_us);

	if (!by_p50 &&
	    (endpoint->rate < RATE_OF_A_PERCENTILE || !is_slower(endpoint->p99_us, usual->p99_us)))
		return NULL;
	reason = reasons_add(verdict, SEVERITY_SLOW);
	reason_say(reason, "endpoint %s/%s is slow: its %s is %.0f ms, that of its peers %.0f ms",
		   pool->name, endpoint->name, by_p50 ? "p50" : "p99",
		   milliseconds(by_p50 ? endpoint->p50_us : endpoint->p99_us),
		   milliseconds(by_p50 ? usual->p50_us : usual->p99_us));
	return reason;
}

static void judge_use(const struct pool_view *pool, const struct endpoint_view *endpoint,
		      const struct usual *usual, struct verdict *verdict)
{
	struct verdict_reason *reason = judge_standing(pool, endpoint, verdict);

	if (!reason)
		reason = judge_failures(pool, endpoint, verdict);
	if (!reason)
		reason = judge_latency(pool, endpoint, usual, verdict);
	advise(reason, "drain", pool, endpoint);
}

void ailment_judge(const struct pool_view *pool, const struct endpoint_view *endpoint,
		   const struct usual *usual, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (ailment_stands_aside(endpoint)) {
		reason = reasons_add(verdict, SEVERITY_ASKED);
		reason_say(reason, "endpoint %s/%s has been %s for %.0f s%s%s", pool->name,
			   endpoint->name, endpoint->state, seconds(endpoint->since_us),
			   colon_before(endpoint->reason), text_or_nothing(endpoint->reason));
		reason_advise(reason, "wsbroker endpoint ready %s/%s", pool->name, endpoint->name);
	} else if (ailment_is_state(endpoint, "down")) {
		reason = reasons_add(verdict, SEVERITY_ENDPOINT);
		reason_say(reason, "endpoint %s/%s has been down for %.0f s%s%s", pool->name,
			   endpoint->name, seconds(endpoint->since_us),
			   colon_before(endpoint->last_error),
			   text_or_nothing(endpoint->last_error));
		advise(reason, "maint", pool, endpoint);
	} else {
		judge_use(pool, endpoint, usual, verdict);
	}
}
