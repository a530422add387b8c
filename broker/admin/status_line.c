#include "broker/admin/status_line.h"

#include "broker/admin/verdict.h"

static size_t count_ready(const struct snapshot *snapshot)
{
	size_t ready = 0;

	for (size_t i = 0; i < snapshot->pool_count; i++)
		ready += verdict_can_serve(&snapshot->pools[i]);
	return ready;
}

void status_line(const struct snapshot *snapshot, struct strbuf *out)
{
	struct verdict verdict;

	verdict_reach(snapshot, &verdict);
	/* The reason of a drain begins with the word itself. */
	if (verdict.kind == VERDICT_DRAINING) {
		strbuf_text(out, verdict.reasons[0].text);
		return;
	}
	strbuf_printf(out, "%s: ", verdict_name(verdict.kind));
	if (verdict.kind != VERDICT_OK && verdict.count > 0)
		strbuf_printf(out, "%s; ", verdict.reasons[0].text);
	strbuf_printf(out, "%zu of %zu %s ready, %zu %s", count_ready(snapshot),
		      snapshot->pool_count, snapshot->pool_count == 1 ? "pool is" : "pools are",
		      snapshot->clients, snapshot->clients == 1 ? "client" : "clients");
}
