/* broker/subscription/feed.h: the upstream's end of a subscription. */
#ifndef WSB_BROKER_SUBSCRIPTION_FEED_H
#define WSB_BROKER_SUBSCRIPTION_FEED_H

#include "broker/subscription/subscription.h"

enum feed_state {
	FEED_ASKING,  /* the request is on its way */
	FEED_LIVE,    /* accepted */
	FEED_LEAVING, /* accepted, and wanted by nobody: to be unsubscribed */
	FEED_GONE,    /* freed by subscriptions_reap */
};

/* One upstream subscription. */
struct feed {
	struct list_node link;	     /* on its connection's list, while it has one */
	struct list_node state_link; /* on subscriptions.leaving or .gone */
	enum feed_state state;
	struct subscription *subscription; /* NULL: nobody wants it any more */
	struct plan *plan;		   /* how it is subscribed to; held */
	bool jsonrpc;			   /* how its requests are written */
	void *connection;		   /* NULL: not placed yet */
	struct list *connection_feeds;
	bool asked; /* its unsubscribe request is on its way */
	bool late;  /* its subscribe request was not answered in time; it may be yet */
	char *key;  /* by which events are found; NULL: they carry no id */
	size_t key_len;
	char *params; /* to unsubscribe with, JSON; NULL: not known yet */
	size_t params_len;
};

/* A feed that is being asked for. WSB_ENOMEM. */
enum wsb_err feed_create(struct feed **out, struct subscriptions *subscriptions,
			 struct subscription *subscription) WSB_CHECKED;
/* Its request has gone out on this connection (again). */
void feed_place(struct feed *feed, void *connection, struct list *connection_feeds);
/* It is known what the unsubscribe request says. WSB_ENOMEM. */
enum wsb_err feed_keep_params(struct subscriptions *subscriptions, struct feed *feed,
			      struct span params) WSB_CHECKED;
/* The key under which its events come. WSB_EEXIST: another has it; WSB_ENOMEM. */
enum wsb_err feed_name(struct subscriptions *subscriptions, struct feed *feed,
		       struct span key) WSB_CHECKED;
struct feed *feed_find(const struct subscriptions *subscriptions, struct span key);
/* Nobody wants it any more; its events find nobody from now on. */
void feed_leave(struct subscriptions *subscriptions, struct feed *feed);
/* It exists no more upstream, or never will. */
void feed_end(struct subscriptions *subscriptions, struct feed *feed);

#endif
