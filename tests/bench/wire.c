#include "wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...)
{
	int error = errno;
	va_list arguments;
	va_start(arguments, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
	exit(1);
}

uint64_t parse_number(const char *text, uint64_t max)
{
	char *end;
	errno = 0;
	uint64_t value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > max)
		die("%s: expected a number up to %llu", text, (unsigned long long)max);
	return value;
}

uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void raise_file_limit(uint64_t max)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max < max ? limit.rlim_max : max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("setrlimit");
}

unsigned char *wire_bytes_room(struct wire_bytes *bytes, size_t len)
{
	if (bytes->capacity - bytes->len < len) {
		size_t capacity = (bytes->len + len) * 2;
		bytes->data = realloc(bytes->data, capacity);
		if (!bytes->data)
			die("out of memory");
		bytes->capacity = capacity;
	}
	return bytes->data + bytes->len;
}

static void bytes_append(struct wire_bytes *bytes, const unsigned char *data, size_t len)
{
	memcpy(wire_bytes_room(bytes, len), data, len);
	bytes->len += len;
}

static void wait_for(struct wire *wire, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = wire->owner};
	if (epoll_ctl(wire->epoll_fd, operation, wire->fd, &event) != 0)
		die("epoll_ctl");
}

void wire_open(struct wire *wire, int fd, int epoll_fd, void *owner, uint32_t blocked_events)
{
	*wire = (struct wire){
		.fd = fd, .epoll_fd = epoll_fd, .owner = owner, .blocked_events = blocked_events};
	wait_for(wire, EPOLL_CTL_ADD, EPOLLIN);
}

void wire_close(struct wire *wire)
{
	close(wire->fd);
	free(wire->rest.data);
	free(wire->unsent.data);
	*wire = (struct wire){.fd = -1};
}

bool wire_read(struct wire *wire, unsigned char buffer[WIRE_BUFFER_SIZE], size_t *len)
{
	size_t kept = wire->rest.len;
	if (kept)
		memcpy(buffer, wire->rest.data, kept);
	wire->rest.len = 0;
	ssize_t count = read(wire->fd, buffer + kept, WIRE_BUFFER_SIZE - kept);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		count = 0;
	else if (count <= 0)
		return false;
	*len = kept + (size_t)count;
	return true;
}

void wire_keep(struct wire *wire, const unsigned char *data, size_t len)
{
	if (len)
		bytes_append(&wire->rest, data, len);
}

static bool write_some(struct wire *wire, const unsigned char *data, size_t len, size_t *written)
{
	ssize_t count = write(wire->fd, data, len);
	if (count < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	*written = count < 0 ? 0 : (size_t)count;
	return true;
}

bool wire_send(struct wire *wire, const unsigned char *data, size_t len)
{
	size_t written = 0;
	bool was_blocked = wire->unsent.len > 0;
	if (!len)
		return true;
	if (!was_blocked && !write_some(wire, data, len, &written))
		return false;
	if (written == len)
		return true;
	bytes_append(&wire->unsent, data + written, len - written);
	if (!was_blocked)
		wait_for(wire, EPOLL_CTL_MOD, wire->blocked_events);
	return true;
}

bool wire_flush(struct wire *wire)
{
	size_t written;
	if (!wire->unsent.len)
		return true;
	if (!write_some(wire, wire->unsent.data, wire->unsent.len, &written))
		return false;
	wire->unsent.len -= written;
	memmove(wire->unsent.data, wire->unsent.data + written, wire->unsent.len);
	if (!wire->unsent.len)
		wait_for(wire, EPOLL_CTL_MOD, EPOLLIN);
	return true;
}
