#include "broker/session/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void session_lists_init(struct session_lists *lists)
{
	for (size_t i = 0; i < SESSION_STATES; i++)
		list_init(&lists->states[i]);
	lists->next_id = 1;
}

enum wsb_err session_create(struct session **out, struct session_lists *lists,
			    enum session_kind kind, const struct limits_settings *limits,
			    struct outbox_pool *outboxes, const char *identity, void *transport,
			    uint64_t now_us)
{
	struct session *session = cacheline_alloc(sizeof(*session));

	if (!session)
		return WSB_ENOMEM;
	session->identity = identity ? strdup(identity) : NULL;
	if (identity && !session->identity) {
		free(session);
		return WSB_ENOMEM;
	}
	session->kind = kind;
	session->id = lists->next_id++;
	session->transport = transport;
	session->looked_us = now_us;
	session->opened_us = session->heard_us = session->message_us = now_us;
	outbox_init(&session->outbox, outboxes, limits->send_buffer_bytes);
	inbox_init(&session->inbox, &lists->gathered_bytes);
	quota_init(&session->own_quota, limits->rate_per_client, now_us);
	session->quota = &session->own_quota;
	list_init(&session->exchanges);
	list_init(&session->batches);
	list_init(&session->members);
	list_init(&session->watches);
	list_node_init(&session->ping_link);
	timer_init(&session->expiry);
	session->state = SESSION_OPEN;
	list_node_init(&session->state_link);
	list_append(&lists->states[SESSION_OPEN], &session->state_link);
	*out = session;
	return WSB_OK;
}

void session_set_peer(struct session *session, const char *text)
{
	if (text[0])
		session->peer = strdup(text);
}

void session_enter(struct session_lists *lists, struct session *session, enum session_state state)
{
	assert(state > session->state);
	list_remove(&lists->states[session->state], &session->state_link);
	session->state = state;
	list_append(&lists->states[state], &session->state_link);
}

void session_reap(struct session_lists *lists)
{
	list_each(&lists->states[SESSION_CLOSED], node) {
		struct session *session = list_entry(node, struct session, state_link);

		assert(list_is_empty(&session->exchanges));
		assert(!session->seats);
		assert(list_is_empty(&session->members));
		assert(list_is_empty(&session->watches));
		list_remove(&lists->states[SESSION_CLOSED], node);
		outbox_fini(&session->outbox);
		inbox_fini(&session->inbox);
		free(session->identity);
		free(session->peer);
		free(session);
	}
}
