/* tests/bench/events.c: makes invalidations at a steady rate and takes the time at which each
 * arrives, in one thread and on one clock; prints one line of JSON. What it reads and writes are
 * descriptors that it was started with, whose conversations have begun (tests/bench/events).
 * --make FD       the WebSocket of a client of the first broker, which invalidates
 * --read NAME:FD  whatever tells of invalidations: the tag of each stands in it once
 * --probe FD      the WebSocket of a client of the second broker, which asks for what is cached
 *                 there until it is gone
 * Latency counts from the moment an invalidation was due, so a stall is not hidden. */
#include "event_probe.h"
#include "event_stream.h"
#include "frame.h"
#include "histogram.h"
#include "wire.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define NS_PER_S    UINT64_C(1000000000)
#define STREAMS_MAX 8
#define TEXT_MAX    160
#define TURN_NS	    UINT64_C(250000) /* what is due within this goes out with one write */
#define DRAIN_NS    (10 * NS_PER_S)
#define TURN_EVENTS 16

struct run {
	int epoll_fd;
	uint64_t rate; /* per second */
	uint64_t total;
	uint64_t start_ns;
	uint64_t sent;
	uint64_t behind; /* what the slowest had not been told yet when the last one went out */
	struct wire *maker;
	struct probe *probe;
	size_t stream_count;
	struct stream streams[STREAMS_MAX];
	uint64_t random;
	size_t out_len;
	unsigned char in[WIRE_BUFFER_SIZE];
	unsigned char out[WIRE_BUFFER_SIZE];
};

static uint64_t due_ns(const struct run *run, uint64_t number)
{
	return run->start_ns + number * NS_PER_S / run->rate;
}

static void push_invalidation(struct run *run, uint64_t number)
{
	char text[TEXT_MAX];
	int len = snprintf(text, sizeof(text),
			   "{\"jsonrpc\":\"2.0\",\"method\":\"wsbroker.invalidate\",\"params\":"
			   "{\"tags\":[\"" STREAM_TAG "%llu\"]},\"id\":%llu}",
			   (unsigned long long)number, (unsigned long long)number);
	uint32_t key = frame_next_key(&run->random);
	unsigned char *out = run->out + run->out_len;
	size_t header = frame_write_header(out, FRAME_TEXT, (size_t)len, &key);
	memcpy(out + header, text, (size_t)len);
	frame_mask(out + header, (size_t)len, key);
	run->out_len += header + (size_t)len;
}

static void make_due(struct run *run, uint64_t now)
{
	while (run->sent < run->total && due_ns(run, run->sent) <= now &&
	       run->out_len + TEXT_MAX < WIRE_BUFFER_SIZE)
		push_invalidation(run, run->sent++);
	if (!wire_send(run->maker, run->out, run->out_len))
		die("the first broker has hung up");
	run->out_len = 0;
}

/* The place of the one that has been told least. */
static uint64_t slowest(const struct run *run)
{
	uint64_t least = UINT64_MAX;
	for (size_t i = 0; i < run->stream_count; i++)
		if (run->streams[i].next < least)
			least = run->streams[i].next;
	return least;
}

static void take_stream(struct run *run, struct stream *stream, uint32_t events)
{
	size_t len;
	if (events & EPOLLOUT && !wire_flush(&stream->wire))
		die("%s: cannot be written to", stream->name);
	if (!(events & ~(uint32_t)EPOLLOUT))
		return;
	if (!wire_read(&stream->wire, run->in, &len))
		die("%s has ended after %llu events", stream->name,
		    (unsigned long long)stream->next);
	struct stream_times times = {.start_ns = run->start_ns,
				     .now_ns = clock_ns(),
				     .rate = run->rate,
				     .sent = run->sent,
				     .total = run->total};
	stream_take(stream, run->in, len, &times);
}

static void turn(struct run *run, uint64_t until_ns)
{
	struct epoll_event events[TURN_EVENTS];
	uint64_t now = clock_ns();
	uint64_t wait = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = {(time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S)};
	int count = epoll_pwait2(run->epoll_fd, events, TURN_EVENTS, &timeout, NULL);

	if (count < 0 && errno != EINTR)
		die("epoll_pwait2");
	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr == run->probe)
			probe_take(run->probe, run->in);
		else
			take_stream(run, events[i].data.ptr, events[i].events);
	}
}

static void run_all(struct run *run)
{
	uint64_t last_turn = 0;
	run->start_ns = clock_ns() + TURN_NS;
	while (run->sent < run->total) {
		uint64_t wake = due_ns(run, run->sent);
		if (wake < last_turn + TURN_NS)
			wake = last_turn + TURN_NS;
		if (run->probe) {
			uint64_t mark = run->probe->number;
			uint64_t asks = probe_turn(run->probe, run->sent, run->rate,
						   due_ns(run, mark), clock_ns());
			wake = asks < wake ? asks : wake;
		}
		turn(run, wake);
		last_turn = clock_ns();
		make_due(run, last_turn);
	}
	run->behind = run->total - slowest(run);
	uint64_t deadline = clock_ns() + DRAIN_NS;
	while (slowest(run) < run->total && clock_ns() < deadline)
		turn(run, deadline);
}

static void print_latency(const char *name, const struct histogram *latency)
{
	printf("{\"name\":\"%s\",\"events\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f",
	       name, (unsigned long long)latency->total, histogram_quantile_us(latency, 0.5),
	       histogram_quantile_us(latency, 0.99), (double)latency->max_ns / 1000);
}

static void print_result(const struct run *run)
{
	printf("{\"sent\":%llu,\"behind\":%llu,\"kinds\":[", (unsigned long long)run->sent,
	       (unsigned long long)run->behind);
	for (size_t i = 0; i < run->stream_count; i++) {
		const struct stream *stream = &run->streams[i];
		printf("%s", i ? "," : "");
		print_latency(stream->name, &stream->latency);
		printf(",\"missing\":%llu,\"wrong\":%llu,\"early_p50_us\":%.1f,\"late_p50_us\":%."
		       "1f}",
		       (unsigned long long)(run->total - stream->next),
		       (unsigned long long)stream->wrong,
		       histogram_quantile_us(&stream->early, 0.5),
		       histogram_quantile_us(&stream->late, 0.5));
	}
	if (run->probe) {
		printf(",");
		print_latency("applied", &run->probe->latency);
		printf(",\"missing\":0,\"wrong\":%llu}", (unsigned long long)run->probe->wrong);
	}
	printf("]}\n");
}

static struct wire *add_stream(struct run *run, const char *name, const char *mark, int fd)
{
	if (run->stream_count == STREAMS_MAX)
		die("at most %d streams can be read", STREAMS_MAX);
	struct stream *stream = &run->streams[run->stream_count++];
	stream_open(stream, name, mark, fd, run->epoll_fd);
	return &stream->wire;
}

static void parse_stream(struct run *run, const char *text)
{
	const char *colon = strchr(text, ':');
	if (!colon)
		die("%s: expected NAME:FD", text);
	char *name = strndup(text, (size_t)(colon - text));
	if (!name)
		die("out of memory");
	add_stream(run, name, STREAM_TAG, (int)parse_number(colon + 1, INT32_MAX));
}

static bool parse_arguments(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
		{"make", required_argument, NULL, 'm'},	 {"read", required_argument, NULL, 'r'},
		{"probe", required_argument, NULL, 'p'}, {"rate", required_argument, NULL, 'n'},
		{"total", required_argument, NULL, 't'}, {0}};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'm')
			run->maker = add_stream(run, "answered",
						"\"id\":", (int)parse_number(optarg, INT32_MAX));
		else if (option == 'r')
			parse_stream(run, optarg);
		else if (option == 'p')
			run->probe =
				probe_create((int)parse_number(optarg, INT32_MAX), run->epoll_fd);
		else if (option == 'n')
			run->rate = parse_number(optarg, 10000000);
		else if (option == 't')
			run->total = parse_number(optarg, UINT64_C(1) << 32);
		else
			return false;
	}
	return run->maker && run->rate && run->total;
}

int main(int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	if (!run)
		die("out of memory");
	run->random = clock_ns();
	run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	if (!parse_arguments(run, argc, argv)) {
		fprintf(stderr, "--make, --rate and --total have to be given\n");
		return 2;
	}
	run_all(run);
	print_result(run);
	return 0;
}
