/* broker/tool/workload.h: which request comes next, and when: the pure half of the load generator. */
#ifndef WSB_BROKER_TOOL_WORKLOAD_H
#define WSB_BROKER_TOOL_WORKLOAD_H

#include <stdint.h>
#include "common/rng.h"
#include "common/span.h"
#include "common/strbuf.h"

/* Keys 1..count, drawn with probability in proportion to 1 / key^exponent (0: all alike).
 * W. Hörmann and G. Derflinger, "Rejection-inversion to generate variates from monotone discrete
 * distributions", 1996: no table, whatever the count. */
struct key_space {
	uint64_t count; /* at least 1 */
	double exponent;
	double low; /* of the integral that is inverted */
	double high;
	double shortcut;
};

void key_space_init(struct key_space *space, uint64_t count, double exponent);
uint64_t key_space_draw(const struct key_space *space, struct rng *rng);

/* Appends text to out with each `{key}` in it replaced by the number. */
void template_expand(struct span text, uint64_t key, struct strbuf *out);

/* When the n-th request of an open loop is due, from its start: evenly spaced. per_second > 0. */
static inline uint64_t schedule_us(uint64_t n, double per_second)
{
	return (uint64_t)((double)n * 1e6 / per_second);
}

#endif
