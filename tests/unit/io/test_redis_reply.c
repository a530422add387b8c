#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "broker/io/redis_reply.h"
#include "common/span.h"

static void feed(redisReader *reader, const char *text)
{
	cr_assert_eq(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
}

Test(redis_reply, makes_plain_values)
{
	redisReader *reader = redis_reply_reader();
	void *object = NULL;
	struct redis_value *value;

	feed(reader, "*4\r\n$3\r\nabc\r\n:-7\r\n*1\r\n+OK\r\n$-1\r\n");
	cr_assert_eq(redisReaderGetReply(reader, &object), REDIS_OK);
	value = object;
	cr_assert_eq(redis_count(value), 4);
	cr_expect(span_is(redis_text(redis_item(value, 0)), "abc"));
	cr_expect_eq(redis_item(value, 1)->integer, -7);
	cr_expect(span_is(redis_text(redis_item(redis_item(value, 2), 0)), "OK"));
	cr_expect_eq(redis_item(value, 3)->kind, REDIS_NIL);
	redis_reply_free(value);
	redisReaderFree(reader);
}

Test(redis_reply, refuses_more_items_than_any_answer_has)
{
	redisReader *reader = redis_reply_reader();
	void *object = NULL;

	feed(reader, "*65537\r\n");
	cr_expect_eq(redisReaderGetReply(reader, &object), REDIS_ERR);
	redisReaderFree(reader);
}

/* However small the pieces in which it comes. */
Test(redis_reply, is_bounded_in_bytes)
{
	const size_t len = 1 << 20;
	redisReader *reader = redis_reply_reader();
	char *bytes = calloc(1, len);
	void *object = NULL;
	int taken = 0;

	cr_assert(bytes);
	feed(reader, "*1000\r\n*500\r\n");
	while (taken < 100) {
		feed(reader, "$1048576\r\n");
		cr_assert_eq(redisReaderFeed(reader, bytes, len), REDIS_OK);
		feed(reader, "\r\n");
		if (redisReaderGetReply(reader, &object) != REDIS_OK)
			break;
		cr_assert_null(object);
		taken++;
	}
	cr_expect_eq(taken, REDIS_REPLY_BYTES_MAX / len - 1);
	redisReaderFree(reader);
	free(bytes);
}
