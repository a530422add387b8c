#include "broker/admin/bus_ailment.h"

#include <string.h>
#include "broker/admin/reasons.h"
#include "common/clock.h"

/* The words of Redis that tell what to do, and where to look. */
static const struct {
	const char *words, *command;
} looks[] = {
	{"OOM ", "redis-cli INFO memory"},
	{"MISCONF", "redis-cli INFO persistence"},
	{"LOADING", "redis-cli INFO persistence"},
	{"READONLY", "redis-cli INFO replication"},
	{"not a master", "redis-cli INFO replication"},
	{"NOAUTH", "wsbroker config show invalidation.url"},
	{"WRONGPASS", "wsbroker config show invalidation.url"},
	{"max number of clients", "redis-cli CONFIG GET maxclients"},
	{"unknown command", "redis-cli INFO server"},
};

/* part: that is refused; BUS_PARTS: all of it. */
static void advise(struct verdict_reason *reason, const struct bus_view *bus, enum bus_part part,
		   const char *words)
{
	const char *key = part == BUS_INBOX_READING ? "inbox" : "invalidations:log";

	if (strstr(words, "NOPERM") || strstr(words, "user executing the script can't")) {
		reason_advise(reason, "redis-cli ACL SETUSER %s '~%s:*' '&%s:*' " BUS_RIGHTS,
			      bus->user, bus->prefix, bus->prefix);
		return;
	}
	if (strstr(words, "WRONGTYPE")) {
		reason_advise(reason, "redis-cli RENAME '%s:%s' '%s:%s:other'", bus->prefix, key,
			      bus->prefix, key);
		return;
	}
	reason_advise(reason, "wsbroker events --type 'bus.*' --since 10m");
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (strstr(words, looks[i].words))
			reason_advise(reason, "%s", looks[i].command);
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
