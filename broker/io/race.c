#include "broker/io/race.h"

#include <string.h>

void race_init(struct race *race)
{
	*race = (struct race){.done = NULL};
	for (size_t i = 0; i < RESOLVER_ADDRESSES_MAX; i++) {
		race->attempts[i].race = race;
		stream_init(&race->attempts[i].stream);
	}
}

void race_end(struct race *race)
{
	for (size_t i = 0; i < RESOLVER_ADDRESSES_MAX; i++)
		stream_close(&race->attempts[i].stream);
	race->done = NULL;
}

/* The stream is taken out first: in the hook the next race may begin. */
static void finish(struct race *race, struct race_attempt *winner)
{
	race_done *done = race->done;
	const char *address = NULL;
	struct stream stream;

	stream_init(&stream);
	if (winner) {
		address = race->addresses.addresses[winner - race->attempts];
		stream_move(&stream, &winner->stream);
	}
	race_end(race);
	done(race->context, winner ? &stream : NULL, address, race->error);
	stream_close(&stream);
}

static void lose(struct race *race, struct race_attempt *attempt, int error)
{
	const char *text = strerrordesc_np(error);

	stream_close(&attempt->stream);
	race->error = text ? text : "the connection has failed";
	race->lost++;
	race->next_ms = 0; /* no reason to wait */
}

static void on_ready(void *context, int events)
{
	struct race_attempt *attempt = context;
	struct race *race = attempt->race;
	int error = stream_connect_error(&attempt->stream);

	(void)events;
	if (!error)
		finish(race, attempt);
	else
		lose(race, attempt, error);
}

void race_begin(struct race *race, uv_loop_t *loop, const struct resolver_answer *addresses,
		uint16_t port, race_done *done, void *context)
{
	race_end(race);
	race->loop = loop;
	race->addresses = *addresses;
	race->port = port;
	race->done = done;
	race->context = context;
	race->begun = race->lost = 0;
	race->next_ms = 0;
	race->error = "";
}

static void begin_next(struct race *race)
{
	struct race_attempt *attempt = &race->attempts[race->begun];
	const char *address = race->addresses.addresses[race->begun++];
	int error;

	race->next_ms = uv_now(race->loop) + RACE_STAGGER_MS;
	error = stream_connect_tcp(&attempt->stream, race->loop, address, race->port, on_ready,
				   attempt);
	if (error)
		lose(race, attempt, error);
}

void race_turn(struct race *race)
{
	if (!race->done)
		return;
	while (race->begun < race->addresses.count && uv_now(race->loop) >= race->next_ms)
		begin_next(race);
	if (race->lost == race->addresses.count)
		finish(race, NULL);
}
