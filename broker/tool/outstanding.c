#include "broker/tool/outstanding.h"

#include <assert.h>
#include <stdlib.h>

static uint32_t power_of_two_from(uint32_t count)
{
	uint32_t power = 1;

	while (power < count)
		power <<= 1;
	return power;
}

enum wsb_err outstanding_init(struct outstanding *table, uint32_t limit)
{
	uint32_t places = power_of_two_from(limit);

	assert(limit > 0 && limit <= OUTSTANDING_MAX);
	*table = (struct outstanding){.limit = limit, .places_mask = places - 1};
	table->places = calloc(places, sizeof(*table->places));
	table->free = calloc(limit, sizeof(*table->free));
	if (!table->places || !table->free) {
		outstanding_fini(table);
		return WSB_ENOMEM;
	}
	while (table->free_count < limit) {
		table->free[table->free_count] = limit - 1 - table->free_count;
		table->free_count++;
	}
	return WSB_OK;
}

void outstanding_fini(struct outstanding *table)
{
	free(table->places);
	free(table->free);
	*table = (struct outstanding){0};
}

/* The lower bits of id - 1 are the place, the upper ones count who has been there: an old id is
 * told from the one that waits now. */
struct open_request *outstanding_add(struct outstanding *table, uint32_t connection)
{
	uint32_t place;
	struct open_request *request;

	if (table->free_count == 0)
		return NULL;
	place = table->free[--table->free_count];
	request = &table->places[place];
	request->id = request->id ? request->id + table->places_mask + 1 : (uint64_t)place + 1;
	request->connection = connection;
	request->open = true;
	table->open++;
	return request;
}

static void close_place(struct outstanding *table, struct open_request *request)
{
	request->open = false;
	table->free[table->free_count++] = (uint32_t)(request - table->places);
	table->open--;
}

void outstanding_withdraw(struct outstanding *table, struct open_request *request)
{
	assert(request->open);
	close_place(table, request);
}

enum outstanding_verdict outstanding_take(struct outstanding *table, uint32_t connection,
					  uint64_t id, struct open_request **out)
{
	struct open_request *request = &table->places[(id - 1) & table->places_mask];

	if (id == 0 || id > request->id)
		return OUTSTANDING_FOREIGN;
	if (id < request->id)
		return OUTSTANDING_TWICE;
	if (request->connection != connection)
		return OUTSTANDING_FOREIGN;
	if (!request->open)
		return OUTSTANDING_TWICE;
	close_place(table, request);
	*out = request;
	return OUTSTANDING_TAKEN;
}
