#include "broker/tool/workload.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* An integral of 1 / x^exponent, and its inverse. */
static double integral(const struct key_space *space, double x)
{
	double power = 1.0 - space->exponent;

	return fabs(power) < 1e-9 ? log(x) : (pow(x, power) - 1.0) / power;
}

static double integral_inverse(const struct key_space *space, double y)
{
	double power = 1.0 - space->exponent;

	return fabs(power) < 1e-9 ? exp(y) : pow(1.0 + y * power, 1.0 / power);
}

void key_space_init(struct key_space *space, uint64_t count, double exponent)
{
	assert(count > 0);
	*space = (struct key_space){.count = count, .exponent = exponent};
	space->low = integral(space, 1.5) - 1.0;
	space->high = integral(space, (double)count + 0.5);
	space->shortcut = 2.0 - integral_inverse(space, integral(space, 2.5) - pow(2.0, -exponent));
}

uint64_t key_space_draw(const struct key_space *space, struct rng *rng)
{
	if (space->exponent <= 0.0)
		return 1 + rng_below(rng, space->count);
	for (;;) {
		double y = space->high + rng_unit(rng) * (space->low - space->high);
		double x = integral_inverse(space, y);
		double key = floor(x + 0.5);

		if (key < 1.0)
			key = 1.0;
		if (key > (double)space->count)
			key = (double)space->count;
		if (key - x <= space->shortcut ||
		    y >= integral(space, key + 0.5) - pow(key, -space->exponent))
			return (uint64_t)key;
	}
}

void template_expand(struct span text, uint64_t key, struct strbuf *out)
{
	static const char mark[] = TEMPLATE_KEY;
	const size_t mark_len = sizeof(mark) - 1;

	for (;;) {
		const char *found = memmem(text.at, text.len, mark, mark_len);
		size_t before = found ? (size_t)(found - text.at) : text.len;

		strbuf_add(out, span_of(text.at, before));
		if (!found)
			return;
		strbuf_printf(out, "%" PRIu64, key);
		text = span_of(found + mark_len, text.len - before - mark_len);
	}
}
