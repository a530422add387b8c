#include "common/inbox.h"

#include <stdint.h>
#include <stdlib.h>

#define INBOX_FIRST_BYTES 4096

void inbox_init(struct inbox *inbox, size_t *held)
{
	*inbox = (struct inbox){.held = held};
}

static void set_capacity(struct inbox *inbox, size_t capacity)
{
	if (inbox->held)
		*inbox->held += capacity - inbox->capacity;
	inbox->capacity = capacity;
}

void inbox_fini(struct inbox *inbox)
{
	inbox_release(inbox);
}

void inbox_release(struct inbox *inbox)
{
	set_capacity(inbox, 0);
	free(inbox->data);
	*inbox = (struct inbox){.held = inbox->held};
}

static enum inbox_verdict refuse(struct inbox *inbox, enum inbox_verdict verdict)
{
	inbox_release(inbox);
	return verdict;
}

static bool make_room(struct inbox *inbox, size_t len)
{
	size_t capacity = inbox->capacity > 0 ? inbox->capacity : INBOX_FIRST_BYTES;
	char *data;

	if (len <= inbox->capacity - inbox->len)
		return true;
	if (len > SIZE_MAX / 4 - inbox->len)
		return false;
	while (capacity < inbox->len + len)
		capacity *= 2;
	data = realloc(inbox->data, capacity);
	if (!data)
		return false;
	inbox->data = data;
	set_capacity(inbox, capacity);
	return true;
}

static bool gather(struct inbox *inbox, struct span piece)
{
	if (piece.len == 0)
		return true;
	if (!make_room(inbox, piece.len))
		return false;
	memcpy(inbox->data + inbox->len, piece.at, piece.len);
	inbox->len += piece.len;
	return true;
}

/* The gathered bytes stay where they are for the caller to read; the counts begin anew, and by
 * that the next call knows the bytes for old. */
static enum inbox_verdict complete(struct inbox *inbox, struct span bytes, struct span *message)
{
	inbox->len = 0;
	inbox->frames = 0;
	*message = bytes.len > 0 ? bytes : span_of("", 0);
	return INBOX_COMPLETE;
}

enum inbox_verdict inbox_add(struct inbox *inbox, struct span piece, bool ends_frame,
			     bool ends_message, size_t bytes_max, size_t frames_max,
			     struct span *message)
{
	if (inbox->len == 0 && inbox->data) {
		free(inbox->data);
		inbox->data = NULL;
		set_capacity(inbox, 0);
	}
	if (inbox->len > bytes_max || piece.len > bytes_max - inbox->len)
		return refuse(inbox, INBOX_TOO_BIG);
	if (ends_frame || ends_message)
		inbox->frames++;
	if (inbox->frames > frames_max)
		return refuse(inbox, INBOX_TOO_MANY);
	if (ends_message && inbox->len == 0)
		return complete(inbox, piece, message);
	if (!gather(inbox, piece))
		return refuse(inbox, INBOX_NO_MEMORY);
	if (!ends_message)
		return INBOX_MORE;
	return complete(inbox, span_of(inbox->data, inbox->len), message);
}
