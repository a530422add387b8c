/* broker/admin/access.h: who asks, and as what? Pure. */
#ifndef WSB_BROKER_ADMIN_ACCESS_H
#define WSB_BROKER_ADMIN_ACCESS_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/control/config.h"
#include "common/span.h"

#define ACCESS_ACTOR_MAX 64
#define ACCESS_WHY_MAX	 200

/* The other end of the connection that a request came over. */
struct admin_peer {
	bool local;	     /* a Unix socket; only then are the others known */
	uint32_t uid;	     /* of its process; UINT32_MAX: the system would not say */
	uint32_t broker_uid; /* of our own process */
};

/* What a request shows of itself. Absent spans: no such header. */
struct credentials {
	struct admin_peer peer;
	struct span authorization;
	struct span host;
	struct span origin;
	/* SHA-256 of a token, for those of which only the hash is known. */
	void (*sha256)(struct span secret, uint8_t digest[32]);
};

struct identity {
	enum token_role role;
	char actor[ACCESS_ACTOR_MAX]; /* what the history says: a token's name, "uid 1000",
					 "loopback" */
};

/* 0: *out says who it is. Else the status to refuse with, 401 or 403, and why, a sentence. */
int access_identify(const struct admin_settings *settings, const struct credentials *credentials,
		    struct identity *out, char why[ACCESS_WHY_MAX]);

const char *access_role_name(enum token_role role); /* "client", ... */

#endif
