/* broker/session/settings.h: the limits that hold for every client, and for all of them. */
#ifndef WSB_BROKER_SESSION_SETTINGS_H
#define WSB_BROKER_SESSION_SETTINGS_H

#include <stdint.h>

struct limits_settings {
	uint32_t clients;
	uint64_t memory_bytes; /* of buffers, over the whole process */
	uint64_t message_bytes;
	uint32_t fragments;	       /* frames in one message */
	uint32_t batch;		       /* members */
	uint32_t in_flight_per_client; /* open requests before a client is read no further */
	uint64_t send_buffer_bytes;    /* per client; beyond it the client is a slow reader */
	uint64_t handshake_us;
	uint64_t ping_us; /* between pings to a client, and the time it has to answer; 0: off */
	uint64_t idle_us; /* without a message; 0: off */
	uint32_t rate_per_client; /* requests per second; 0: off */
	uint32_t subscriptions_per_client;
};

#endif
