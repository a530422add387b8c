#include "broker/engine/follow.h"

#include "broker/engine/client.h"
#include "broker/engine/invalidate.h"
#include "broker/journal/since.h"

/* As much lies in a follower's outbox before it is given more. */
#define FOLLOW_BYTES 262144

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
	if (event_concerns(&entry->event, watch->globs, watch->glob_count))
		watch_send(engine, watch,
			   watch->session->encoding == ENCODING_JSON ? entry->json
								     : entry->msgpack);
}

void follow_one(struct engine *engine, struct watch *watch)
{
	const struct journal *journal = engine->invalidations.journal;
	struct session *session = watch->session;
	const struct journal_entry *entry;

	if (watch->batch || session->state != SESSION_OPEN)
		return;
	if (watch->hole)
		send_resync(engine, watch);
	while (!watch->hole && session->state == SESSION_OPEN &&
	       outbox_bytes(&session->outbox) < FOLLOW_BYTES &&
	       journal_next(journal, &watch->cursor, &entry) == WSB_OK)
		send_entry(engine, watch, entry);
	if (session->state == SESSION_OPEN && !journal_holds(journal, watch->cursor))
		client_cut(engine, session, "invalidations");
}

void follow_all(struct engine *engine)
{
	list_each(&engine->invalidations.watches, node)
		follow_one(engine, list_entry(node, struct watch, link));
}
