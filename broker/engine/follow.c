#include "broker/engine/follow.h"

#include "broker/engine/client.h"
#include "broker/engine/invalidate.h"
#include "broker/journal/since.h"

/* As much lies in a follower's outbox before it is given more; and while memory is short. */
#define FOLLOW_BYTES	   262144
#define FOLLOW_BYTES_SHORT 16384

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
	watch_send(engine, watch,
		   watch->session->encoding == ENCODING_JSON ? entry->json : entry->msgpack);
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
	size_t work = journal_share(engine->invalidations.watches.count);

	if (watch->batch || session->state != SESSION_OPEN)
		return;
	if (watch->hole)
		send_resync(engine, watch);
	while (!watch->hole && session->state == SESSION_OPEN &&
	       outbox_bytes(&session->outbox) < room_of(engine) &&
	       journal_next_of(journal, &watch->cursor, watch->globs, watch->glob_count, &work,
			       &entry) == WSB_OK)
		send_entry(engine, watch, entry);
	if (session->state == SESSION_OPEN && !journal_holds(journal, watch->cursor))
		client_cut(engine, session, "invalidations");
}

void follow_all(struct engine *engine)
{
	list_each(&engine->invalidations.watches, node)
		follow_one(engine, list_entry(node, struct watch, link));
}
