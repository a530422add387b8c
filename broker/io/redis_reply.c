#include "broker/io/redis_reply.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Counts what the parts of an array take, in its own number, which means nothing else. */
static bool fits(const redisReadTask *task, size_t bytes)
{
	struct redis_value *whole;

	if (!task->parent)
		return true;
	while (task->parent)
		task = task->parent;
	whole = task->obj;
	whole->integer += (int64_t)bytes;
	return whole->integer <= REDIS_REPLY_BYTES_MAX;
}

/* The value in memory of its own, with room for its bytes or its items behind it. */
static struct redis_value *make(const redisReadTask *task, enum redis_kind kind, size_t room)
{
	struct redis_value *value = NULL;

	if (fits(task, sizeof(*value) + room))
		value = calloc(1, sizeof(*value) + room);
	if (!value)
		return NULL;
	value->kind = kind;
	if (task->parent)
		((struct redis_value *)task->parent->obj)->items[task->idx] = value;
	return value;
}

static void *make_text(const redisReadTask *task, char *text, size_t len)
{
	enum redis_kind kind = task->type == REDIS_REPLY_ERROR	  ? REDIS_ERROR
			       : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
								  : REDIS_STRING;
	struct redis_value *value = make(task, kind, len);
	char *bytes;

	if (!value)
		return NULL;
	bytes = (char *)(value + 1);
	if (len > 0)
		memcpy(bytes, text, len);
	value->text = span_of(bytes, len);
	return value;
}

static void *make_array(const redisReadTask *task, int count)
{
	struct redis_value *value;

	if (count < 0 || count > REDIS_REPLY_ITEMS_MAX)
		return NULL;
	value = make(task, REDIS_ARRAY, (size_t)count * sizeof(struct redis_value *));
	if (!value)
		return NULL;
	value->items = (struct redis_value **)(value + 1);
	value->count = (size_t)count;
	return value;
}

static void *make_integer(const redisReadTask *task, long long number)
{
	struct redis_value *value = make(task, REDIS_INTEGER, 0);

	if (value)
		value->integer = number;
	return value;
}

static void *make_nil(const redisReadTask *task)
{
	return make(task, REDIS_NIL, 0);
}

void redis_reply_free(void *object)
{
	struct redis_value *value = object;

	if (!value)
		return;
	for (size_t i = 0; i < value->count; i++)
		redis_reply_free(value->items[i]);
	free(value);
}

/* hiredis wants it changeable, and changes nothing. */
redisReader *redis_reply_reader(void)
{
	static const redisReplyObjectFunctions functions = {
		.createString = make_text,
		.createArray = make_array,
		.createInteger = make_integer,
		.createNil = make_nil,
		.freeObject = redis_reply_free,
	};

	return redisReaderCreateWithFunctions((redisReplyObjectFunctions *)&functions);
}
