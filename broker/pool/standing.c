#include "broker/pool/standing.h"

#include "broker/pool/source.h"

static const struct {
	const char *name;
	const char *type; /* of the report */
	enum log_level level;
} states[ENDPOINT_STATES] = {
	[ENDPOINT_CONNECTING] = {"connecting", "endpoint.connecting", LOG_INFO},
	[ENDPOINT_ACTIVE] = {"active", "endpoint.active", LOG_INFO},
	[ENDPOINT_STANDBY] = {"standby", "endpoint.standby", LOG_INFO},
	[ENDPOINT_DOWN] = {"down", "endpoint.down", LOG_WARN},
	[ENDPOINT_EJECTED] = {"ejected", "endpoint.ejected", LOG_WARN},
	[ENDPOINT_TRIAL] = {"trial", "endpoint.trial", LOG_INFO},
	[ENDPOINT_UNHEALTHY] = {"unhealthy", "endpoint.unhealthy", LOG_WARN},
	[ENDPOINT_DRAINING] = {"draining", "endpoint.draining", LOG_INFO},
	[ENDPOINT_DRAINED] = {"drained", "endpoint.drained", LOG_INFO},
	[ENDPOINT_MAINT] = {"maint", "endpoint.maint", LOG_INFO},
};

const char *endpoint_state_name(enum endpoint_state state)
{
	return states[state].name;
}

/* Whether requests, subscriptions, clients of its own or the source of pushes are still on it. */
static bool is_busy(const struct endpoint *endpoint)
{
	const struct pool *pool = endpoint->pool;

	for (size_t state = CONNECTION_READY; state <= CONNECTION_DRAINING; state++) {
		list_each(&pool->states[state], node) {
			const struct connection *connection =
				list_entry(node, struct connection, state_link);

			if (connection->endpoint == endpoint && !list_is_empty(&connection->feeds))
				return true;
		}
	}
	return endpoint->in_flight > 0 || endpoint->tunnels > 0 || endpoint_hands_over(endpoint);
}

static enum endpoint_state standing_of(const struct endpoint *endpoint)
{
	switch (endpoint->wish) {
	case WISH_DRAIN:
		return is_busy(endpoint) ? ENDPOINT_DRAINING : ENDPOINT_DRAINED;
	case WISH_MAINT:
	case WISH_REMOVE:
		return endpoint_is_empty(endpoint) ? ENDPOINT_MAINT : ENDPOINT_DRAINING;
	case WISH_SERVE:
		break;
	}
	if (endpoint->down)
		return ENDPOINT_DOWN;
	if (!endpoint_is_up(endpoint))
		return ENDPOINT_CONNECTING;
	if (endpoint->outlier.state != BREAKER_CLOSED)
		return endpoint->outlier.state == BREAKER_OPEN ? ENDPOINT_EJECTED : ENDPOINT_TRIAL;
	if (endpoint->probe.failing)
		return ENDPOINT_UNHEALTHY;
	return endpoint->settings->tier > endpoint->pool->tier ? ENDPOINT_STANDBY : ENDPOINT_ACTIVE;
}

/* Whether it is in use, or would be if its tier were. */
static bool is_good(enum endpoint_state state)
{
	return state == ENDPOINT_ACTIVE || state == ENDPOINT_STANDBY;
}

static bool is_sick(enum endpoint_state state)
{
	return state == ENDPOINT_EJECTED || state == ENDPOINT_TRIAL || state == ENDPOINT_UNHEALTHY;
}

/* More of why: the operator's words, what its answers show, or the error. */
static const char *detail_of(const struct endpoint *endpoint)
{
	if (endpoint->wish != WISH_SERVE)
		return endpoint->words;
	if (is_sick(endpoint->state))
		return endpoint->finding;
	return endpoint->state == ENDPOINT_DOWN ? endpoint->last_error : "";
}

void standing_review(struct endpoint *endpoint, uint64_t now_us)
{
	enum endpoint_state before = endpoint->state;
	enum endpoint_state after = standing_of(endpoint);

	if (before == after)
		return;
	endpoint->state = after;
	endpoint->since_us = now_us;
	pool_report_endpoint(endpoint,
			     &(struct pool_change){
				     .type = is_sick(before) && is_good(after) ? "endpoint.restored"
									       : states[after].type,
				     .level = states[after].level,
				     .before = states[before].name,
				     .after = states[after].name,
				     .reason = endpoint->cause,
				     .detail = detail_of(endpoint),
				     .now_us = now_us,
			     });
}
