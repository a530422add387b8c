#include "event_probe.h"

#include "event_stream.h"
#include "frame.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define NS_PER_S UINT64_C(1000000000)
#define AHEAD_S	 50 /* the event is a 50th of a second away when its entry is loaded */
#define PAUSE_NS UINT64_C(100000) /* between an answer and the next question */
#define TEXT_MAX 160

struct probe *probe_create(int fd, int epoll_fd)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	if (!probe || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
		die("probe: descriptor %d", fd);
	probe->random = clock_ns();
	wire_open(&probe->wire, fd, epoll_fd, probe, EPOLLIN | EPOLLOUT);
	return probe;
}

static void ask(struct probe *probe, const char *how)
{
	unsigned char frame[FRAME_HEADER_MAX + TEXT_MAX];
	char text[TEXT_MAX];
	int len = snprintf(text, sizeof(text),
			   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\","
			   "\"params\":[\"" STREAM_TAG "%llu\"],\"wsbroker\":{\"cache\":\"%s\"}}",
			   (unsigned long long)probe->number, how);
	uint32_t key = frame_next_key(&probe->random);
	size_t header = frame_write_header(frame, FRAME_TEXT, (size_t)len, &key);
	memcpy(frame + header, text, (size_t)len);
	frame_mask(frame + header, (size_t)len, key);
	if (!wire_send(&probe->wire, frame, header + (size_t)len))
		die("the second broker has hung up on the probe");
	probe->asked = true;
}

/* The next entry, in time before its event. */
static void load(struct probe *probe, uint64_t sent, uint64_t rate)
{
	probe->number = sent + rate / AHEAD_S + 1;
	probe->loaded = false;
	probe->cached = false;
	ask(probe, "use");
}

uint64_t probe_turn(struct probe *probe, uint64_t sent, uint64_t rate, uint64_t due_ns,
		    uint64_t now_ns)
{
	if (probe->asked)
		return UINT64_MAX;
	/* An entry that was loaded after its event would stay. */
	if (!probe->loaded || (!probe->cached && probe->number < sent)) {
		load(probe, sent, rate);
		return UINT64_MAX;
	}
	probe->due_ns = due_ns;
	uint64_t next = probe->answered_ns + PAUSE_NS;
	if (probe->cached && next < due_ns)
		next = due_ns;
	if (next > now_ns)
		return next;
	ask(probe, "only");
	return UINT64_MAX;
}

static void take_answer(struct probe *probe, const struct frame *frame, uint64_t now)
{
	bool gone = memmem(frame->payload, frame->payload_len, "not_cached", 10) != NULL;
	bool there = memmem(frame->payload, frame->payload_len, "\"result\"", 8) != NULL;
	if (there && !probe->loaded) {
		probe->loaded = true;
	} else if (there) {
		probe->cached = true;
	} else if (gone && probe->cached) {
		histogram_add(&probe->latency, now - probe->due_ns);
		probe->loaded = false;
	} else {
		probe->wrong++;
		probe->loaded = false;
	}
	probe->asked = false;
	probe->answered_ns = now;
}

void probe_take(struct probe *probe, unsigned char buffer[WIRE_BUFFER_SIZE])
{
	struct frame frame;
	size_t len, used = 0;
	if (!wire_read(&probe->wire, buffer, &len))
		die("the second broker has hung up on the probe");
	while (frame_read(buffer + used, len - used, false, &frame) == FRAME_WHOLE) {
		if (frame.opcode == FRAME_TEXT)
			take_answer(probe, &frame, clock_ns());
		used += frame.size;
	}
	wire_keep(&probe->wire, buffer + used, len - used);
}
