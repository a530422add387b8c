#include "broker/engine/follow.h"

#include "broker/engine/client.h"
#include "broker/engine/invalidate.h"
#include "broker/journal/since.h"

/* As much lies in a follower's outbox before it is given more; and while memory is short. */
#define FOLLOW_BYTES	   262144
#define FOLLOW_BYTES_SHORT 16384

/* So much may be done for all followers together in each millisecond, in comparisons (see
 * journal_share): about half of it. What is not used is kept for a burst, up to so much. */
#define WORK_PER_MS 20000U
#define WORK_MAX    1000000U

bool follow_from(struct engine *engine, struct watch *watch, struct span since)
{
	const struct journal *journal = engine->invalidations.journal;
	enum since verdict;

	watch->cursor = journal_end(journal);
	if (!since.at)
		return true;
	verdict = since_find(journal, since, engine->ports->wall_us(engine->ports->io),
			     &watch->cursor);
	watch->hole = verdict == SINCE_HOLE;
	return verdict != SINCE_INVALID;
}

/* Forget what you know: for one follower alone. */
static void send_resync(struct engine *engine, struct watch *watch)
{
	struct strbuf *text = &engine->invalidations.text;

	strbuf_clear(text);
	if (invalidate_missed(engine, watch->session->encoding, text) != WSB_OK)
		return;
	watch->hole = false;
	watch_send(engine, watch, strbuf_span(text));
}

static void send_entry(struct engine *engine, struct watch *watch,
		       const struct journal_entry *entry)
{
	const struct span text = watch->session->encoding == ENCODING_JSON
					 ? entry->json
					 : journal_packed(engine->invalidations.journal, entry);

	if (text.at)
		watch_send(engine, watch, text);
	else
		watch->hole = true;
}

/* Followers that do not read fill half of limits.memory at most, and a little each: beyond it
 * upstreams would not be read on their account. */
static size_t room_of(const struct engine *engine)
{
	return engine_buffer_bytes(engine) < engine->config->limits.memory_bytes / 2
		       ? FOLLOW_BYTES
		       : FOLLOW_BYTES_SHORT;
}

void follow_one(struct engine *engine, struct watch *watch)
{
	const struct journal *journal = engine->invalidations.journal;
	struct session *session = watch->session;
	const struct journal_entry *entry;
	const size_t share = journal_share(engine->invalidations.watches.count);
	const size_t given =
		share < engine->invalidations.work ? share : engine->invalidations.work;
	size_t work = given;

	if (watch->batch || session->state != SESSION_OPEN)
		return;
	if (watch->hole)
		send_resync(engine, watch);
	while (!watch->hole && session->state == SESSION_OPEN &&
	       outbox_bytes(&session->outbox) < room_of(engine) &&
	       journal_next_of(journal, &watch->cursor, watch->globs, watch->glob_count, &work,
			       &entry) == WSB_OK)
		send_entry(engine, watch, entry);
	engine->invalidations.work -= given - work;
	if (session->state == SESSION_OPEN && !journal_holds(journal, watch->cursor))
		client_cut(engine, session, "invalidations");
}

/* One after another, and another time those that were not reached: who asks for much must not keep
 * the others from theirs. */
void follow_all(struct engine *engine)
{
	struct list *watches = &engine->invalidations.watches;

	for (size_t left = watches->count; left > 0 && engine->invalidations.work > 0; left--) {
		struct list_node *node = list_pop(watches);

		if (!node)
			return;
		list_append(watches, node);
		follow_one(engine, list_entry(node, struct watch, link));
	}
}

void follow_tick(struct engine *engine, uint64_t now_us)
{
	struct invalidations *invalidations = &engine->invalidations;
	const uint64_t passed_ms = (now_us - invalidations->worked_us) / US_PER_MS;
	const uint64_t work = invalidations->work + passed_ms * WORK_PER_MS;

	invalidations->worked_us += passed_ms * US_PER_MS;
	invalidations->work = work < WORK_MAX ? (size_t)work : WORK_MAX;
	follow_all(engine);
}
