#include "broker/admin/bus_ailment.h"

#include <stdio.h>
#include <string.h>
#include "broker/admin/reasons.h"
#include "common/clock.h"
#include "common/strbuf.h"

#define CLIENT_MAX 192
#define REDIS_PORT 6379

/* The words of Redis that tell what to do, and what to ask it. */
static const struct {
	const char *words, *question;
} looks[] = {
	{"OOM ", "INFO memory"},
	{"MISCONF", "INFO persistence"},
	{"LOADING", "INFO persistence"},
	{"READONLY", "INFO replication"},
	{"not a master", "INFO replication"},
	{"NOAUTH", NULL},
	{"WRONGPASS", NULL},
	{"max number of clients", "CONFIG GET maxclients"},
	{"unknown command", "INFO server"},
};

/* "redis-cli -h redis.internal -p 6380": to be pasted by who stands at the broker's own machine. */
static const char *client_of(const struct bus_url *place, char out[CLIENT_MAX])
{
	struct strbuf text;

	strbuf_init(&text);
	strbuf_text(&text, "redis-cli");
	if (place && place->path)
		strbuf_printf(&text, " -s '%s'", place->path);
	if (place && place->host && strcmp(place->host, "127.0.0.1") != 0)
		strbuf_printf(&text, " -h %s", place->host);
	if (place && place->host && place->port != REDIS_PORT)
		strbuf_printf(&text, " -p %u", place->port);
	if (place && place->database > 0)
		strbuf_printf(&text, " -n %u", (unsigned int)place->database);
	snprintf(out, CLIENT_MAX, "%s", strbuf_span(&text).at);
	strbuf_fini(&text);
	return out;
}

/* part: that is refused; BUS_PARTS: all of it. */
static void advise(struct verdict_reason *reason, const struct bus_view *bus, enum bus_part part,
		   const char *words)
{
	const char *key = part == BUS_INBOX_READING ? "inbox" : "invalidations:log";
	char room[CLIENT_MAX];
	const char *client = client_of(bus->place, room);

	if (strstr(words, "NOPERM") || strstr(words, "user executing the script can't")) {
		reason_advise(reason, "%s ACL SETUSER %s '~%s:*' '&%s:*' " BUS_RIGHTS, client,
			      bus->user, bus->prefix, bus->prefix);
		return;
	}
	if (strstr(words, "WRONGTYPE")) {
		reason_advise(reason, "%s RENAME '%s:%s' '%s:%s:other'", client, bus->prefix, key,
			      bus->prefix, key);
		return;
	}
	reason_advise(reason, "wsbroker events --type 'bus.*' --since 10m");
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		if (!strstr(words, looks[i].words))
			continue;
		if (looks[i].question)
			reason_advise(reason, "%s %s", client, looks[i].question);
		else
			reason_advise(reason, "wsbroker config show invalidation.url");
	}
}

static void judge_state(const struct bus_view *bus, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (bus->state != BUS_SUSPECT) {
		reason = reasons_add(verdict, SEVERITY_BUS_BEHIND);
		reason_say(reason, "the bus is being read again from %s (%s)", bus->url,
			   bus_state_name(bus->state));
		reason_advise(reason, "wsbroker events --type 'bus.*' --since 10m");
		return;
	}
	reason = reasons_add(verdict, SEVERITY_BUS);
	reason_say(reason,
		   "the bus is lost for %.0f s (%s at %s%s%s): invalidations of other brokers are "
		   "not heard, %llu of this one wait",
		   (double)bus->lag_us / (double)US_PER_S, bus->reason, bus->url,
		   bus->detail[0] ? ": " : "", bus->detail, (unsigned long long)bus->queued);
	advise(reason, bus, BUS_PARTS, bus->detail);
}

static void judge_part(const struct bus_view *bus, enum bus_part part, struct verdict *verdict)
{
	static const char *const texts[BUS_PARTS] = {
		[BUS_PUBLISHING] = "invalidations of this broker are not logged on Redis and wait",
		[BUS_INBOX_READING] = "the inbox on Redis is not read: what scripts ask for waits",
		[BUS_CHANNELS] = ("the channels on Redis are not heard: nothing is known of the "
				  "other brokers, or of what scripts PUBLISH"),
		[BUS_COPIES] =
			"scripts that SUBSCRIBE on Redis are not told: the log alone has all",
		[BUS_HEARTBEATS] = "the other brokers do not hear of this one",
		[BUS_TABLE] = "not all other brokers can be known",
	};
	const char *words = bus->refusals[part];
	struct verdict_reason *reason;

	if (!words)
		return;
	reason = reasons_add(verdict, SEVERITY_BUS_BEHIND);
	reason_say(reason, "%s (%s)", texts[part], words);
	if (part == BUS_TABLE)
		reason_advise(reason, "wsbroker brokers");
	else
		advise(reason, bus, part, words);
}

void bus_ailment_judge(const struct bus_view *bus, struct verdict *verdict)
{
	if (bus->state == BUS_EMBEDDED)
		return;
	if (bus->state != BUS_LIVE)
		judge_state(bus, verdict);
	for (int part = 0; part < BUS_PARTS; part++)
		judge_part(bus, (enum bus_part)part, verdict);
}
