#include "event_stream.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#define NS_PER_S UINT64_C(1000000000)

void stream_open(struct stream *stream, const char *name, const char *mark, int fd, int epoll_fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
		die("%s: descriptor %d", name, fd);
	stream->name = name;
	stream->mark = mark;
	wire_open(&stream->wire, fd, epoll_fd, stream, EPOLLIN | EPOLLOUT);
}

static void see(struct stream *stream, uint64_t number, const struct stream_times *times)
{
	if (number != stream->next || number >= times->sent) {
		stream->wrong++;
		return;
	}
	uint64_t due = times->start_ns + number * NS_PER_S / times->rate;
	uint64_t late = times->now_ns > due ? times->now_ns - due : 0;
	uint64_t quarter = 4 * number / times->total;
	histogram_add(&stream->latency, late);
	if (quarter == 1)
		histogram_add(&stream->early, late);
	else if (quarter == 3)
		histogram_add(&stream->late, late);
	stream->next++;
}

void stream_take(struct stream *stream, const unsigned char *data, size_t len,
		 const struct stream_times *times)
{
	const unsigned char *end = data + len;
	size_t mark_len = strlen(stream->mark);
	const unsigned char *found;

	while ((found = memmem(data, (size_t)(end - data), stream->mark, mark_len)) != NULL) {
		const unsigned char *digit = found + mark_len;
		uint64_t number = 0;
		for (; digit < end && *digit >= '0' && *digit <= '9'; digit++)
			number = 10 * number + (uint64_t)(*digit - '0');
		if (digit == end) {
			wire_keep(&stream->wire, found, (size_t)(end - found));
			return;
		}
		see(stream, number, times);
		data = digit;
	}
	size_t rest = (size_t)(end - data) < mark_len ? (size_t)(end - data) : mark_len - 1;
	wire_keep(&stream->wire, end - rest, rest);
}
