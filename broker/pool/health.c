#include "broker/pool/health.h"

#include <stdio.h>

/* Silence that means something: as many attempts in vain, none of them young, while the others
 * answer. */
#define SILENT_ATTEMPTS 5
#define SILENT_US	US_PER_S
/* ... and as often as it takes usually, where calls take long. */
#define SILENT_TIMES 3

/* The least share of a newcomer: a tenth. */
#define RAMP_LEAST (HANDICAP_UNIT / 10)

/* How long the answer times are remembered, once or twice over. */
#define ANSWERS_SPAN_US (10 * US_PER_S)

/* A request that is not idempotent tries an endpoint only when none other has for so long. */
#define TRIAL_SPARE_US US_PER_S

/* What does not change where the endpoint stands. */
static void tell(struct endpoint *endpoint, const char *type, enum log_level level,
		 const char *before, const char *after, const char *reason, const char *detail,
		 uint64_t now_us)
{
	pool_report_endpoint(endpoint, &(struct pool_change){
					       .type = type,
					       .level = level,
					       .before = before,
					       .after = after,
					       .reason = reason,
					       .detail = detail,
					       .now_us = now_us,
				       });
}

uint32_t health_ejectable(const struct pool *pool)
{
	uint32_t serving = 0;
	double most;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		serving += endpoint_serves(pool->endpoints[i]);
	most = pool->settings->ejection.max_ejected * serving;
	if (most >= 1)
		return (uint32_t)most;
	return most > 0 && serving >= 2 ? 1 : 0;
}

static uint32_t count_ejected(const struct pool *pool)
{
	uint32_t count = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		count += pool->endpoints[i]->outlier.state != BREAKER_CLOSED;
	return count;
}

/* What a newcomer since from_us lacks of its full share; 0 from the end of its slow start on. */
static uint32_t ramp_handicap(uint64_t from_us, uint64_t slow_start_us, uint64_t now_us)
{
	uint64_t passed_us = now_us > from_us ? now_us - from_us : 0;
	uint64_t share;

	if (from_us == 0 || passed_us >= slow_start_us)
		return 0;
	share = passed_us * HANDICAP_UNIT / slow_start_us;
	return HANDICAP_UNIT - (uint32_t)(share > RAMP_LEAST ? share : RAMP_LEAST);
}

/* The square: one failure in five leaves two thirds, one in two a twentieth. */
static uint32_t sick_handicap(const struct endpoint *endpoint)
{
	double good = 1 - endpoint->outlier.badness;
	uint32_t handicap;

	if (endpoint->silent || endpoint->probe.failing)
		return HANDICAP_SICK;
	handicap = (uint32_t)((double)HANDICAP_UNIT * (1 - good * good));
	return handicap < HANDICAP_SICK ? handicap : HANDICAP_SICK;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

bool health_is_ramping(const struct connection *connection, uint64_t now_us)
{
	return ramp_handicap(connection->ramp_us, connection->pool->settings->slow_start_us,
			     now_us) > 0;
}

static void share_out(struct pool *pool, uint64_t now_us)
{
	uint64_t slow_start_us = pool->settings->slow_start_us;

	pool->shares_uneven = false;
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		endpoint->handicap =
			larger(sick_handicap(endpoint),
			       ramp_handicap(endpoint->ramp_us, slow_start_us, now_us));
		pool->shares_uneven |= endpoint->handicap > 0;
	}
	for (size_t i = 0; i < pool->ready_count; i++) {
		struct connection *connection = pool->ready[i];

		connection->handicap =
			larger(connection->endpoint->handicap,
			       ramp_handicap(connection->ramp_us, slow_start_us, now_us));
		pool->shares_uneven |= connection->handicap > 0;
	}
}

/* Who carries what is decided anew, and where the endpoint stands is told. */
static void changed(struct endpoint *endpoint, const char *cause, uint64_t now_us)
{
	struct pool *pool = endpoint->pool;

	endpoint->cause = cause;
	pool->ready_stale = true;
	pool_upkeep(pool, now_us);
	share_out(pool, now_us);
}

static void eject(struct endpoint *endpoint, uint64_t now_us)
{
	const struct ejection_settings *settings = &endpoint->pool->settings->ejection;
	struct outlier *outlier = &endpoint->outlier;
	struct outlier_slot window = outlier_window(outlier);

	outlier_open(outlier, settings, now_us, &endpoint->pool->rng);
	endpoint->held = false;
	endpoint->unwell = true;
	endpoint->stats.ejections[outlier->last]++;
	endpoint->pool->rescue = true;
	snprintf(endpoint->finding, sizeof(endpoint->finding),
		 "%u in a row, %u of %llu in the window failed; out for %.1f s, time %u",
		 (unsigned int)outlier->in_a_row, (unsigned int)window.bad,
		 (unsigned long long)window.bad + window.good,
		 (double)(outlier->until_us - now_us) / (double)US_PER_S,
		 (unsigned int)outlier->ejections);
	changed(endpoint, failure_name(outlier->last), now_us);
}

/* Closed, and its failures are too many: out, if the cap allows. */
static void judge(struct endpoint *endpoint, uint64_t now_us)
{
	struct pool *pool = endpoint->pool;
	bool due = outlier_is_due(&endpoint->outlier, &pool->settings->ejection);

	if (due && count_ejected(pool) < health_ejectable(pool)) {
		eject(endpoint, now_us);
		return;
	}
	if (due == endpoint->held)
		return;
	endpoint->held = due;
	if (due)
		tell(endpoint, "endpoint.held", LOG_WARN, "used", "used",
		     failure_name(endpoint->outlier.last),
		     "it fails, and stays in use: max_ejected are ejected already", now_us);
	changed(endpoint, endpoint->cause, now_us);
}

static void restore(struct endpoint *endpoint, uint64_t now_us)
{
	struct pool *pool = endpoint->pool;

	outlier_close(&endpoint->outlier, &pool->settings->ejection, now_us);
	endpoint->unanswered = 0;
	endpoint->ramp_us = pool->settings->slow_start_us > 0 ? now_us : 0;
	endpoint->finding[0] = '\0';
	changed(endpoint, "answered", now_us);
}

/* Only what was asked since the trial began says something of it. */
static bool is_of_trial(const struct endpoint *endpoint, uint64_t age_us, uint64_t now_us)
{
	return endpoint->outlier.state == BREAKER_TRIAL &&
	       now_us - age_us >= endpoint->outlier.trial_us;
}

void health_heard(struct endpoint *endpoint)
{
	endpoint->asked = 0;
}

void health_mend(struct endpoint *endpoint, uint64_t latency_us, uint64_t now_us)
{
	struct outlier *outlier = &endpoint->outlier;

	outlier_mend(outlier);
	if (is_of_trial(endpoint, latency_us, now_us) && outlier_trial_passed(outlier))
		restore(endpoint, now_us);
	else if (endpoint->held)
		judge(endpoint, now_us);
}

static void fail(struct endpoint *endpoint, enum failure failure, uint64_t age_us, uint64_t now_us)
{
	endpoint->stats.by_kind[failure]++;
	outlier_bad(&endpoint->outlier, failure);
	endpoint->unwell = true;
	endpoint->pool->shares_uneven = true;
	if (is_of_trial(endpoint, age_us, now_us))
		eject(endpoint, now_us);
	else
		judge(endpoint, now_us);
}

void health_bad(struct endpoint *endpoint, enum failure failure, uint64_t age_us, uint64_t now_us)
{
	endpoint->stats.failures++;
	if (failure != FAILURE_ERROR && endpoint->unanswered < UINT32_MAX)
		endpoint->unanswered++;
	if (failure != FAILURE_CLOSE)
		fail(endpoint, failure, age_us, now_us);
}

/* Whether this comes together with what has been counted. */
static bool is_same_blow(const struct endpoint *endpoint, uint64_t now_us)
{
	return endpoint->blow_us && now_us < endpoint->blow_us + HEALTH_BLOW_US;
}

void health_dialled(struct endpoint *endpoint, uint64_t age_us, uint64_t now_us)
{
	outlier_good(&endpoint->outlier);
	if (endpoint->unwell)
		health_mend(endpoint, age_us, now_us);
}

void health_dial_failed(struct endpoint *endpoint, enum failure failure, uint64_t age_us,
			uint64_t now_us)
{
	if (is_same_blow(endpoint, now_us)) {
		endpoint->stats.by_kind[failure]++;
		return;
	}
	endpoint->blow_us = now_us;
	fail(endpoint, failure, age_us, now_us);
}

void health_untried(struct endpoint *endpoint)
{
	if (endpoint->outlier.trials_given > 0)
		endpoint->outlier.trials_given--;
}

void health_lost(struct connection *connection, const char *reason, bool carried, uint64_t now_us)
{
	struct endpoint *endpoint = connection->endpoint;
	enum failure failure = failure_of_end(reason);

	if (!carried) {
		endpoint->stats.by_kind[failure]++;
		return;
	}
	if (connection_was_left_politely(connection) || is_same_blow(endpoint, now_us))
		return;
	endpoint->blow_us = now_us;
	fail(endpoint, failure, 0, now_us);
}

/* Its probes speak against it no more. */
static void absolve(struct endpoint *endpoint, const char *after, uint64_t now_us)
{
	endpoint->finding[0] = '\0';
	endpoint->ramp_us = endpoint->pool->settings->slow_start_us > 0 ? now_us : 0;
	tell(endpoint, "probe.passed", LOG_INFO, "fails", after, "probe", "", now_us);
}

void health_unprobed(struct endpoint *endpoint, uint64_t now_us)
{
	bool failing = endpoint->probe.failing;

	probe_stop(&endpoint->probe);
	if (!failing)
		return;
	absolve(endpoint, "not asked", now_us);
	changed(endpoint, "probe", now_us);
}

void health_probed(struct endpoint *endpoint, enum probe_result result, uint64_t now_us)
{
	struct pool *pool = endpoint->pool;
	enum probe_change change =
		probe_end(&endpoint->probe, &pool->settings->probe, result, now_us, &pool->rng);

	if (result != PROBE_PASSED)
		endpoint->stats.by_kind[FAILURE_PROBE]++;
	if (change == PROBE_STAYS)
		return;
	if (change == PROBE_FALLS) {
		pool->rescue = true;
		snprintf(endpoint->finding, sizeof(endpoint->finding), "%u probes in a row: %s",
			 (unsigned int)endpoint->probe.failed, probe_result_name(result));
		tell(endpoint, "probe.failed", LOG_WARN, "passes", "fails", "probe",
		     endpoint->finding, now_us);
	} else {
		absolve(endpoint, "passes", now_us);
	}
	changed(endpoint, "probe", now_us);
}

bool health_is_panic(const struct pool *pool, uint32_t tier)
{
	uint32_t all = 0, well = 0, ready = 0, serving = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint *endpoint = pool->endpoints[i];

		if (endpoint->settings->tier != tier || !endpoint_serves(endpoint))
			continue;
		all++;
		ready += endpoint->ready;
		serving += endpoint_is_well(endpoint) ? endpoint->ready : 0;
		well += endpoint_is_well(endpoint) && !endpoint->down && !endpoint->held;
	}
	return ready > 0 && (serving == 0 || well * 2 < all);
}

struct endpoint *health_trial(struct pool *pool, bool spare, uint64_t now_us)
{
	struct endpoint *found = NULL;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];
		const struct outlier *outlier = &endpoint->outlier;

		if (!endpoint_is_up(endpoint) || !endpoint_serves(endpoint) ||
		    endpoint->probe.failing || endpoint->settings->tier > pool->tier ||
		    !outlier_wants_trial(outlier) ||
		    (!spare && now_us < outlier->trial_us + TRIAL_SPARE_US))
			continue;
		if (!found || endpoint->settings->tier < found->settings->tier)
			found = endpoint;
	}
	return found;
}

void health_joined(struct connection *connection, uint64_t now_us)
{
	struct pool *pool = connection->pool;
	struct endpoint *endpoint = connection->endpoint;

	if (!pool->running || pool->settings->slow_start_us == 0)
		return;
	connection->ramp_us = now_us;
	if (endpoint->ready == 1)
		endpoint->ramp_us = now_us;
	share_out(pool, now_us);
}

/* Longer than it takes usually, be it here or, where nothing is known of it, elsewhere. */
static uint64_t silence_bound_us(const struct endpoint *endpoint)
{
	uint64_t usual_us = recent_quantile_us(&endpoint->answers, 0.99);
	const struct pool *pool = endpoint->pool;

	for (size_t i = 0; usual_us == 0 && i < pool->endpoint_count; i++) {
		uint64_t other_us = recent_quantile_us(&pool->endpoints[i]->answers, 0.99);

		usual_us = other_us > usual_us ? other_us : usual_us;
	}
	return usual_us * SILENT_TIMES > SILENT_US ? usual_us * SILENT_TIMES : SILENT_US;
}

/* It answers nothing, while others have answered since it was asked. */
static bool seems_silent(const struct endpoint *endpoint, uint64_t now_us)
{
	if (endpoint->asked < SILENT_ATTEMPTS || endpoint->pool->answered_us <= endpoint->asked_us)
		return false;
	return now_us - endpoint->asked_us >= SILENT_US &&
	       now_us - endpoint->asked_us >= silence_bound_us(endpoint);
}

/* One whose last connection is gone has not answered: nobody can ask it any more. */
static void watch_silence(struct endpoint *endpoint, uint64_t now_us)
{
	bool silent = endpoint->silent ? endpoint->asked > 0 : seems_silent(endpoint, now_us);

	if (silent == endpoint->silent)
		return;
	endpoint->silent = silent;
	endpoint->pool->shares_uneven = true;
	if (silent)
		tell(endpoint, "endpoint.silent", LOG_WARN, "answers", "silent", "timeout", "",
		     now_us);
	else if (endpoint->ready > 0)
		tell(endpoint, "endpoint.answers", LOG_INFO, "silent", "answers", "answered", "",
		     now_us);
	else
		tell(endpoint, "endpoint.disconnected", LOG_INFO, "silent", "disconnected",
		     "closed", "", now_us);
}

static void upkeep_endpoint(struct endpoint *endpoint, uint64_t now_us)
{
	const struct ejection_settings *settings = &endpoint->pool->settings->ejection;
	struct outlier *outlier = &endpoint->outlier;

	if (endpoint->ready == 0)
		endpoint->asked = 0; /* the next ones begin anew */
	recent_turn(&endpoint->answers, ANSWERS_SPAN_US, now_us);
	outlier_turn(outlier, settings, now_us);
	watch_silence(endpoint, now_us);
	endpoint->unwell =
		outlier->state != BREAKER_CLOSED || outlier->badness > 0 || endpoint->held;
	if (endpoint->held)
		judge(endpoint, now_us);
	if (outlier->state != BREAKER_OPEN || now_us < outlier->until_us ||
	    !endpoint_is_up(endpoint))
		return;
	outlier_try(outlier, now_us);
	changed(endpoint, "time", now_us);
}

/* Once it has been complete, or has carried requests for as long as a slow start takes, whoever
 * comes is a newcomer; while it comes up, all are. */
static void watch_running(struct pool *pool, uint64_t now_us)
{
	if (pool->ready_count == 0) {
		pool->running = false;
		pool->first_ready_us = 0;
		return;
	}
	if (pool->first_ready_us == 0)
		pool->first_ready_us = now_us;
	if (pool->ready_count >= pool->size ||
	    now_us - pool->first_ready_us >= pool->settings->slow_start_us)
		pool->running = true;
}

void health_upkeep(struct pool *pool, uint64_t now_us)
{
	pool->trials = 0;
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		upkeep_endpoint(pool->endpoints[i], now_us);
		pool->trials += pool->endpoints[i]->outlier.state == BREAKER_TRIAL;
	}
	if (pool->shares_uneven)
		share_out(pool, now_us);
	watch_running(pool, now_us);
}
