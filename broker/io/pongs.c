#include "broker/io/pongs.h"

#include <stdlib.h>
#include <string.h>

struct pong {
	uint8_t len;
	char payload[WS_CONTROL_MAX];
};

void pongs_init(struct pongs *pongs)
{
	*pongs = (struct pongs){0};
}

void pongs_fini(struct pongs *pongs)
{
	free(pongs->ring);
	pongs_init(pongs);
}

void pongs_add(struct pongs *pongs, struct span payload)
{
	struct pong *pong;

	if (!pongs->ring)
		pongs->ring = malloc(PONGS_MAX * sizeof(*pongs->ring));
	if (!pongs->ring)
		return;
	if (pongs->count == PONGS_MAX) {
		pongs->first = (pongs->first + 1) % PONGS_MAX;
		pongs->count--;
	}
	pong = &pongs->ring[(pongs->first + pongs->count++) % PONGS_MAX];
	pong->len = (uint8_t)payload.len;
	memcpy(pong->payload, payload.at, payload.len);
}

void pongs_append(struct pongs *pongs, struct outbox *outbox,
		  void (*draw_mask)(void *mask, size_t len))
{
	for (size_t i = 0; i < pongs->count; i++) {
		const struct pong *pong = &pongs->ring[(pongs->first + i) % PONGS_MAX];
		struct span payload = span_of(pong->payload, pong->len);
		uint8_t mask[WS_MASK_BYTES];

		if (draw_mask)
			draw_mask(mask, sizeof(mask));
		if (wsframe_append(outbox, WS_PONG, draw_mask ? mask : NULL, &payload, 1))
			break;
	}
	pongs_fini(pongs);
}
