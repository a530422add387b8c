#include "tests/sim/agenda.h"

#include <stdlib.h>
#include <string.h>
#include "tests/support/must.h"

void agenda_fini(struct agenda *agenda)
{
	for (size_t i = 0; i < agenda->count; i++)
		free(agenda->heap[i].words);
	free(agenda->heap);
	*agenda = (struct agenda){0};
}

static bool is_before(const struct happening *a, const struct happening *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap(struct happening *a, struct happening *b)
{
	struct happening other = *a;

	*a = *b;
	*b = other;
}

static struct happening *agenda_push(struct agenda *agenda, struct happening event)
{
	size_t at = agenda->count++;

	if (at == agenda->capacity) {
		agenda->capacity = agenda->capacity ? agenda->capacity * 2 : 64;
		agenda->heap = must_realloc(agenda->heap, agenda->capacity * sizeof(*agenda->heap));
	}
	event.order = agenda->order++;
	agenda->heap[at] = event;
	while (at > 0 && is_before(&agenda->heap[at], &agenda->heap[(at - 1) / 2])) {
		swap(&agenda->heap[at], &agenda->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	return &agenda->heap[at];
}

void agenda_add(struct agenda *agenda, uint64_t at_us, enum event_kind kind, void *who)
{
	agenda_push(agenda, (struct happening){.at_us = at_us, .kind = kind, .who = who});
}

void agenda_add_words(struct agenda *agenda, uint64_t at_us, void *who, bool binary,
		      struct span words)
{
	char *copy = must_realloc(NULL, words.len);

	if (words.len > 0)
		memcpy(copy, words.at, words.len);
	agenda_push(agenda, (struct happening){.at_us = at_us,
					       .kind = EVENT_SAY,
					       .who = who,
					       .binary = binary,
					       .words = copy,
					       .words_len = words.len});
}

static void sink(struct agenda *agenda, size_t at)
{
	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
			if (child < agenda->count &&
			    is_before(&agenda->heap[child], &agenda->heap[least]))
				least = child;
		}
		if (least == at)
			return;
		swap(&agenda->heap[at], &agenda->heap[least]);
		at = least;
	}
}

bool agenda_pop(struct agenda *agenda, struct happening *event)
{
	if (agenda->count == 0)
		return false;
	*event = agenda->heap[0];
	agenda->heap[0] = agenda->heap[--agenda->count];
	sink(agenda, 0);
	return true;
}

void agenda_delay(struct agenda *agenda, uint64_t us)
{
	for (size_t i = 0; i < agenda->count; i++)
		agenda->heap[i].at_us += us;
}
