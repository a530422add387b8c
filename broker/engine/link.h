/* broker/engine/link.h: what goes out to an upstream, beside requests: pings, greetings, closes. */
#ifndef WSB_BROKER_ENGINE_LINK_H
#define WSB_BROKER_ENGINE_LINK_H

#include "broker/engine/state.h"

/* A fresh masking key. */
const uint8_t *link_mask(struct engine *engine);
/* Says good-bye once what is pending is out. reason is that of pool_connection_lost. */
void link_close(struct engine *engine, struct connection *connection, uint16_t code,
		const char *reason, uint64_t now_us) WSB_RARE;
/* The same for one that goes of our own wish, and carries nothing any more. */
void link_part(struct engine *engine, struct connection *connection, uint64_t now_us);
/* Gives it up without a word; its requests stay until its end is reported. */
void link_abort(struct engine *engine, struct connection *connection, const char *reason,
		uint64_t now_us) WSB_RARE;
/* A message of our own, in JSON; it goes out in the pool's encoding. */
enum wsb_err link_send_text(struct engine *engine, struct connection *connection,
			    struct span text) WSB_CHECKED;
void link_ping(struct engine *engine, struct connection *connection, uint64_t now_us);
/* A notification has been written. None is ever answered, so a ping behind them asks whether they
 * have been read: until then they take places as requests do. */
void link_notified(struct engine *engine, struct connection *connection, uint64_t now_us);
/* What was written before the ping that was out has been read. */
void link_ponged(struct engine *engine, struct connection *connection, uint64_t now_us);
/* It was only opened to see whether its endpoint is back (see pool/tunnel.h). */
void link_trial_passed(struct engine *engine, struct connection *connection, uint64_t now_us);
/* Goes on with the greeting; ready when that, the first ping and the first call have passed. */
void link_warm(struct engine *engine, struct connection *connection, uint64_t now_us);
/* Sends what makes a ready connection the source of pushes. */
void link_call(struct engine *engine, struct connection *connection, uint64_t now_us);
/* ... and goes on with it. */
void link_call_on(struct engine *engine, struct connection *connection, uint64_t now_us);

#endif
