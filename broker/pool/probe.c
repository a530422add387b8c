#include "broker/pool/probe.h"

#define FASTER 5

const char *probe_result_name(enum probe_result result)
{
	static const char *const names[PROBE_RESULTS] = {
#define X(name, text) [PROBE_##name] = (text),
		PROBE_OUTCOMES(X)
#undef X
	};

	return names[result];
}

bool probe_is_due(const struct probe *probe, const struct probe_settings *settings, uint64_t now_us)
{
	return probe_is_wanted(settings) && probe->sent_us == 0 && now_us >= probe->due_us;
}

bool probe_is_late(const struct probe *probe, const struct probe_settings *settings,
		   uint64_t now_us)
{
	return probe->sent_us > 0 && now_us >= probe->sent_us + settings->timeout_us;
}

void probe_sent(struct probe *probe, uint64_t id, uint64_t now_us)
{
	probe->id = id;
	probe->sent_us = now_us;
}

void probe_forget(struct probe *probe, uint64_t now_us)
{
	probe->sent_us = 0;
	probe->due_us = now_us;
}

void probe_stop(struct probe *probe)
{
	probe->sent_us = 0;
	probe->failed = probe->passed = 0;
	probe->failing = false;
}

static uint64_t interval_us(const struct probe *probe, const struct probe_settings *settings,
			    struct rng *rng)
{
	bool changing = probe->failing ? probe->passed > 0 : probe->failed > 0;
	uint64_t us = changing ? settings->interval_us / FASTER : settings->interval_us;

	return us - us / 10 + rng_below(rng, us / 5 + 1);
}

enum probe_change probe_end(struct probe *probe, const struct probe_settings *settings,
			    enum probe_result result, uint64_t now_us, struct rng *rng)
{
	enum probe_change change = PROBE_STAYS;

	probe->results[result]++;
	if (result == PROBE_PASSED) {
		probe->failed = 0;
		probe->passed++;
		if (probe->failing && probe->passed >= settings->rise)
			change = PROBE_RISES;
	} else {
		probe->passed = 0;
		probe->failed++;
		if (!probe->failing && probe->failed >= settings->fall)
			change = PROBE_FALLS;
	}
	if (change != PROBE_STAYS)
		probe->failing = change == PROBE_FALLS;
	if (result != PROBE_LATE)
		probe->rtt_us = now_us > probe->sent_us ? now_us - probe->sent_us : 1;
	probe->sent_us = 0;
	probe->due_us = now_us + interval_us(probe, settings, rng);
	return change;
}
