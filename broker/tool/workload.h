/* broker/tool/workload.h: what is asked: keys and the texts made from them. Pure. */
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

#define TEMPLATE_KEY "{key}"

/* Appends text to out with each `{key}` in it replaced by the number. */
void template_expand(struct span text, uint64_t key, struct strbuf *out);

#endif
