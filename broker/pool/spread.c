#include "broker/pool/spread.h"

#include <assert.h>

/* What is still to be given out, and the weights it is given out by. */
struct spread_rest {
	uint64_t size;
	uint64_t weight;
	size_t rows;
};

/* Opens the share of everybody who is up in the lowest tier that has one. */
static struct spread_rest choose_sharers(struct spread_row *rows, size_t count, uint32_t size)
{
	struct spread_rest rest = {.size = size};
	uint32_t tier = UINT32_MAX;

	for (size_t i = 0; i < count; i++)
		if (!rows[i].down && rows[i].tier < tier)
			tier = rows[i].tier;
	for (size_t i = 0; i < count; i++) {
		struct spread_row *row = &rows[i];

		assert(row->weight > 0);
		row->open_share = !row->down && row->tier == tier;
		row->desired = row->open_share ? 0 : 1;
		if (!row->open_share)
			continue;
		rest.weight += row->weight;
		rest.rows++;
	}
	return rest;
}

/* Whose quota is below one gets one, and the others share what remains. That lowers the others'
 * quotas, so it is done until nobody is below; the result does not depend on the order. */
static void settle_small_shares(struct spread_row *rows, size_t count, struct spread_rest *rest)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < count; i++) {
			struct spread_row *row = &rows[i];

			if (!row->open_share || rest->size * row->weight >= rest->weight)
				continue;
			row->open_share = false;
			row->desired = 1;
			rest->size--;
			rest->weight -= row->weight;
			rest->rows--;
			again = true;
		}
	}
}

static uint64_t claims_above(const struct spread_row *rows, size_t count, uint64_t claim)
{
	uint64_t above = 0;

	for (size_t i = 0; i < count; i++)
		if (rows[i].open_share && rows[i].claim > claim)
			above++;
	return above;
}

/* One more for each of the `left` largest claims, equal ones in the order of the rows. The bound
 * between the lucky and the others is found by bisection: no sorting, no memory. */
static void give_to_largest(struct spread_row *rows, size_t count, uint64_t claim_max,
			    uint64_t left)
{
	uint64_t low = 0;
	uint64_t high = claim_max;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (claims_above(rows, count, middle) <= left)
			high = middle;
		else
			low = middle + 1;
	}
	left -= claims_above(rows, count, low);
	for (size_t i = 0; i < count; i++) {
		if (!rows[i].open_share || rows[i].claim < low)
			continue;
		if (rows[i].claim == low && left == 0)
			continue;
		if (rows[i].claim == low)
			left--;
		rows[i].desired++;
	}
}

void spread_compute(struct spread_row *rows, size_t count, uint32_t size)
{
	struct spread_rest rest = choose_sharers(rows, count, size);
	uint64_t left = rest.size;
	uint64_t claim_max = 0;
	bool enough = rest.size >= rest.rows;

	if (rest.rows == 0)
		return;
	if (enough) {
		settle_small_shares(rows, count, &rest);
		left = rest.size;
	}
	for (size_t i = 0; i < count; i++) {
		struct spread_row *row = &rows[i];

		if (!row->open_share)
			continue;
		row->claim = row->weight;
		if (enough) {
			row->desired = (uint32_t)(rest.size * row->weight / rest.weight);
			row->claim = rest.size * row->weight % rest.weight;
			left -= row->desired;
		}
		if (row->claim > claim_max)
			claim_max = row->claim;
	}
	give_to_largest(rows, count, claim_max, left);
}
