#include "broker/engine/overdue.h"

#include <stdlib.h>
#include <string.h>

#include "broker/engine/invalidate_rule.h"

/* What is longer is not remembered, nor anything for longer. */
#define OVERDUE_BYTES_MAX 65536
#define OVERDUE_US	  (600 * US_PER_S)

struct overdue_write {
	uint64_t id;
	uint64_t until_us;
	const struct config *config; /* that the route stands in; held */
	const struct route_settings *route;
	enum encoding encoding;
	size_t len;
	char text[];
};

static void forget(struct overdue_write **place)
{
	if (!*place)
		return;
	config_release((*place)->config);
	free(*place);
	*place = NULL;
}

void overdue_remember(struct engine *engine, const struct exchange *exchange, uint64_t now_us)
{
	struct invalidations *invalidations = &engine->invalidations;
	struct overdue_write **place =
		&invalidations->overdue[invalidations->overdue_next % OVERDUE_MAX];
	struct overdue_write *write;

	if (exchange->notification || exchange_attempts_out(exchange) == 0 ||
	    exchange->len > OVERDUE_BYTES_MAX)
		return;
	write = malloc(sizeof(*write) + exchange->len);
	if (!write)
		return;
	*write = (struct overdue_write){
		.id = exchange_id(exchange),
		.until_us = now_us + OVERDUE_US,
		.config = config_hold(exchange->config),
		.route = exchange->route,
		.encoding = exchange->encoding,
		.len = exchange->len,
	};
	memcpy(write->text, exchange->text, exchange->len);
	forget(place);
	*place = write;
	invalidations->overdue_next++;
}

void overdue_answered(struct engine *engine, uint64_t id, const struct message *answer,
		      uint64_t now_us)
{
	for (size_t i = 0; i < OVERDUE_MAX; i++) {
		struct overdue_write **place = &engine->invalidations.overdue[i];

		if (!*place || (*place)->id != id)
			continue;
		if (!answer->failed)
			invalidate_by_request(engine, (*place)->route, (*place)->encoding,
					      span_of((*place)->text, (*place)->len), answer,
					      now_us);
		/* Of an idempotent one another attempt may still be under way. */
		if (!(*place)->route->idempotent)
			forget(place);
		return;
	}
}

/* They grow old in the order of the ring. */
void overdue_tick(struct engine *engine, uint64_t now_us)
{
	struct invalidations *invalidations = &engine->invalidations;

	for (; invalidations->overdue_aged < invalidations->overdue_next;
	     invalidations->overdue_aged++) {
		struct overdue_write **place =
			&invalidations->overdue[invalidations->overdue_aged % OVERDUE_MAX];

		if (*place && now_us < (*place)->until_us)
			return;
		forget(place);
	}
}

void overdue_fini(struct engine *engine)
{
	for (size_t i = 0; i < OVERDUE_MAX; i++)
		forget(&engine->invalidations.overdue[i]);
}
