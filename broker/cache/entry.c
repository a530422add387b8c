#include "broker/cache/entry.h"

#include <string.h>

uint16_t number_pack(uint64_t number)
{
	uint32_t exponent = 0;

	while (number >= 4096) {
		number >>= 1;
		exponent++;
	}
	if (number < 2048)
		return (uint16_t)number;
	if (exponent > 30)
		return UINT16_MAX;
	return (uint16_t)((exponent + 1) << 11 | (number & 2047));
}

static size_t length_size(uint64_t number)
{
	size_t size = 1;

	for (; number >= 128; number >>= 7)
		size++;
	return size;
}

static unsigned char *length_write(unsigned char *at, uint64_t number)
{
	for (; number >= 128; number >>= 7)
		*at++ = (unsigned char)(number | 128);
	*at++ = (unsigned char)number;
	return at;
}

static const unsigned char *length_read(const unsigned char *at, uint64_t *number)
{
	uint64_t value = *at & 127;

	for (uint32_t shift = 7; *at++ & 128; shift += 7)
		value |= (uint64_t)(*at & 127) << shift;
	*number = value;
	return at;
}

/* Both are mostly small, and often missing: what is missing is 0. */
static uint64_t lift(uint64_t number, uint64_t missing)
{
	return number == missing ? 0 : number + 1;
}

static uint64_t lower(uint64_t number, uint64_t missing)
{
	return number == 0 ? missing : number - 1;
}

static size_t form_size(const struct entry_form *form)
{
	return length_size(form->stored.len) +
	       length_size(lift(form->plain_len, form->stored.len)) +
	       length_size(lift(form->id_at, UINT32_MAX)) + form->stored.len;
}

static unsigned char *form_write(unsigned char *at, const struct entry_form *form)
{
	at = length_write(at, form->stored.len);
	at = length_write(at, lift(form->plain_len, form->stored.len));
	return length_write(at, lift(form->id_at, UINT32_MAX));
}

/* Where the text lies is known later. */
static const unsigned char *form_read(const unsigned char *at, struct entry_form *form)
{
	uint64_t len, number;

	at = length_read(at, &len);
	at = length_read(at, &number);
	form->stored.len = len;
	form->plain_len = lower(number, len);
	at = length_read(at, &number);
	form->id_at = lower(number, UINT32_MAX);
	return at;
}

size_t entry_size(size_t tag_count, const struct entry_tail *tail)
{
	size_t size = sizeof(struct entry) + tag_count * sizeof(struct tag_link);

	size += form_size(&tail->own);
	if (tail->other.stored.at)
		size += form_size(&tail->other);
	size += length_size(lift(tail->method, INDEX_NONE));
	return size + length_size(tail->key.len) + tail->key.len;
}

static unsigned char *copy(unsigned char *at, struct span text)
{
	if (text.len > 0)
		memcpy(at, text.at, text.len);
	return at + text.len;
}

void entry_write_tail(struct entry *entry, const struct entry_tail *tail)
{
	unsigned char *at = (unsigned char *)(entry->links + entry->tag_count);

	at = length_write(at, tail->key.len);
	at = form_write(at, &tail->own);
	at = length_write(at, lift(tail->method, INDEX_NONE));
	if (entry->has_other)
		at = form_write(at, &tail->other);
	at = copy(at, tail->key);
	at = copy(at, tail->own.stored);
	if (entry->has_other)
		copy(at, tail->other.stored);
}

void entry_read_tail(const struct entry *entry, struct entry_tail *tail)
{
	const unsigned char *at = (const unsigned char *)(entry->links + entry->tag_count);
	uint64_t key_len, number;

	at = length_read(at, &key_len);
	at = form_read(at, &tail->own);
	at = length_read(at, &number);
	tail->method = (uint32_t)lower(number, INDEX_NONE);
	tail->other = (struct entry_form){.id_at = UINT32_MAX};
	if (entry->has_other)
		at = form_read(at, &tail->other);
	tail->key = span_of((const char *)at, key_len);
	tail->own.stored.at = (const char *)at + key_len;
	if (entry->has_other)
		tail->other.stored.at = tail->own.stored.at + tail->own.stored.len;
}

uint64_t entry_end_ms(const struct entry *entry)
{
	uint16_t longest = entry->swr > entry->sie ? entry->swr : entry->sie;

	return entry_expiry_ms(entry) + number_unpack(longest);
}

uint64_t entry_next_ms(const struct entry *entry, uint64_t now_ms)
{
	uint64_t expiry = entry_expiry_ms(entry);
	uint64_t stale_end = expiry + number_unpack(entry->swr);

	if (now_ms < expiry)
		return expiry;
	return now_ms < stale_end ? stale_end : entry_end_ms(entry);
}
