#include "broker/admin/views_bus.h"

#include "broker/admin/answer.h"
#include "common/clock.h"

static json_t *seconds(uint64_t us)
{
	return json_real((double)us / (double)US_PER_S);
}

static json_t *position_view(struct position position)
{
	char text[POSITION_TEXT_MAX];

	if (!position_is_set(position))
		return json_null();
	return json_stringn(text, position_write(position, text));
}

/* By part, in the words of Redis. */
static json_t *refusals_view(const struct bus_view *bus)
{
	json_t *object = json_object();

	for (int part = 0; part < BUS_PARTS; part++)
		if (bus->refusals[part])
			json_object_set_new(object, bus_part_name((enum bus_part)part),
					    answer_text(bus->refusals[part]));
	return object;
}

json_t *view_bus(const struct bus_view *bus)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "state",
			 bus_state_name(bus->state), "url", answer_text(bus->url), "reason",
			 answer_text(bus->reason), "detail", answer_text(bus->detail), "refused",
			 refusals_view(bus), "position", position_view(bus->position),
			 "lag_seconds", seconds(bus->lag_us), "queued", (json_int_t)bus->queued,
			 "resyncs", (json_int_t)bus->stats.resyncs, "brokers",
			 (json_int_t)bus->brokers);
}

/* How many events are known of that it has not applied; null where its numbers are others. */
static json_t *lag_view(const struct broker_view *broker, struct position top)
{
	if (!position_is_set(broker->position) || broker->position.epoch != top.epoch)
		return json_null();
	if (!position_before(broker->position, top))
		return json_integer(0);
	return json_integer((json_int_t)(top.seq - broker->position.seq));
}

json_t *view_brokers(const struct snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; i < snapshot->broker_count; i++) {
		const struct broker_view *broker = &snapshot->brokers[i];

		json_array_append_new(
			array, json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:I, s:n}",
					 "node", broker->node, "version", broker->version, "source",
					 broker->source, "self", broker->self, "live", broker->live,
					 "position", position_view(broker->position), "lag_events",
					 lag_view(broker, snapshot->bus.top), "heard_seconds",
					 seconds(broker->heard_us), "clients",
					 (json_int_t)broker->clients, "score"));
	}
	return array;
}
