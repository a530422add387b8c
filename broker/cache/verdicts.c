#include "broker/cache/verdicts.h"

static bool take_out(struct verdicts *verdicts, uint8_t at)
{
	return verdicts->used[at / 64] >> (at % 64) & 1;
}

static void begin_rest(struct verdicts *verdicts, uint64_t now_us)
{
	uint64_t rest_us = verdicts->rest_us ? 2 * verdicts->rest_us : VERDICTS_REST_US;

	if (rest_us > VERDICTS_REST_MAX_US)
		rest_us = VERDICTS_REST_MAX_US;
	*verdicts = (struct verdicts){
		.trial = true, .rest_us = rest_us, .off_until_us = now_us + rest_us};
}

bool verdicts_add(struct verdicts *verdicts, bool used, uint64_t issued_us, uint64_t now_us)
{
	uint64_t bit = UINT64_C(1) << (verdicts->at % 64);
	uint64_t *word = &verdicts->used[verdicts->at / 64];
	unsigned int enough = verdicts->trial ? VERDICTS_TRIAL : VERDICTS_WINDOW;

	if (issued_us < verdicts->off_until_us)
		return false;
	if (verdicts->count == VERDICTS_WINDOW)
		verdicts->used_count -= take_out(verdicts, verdicts->at);
	else
		verdicts->count++;
	*word = used ? *word | bit : *word & ~bit;
	verdicts->used_count = (uint8_t)(verdicts->used_count + used);
	verdicts->at = (uint8_t)((verdicts->at + 1) % VERDICTS_WINDOW);
	if (verdicts->count < enough)
		return false;
	if (100U * verdicts->used_count >= (unsigned int)VERDICTS_LEAST_SHARE * verdicts->count) {
		if (verdicts->count == VERDICTS_WINDOW) {
			verdicts->trial = false;
			verdicts->rest_us = 0;
		}
		return false;
	}
	begin_rest(verdicts, now_us);
	return true;
}
