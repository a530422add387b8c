/* tests/bench/load.c: load generator for the bench. One thread on loopback; prints one line of
 * JSON.
 * closed loop  --clients N --depth D: each client always has D requests in flight
 * open loop    --rate R: R requests a second in all, whatever the answers do; latency counts from
 *              the moment a request was due, so a stall is not hidden (no coordinated omission)
 *              --sleep: waits for what is due asleep, for a machine whose cores are all needed
 * hot set      --keys N: the requests of all share N different params
 * idle         --idle: connects, prints "ready", keeps the connections until stdin ends */
#include "cpu.h"
#include "swarm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S	UINT64_C(1000000000)
#define WATCHED_MAX	16
#define OPEN_LOOP_DEPTH 256 /* in flight per client before the open loop gives up on a request */
#define DRAIN_NS	(2 * NS_PER_S)

struct settings {
	struct sockaddr_in address;
	const char *path;
	size_t clients;
	size_t depth;
	uint64_t rate; /* per second; 0 is the closed loop */
	bool sleeps;   /* between two requests of the open loop */
	uint64_t keys; /* different requests; 0: each is another */
	uint64_t warmup_ns;
	uint64_t window_ns;
	bool idle;
	size_t watched_count;
	pid_t watched[WATCHED_MAX];
};

struct result {
	double seconds;
	uint64_t answered;
	uint64_t unsent; /* open loop: no place was free when they were due */
	uint64_t lost;	 /* unanswered when all should have been */
	double own_cpu;	 /* seconds, like the next */
	struct histogram latency;
	double watched_cpu[WATCHED_MAX];
};

/* CPU times at the start of the window are entered negative, so adding those at the end leaves the
 * difference. */
static void count_cpu(const struct settings *settings, struct result *result, double sign)
{
	result->own_cpu += sign * cpu_seconds(getpid());
	for (size_t i = 0; i < settings->watched_count; i++)
		result->watched_cpu[i] += sign * cpu_seconds(settings->watched[i]);
}

/* One turn of the open loop: sends what is due and takes what has come. Unless it was asked to, it
 * never sleeps: what the kernel needs to wake the generator is not the proxy's latency. */
static void turn_open(struct swarm *swarm, const struct settings *settings, uint64_t start,
		      uint64_t *sent, struct result *result)
{
	uint64_t now = clock_ns();
	uint64_t due;
	while ((due = start + *sent * NS_PER_S / settings->rate) <= now) {
		if (!swarm_request(swarm, *sent % settings->clients, due))
			result->unsent++;
		++*sent;
	}
	swarm_turn(swarm, settings->sleeps ? due - now : 0);
}

static void run_until(struct swarm *swarm, const struct settings *settings, uint64_t end,
		      struct result *result)
{
	uint64_t start = clock_ns();
	uint64_t sent = 0;
	uint64_t now;
	while ((now = clock_ns()) < end) {
		if (settings->rate)
			turn_open(swarm, settings, start, &sent, result);
		else
			swarm_turn(swarm, end - now);
	}
}

static void measure(struct swarm *swarm, const struct settings *settings, struct result *result)
{
	if (!settings->rate) {
		swarm->refill = true;
		for (size_t i = 0; i < settings->clients; i++)
			swarm_fill(swarm, i);
	}
	run_until(swarm, settings, clock_ns() + settings->warmup_ns, result);

	swarm_reset(swarm);
	uint64_t start = clock_ns();
	count_cpu(settings, result, -1);
	run_until(swarm, settings, start + settings->window_ns, result);
	result->seconds = (double)(clock_ns() - start) / (double)NS_PER_S;
	result->answered = swarm->answered;
	result->latency = swarm->latency;
	count_cpu(settings, result, 1);
}

/* Every request that was sent has to be answered, also those of the end. */
static void drain(struct swarm *swarm, struct result *result)
{
	uint64_t deadline = clock_ns() + DRAIN_NS;
	uint64_t now;
	swarm->refill = false;
	while (swarm->in_flight && (now = clock_ns()) < deadline)
		swarm_turn(swarm, deadline - now);
	result->lost = swarm->in_flight;
}

static void print_result(const struct settings *settings, const struct swarm *swarm,
			 const struct result *result)
{
	const struct histogram *latency = &result->latency;
	printf("{\"clients\":%zu,\"depth\":%zu,\"rate_wanted\":%llu,\"seconds\":%.3f,"
	       "\"requests\":%llu,\"rate\":%.1f",
	       settings->clients, settings->rate ? 0 : settings->depth,
	       (unsigned long long)settings->rate, result->seconds,
	       (unsigned long long)result->answered, (double)result->answered / result->seconds);
	printf(",\"p50_us\":%.2f,\"p90_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f,\"max_us\":%.2f",
	       histogram_quantile_us(latency, 0.5), histogram_quantile_us(latency, 0.9),
	       histogram_quantile_us(latency, 0.99), histogram_quantile_us(latency, 0.999),
	       (double)latency->max_ns / 1000);
	printf(",\"wrong\":%llu,\"lost\":%llu,\"unsent\":%llu,\"lost_clients\":%llu",
	       (unsigned long long)swarm->wrong, (unsigned long long)result->lost,
	       (unsigned long long)result->unsent, (unsigned long long)swarm->lost_clients);
	printf(",\"own_cpu_s\":%.3f,\"watched_cpu_s\":[", result->own_cpu);
	for (size_t i = 0; i < settings->watched_count; i++)
		printf("%s%.3f", i ? "," : "", result->watched_cpu[i]);
	printf("]}\n");
}

/* Keeps the connections alive until standard input has something to read. */
static void hold(struct swarm *swarm)
{
	struct pollfd wait[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				 {.fd = swarm->epoll_fd, .events = POLLIN}};
	while (poll(wait, 2, -1) >= 0 && !wait[0].revents)
		swarm_turn(swarm, 0);
}

static void report_idle(const struct swarm *swarm, const char *word)
{
	if (swarm->in_flight || swarm->lost_clients || swarm->wrong)
		die("idle: %zu answers missing, %llu clients lost", swarm->in_flight,
		    (unsigned long long)swarm->lost_clients);
	printf("%s\n", word);
	fflush(stdout);
}

/* Clients that never spoke, then the same after one request each: the latter have made the proxy
 * allocate what it allocates late. */
static void idle(struct swarm *swarm)
{
	struct result result = {0};
	char line[16];

	report_idle(swarm, "ready");
	hold(swarm);
	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		return;
	for (size_t i = 0; i < swarm->client_count; i++)
		swarm_fill(swarm, i);
	drain(swarm, &result);
	report_idle(swarm, "answered");
	hold(swarm);
}

static void add_watched(struct settings *settings, const char *text)
{
	if (settings->watched_count == WATCHED_MAX)
		die("at most %d processes can be watched", WATCHED_MAX);
	settings->watched[settings->watched_count++] = (pid_t)parse_number(text, INT32_MAX);
}

static uint64_t parse_seconds(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);
	errno = 0;
	if (end == text || *end || !(seconds >= 0 && seconds <= 86400))
		die("%s: expected seconds", text);
	return (uint64_t)(seconds * (double)NS_PER_S);
}

static bool set_option(struct settings *settings, int option, const char *text)
{
	switch (option) {
	case 'p':
		settings->address.sin_port = htons((uint16_t)parse_number(text, UINT16_MAX));
		return true;
	case 'a':
		settings->path = text;
		return true;
	case 'c':
		settings->clients = parse_number(text, 60000);
		return true;
	case 'd':
		settings->depth = parse_number(text, 1000);
		return true;
	case 'r':
		settings->rate = parse_number(text, 10000000);
		return true;
	case 'k':
		settings->keys = parse_number(text, 1000000000);
		return true;
	case 's':
		settings->window_ns = parse_seconds(text);
		return true;
	case 'w':
		settings->warmup_ns = parse_seconds(text);
		return true;
	case 'W':
		add_watched(settings, text);
		return true;
	case 'i':
		settings->idle = true;
		return true;
	case 'z':
		settings->sleeps = true;
		return true;
	default:
		return false;
	}
}

static bool parse_arguments(struct settings *settings, int argc, char **argv)
{
	static const struct option options[] = {{"port", required_argument, NULL, 'p'},
						{"path", required_argument, NULL, 'a'},
						{"clients", required_argument, NULL, 'c'},
						{"depth", required_argument, NULL, 'd'},
						{"rate", required_argument, NULL, 'r'},
						{"sleep", no_argument, NULL, 'z'},
						{"keys", required_argument, NULL, 'k'},
						{"seconds", required_argument, NULL, 's'},
						{"warmup", required_argument, NULL, 'w'},
						{"watch", required_argument, NULL, 'W'},
						{"idle", no_argument, NULL, 'i'},
						{0}};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!set_option(settings, option, optarg))
			return false;
	if (!settings->address.sin_port || !settings->clients || !settings->depth) {
		fprintf(stderr, "--port, --clients and --depth have to be above 0\n");
		return false;
	}
	if (settings->rate)
		settings->depth = OPEN_LOOP_DEPTH;
	return true;
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		.path = "/",
		.clients = 64,
		.depth = 1,
		.warmup_ns = NS_PER_S,
		.window_ns = 3 * NS_PER_S};
	struct result result = {0};
	bool failed = false;

	if (!parse_arguments(&settings, argc, argv))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit(UINT64_MAX);
	struct swarm *swarm =
		swarm_create(&settings.address, settings.path, settings.clients, settings.depth);
	swarm->keys = settings.keys;
	if (settings.idle) {
		idle(swarm);
	} else {
		measure(swarm, &settings, &result);
		drain(swarm, &result);
		print_result(&settings, swarm, &result);
		failed = result.lost || result.unsent || swarm->wrong || swarm->lost_clients;
	}
	swarm_destroy(swarm);
	return failed ? 1 : 0;
}
