/* broker/control/config_stats.h: how the configuration came to be what it is. */
#ifndef WSB_BROKER_CONTROL_CONFIG_STATS_H
#define WSB_BROKER_CONTROL_CONFIG_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_stats {
	uint64_t generation;	   /* how often it was replaced, the start included */
	uint64_t reloads;	   /* of the file, that were taken */
	uint64_t rejected;	   /* ... and that were not */
	uint64_t reloaded_wall_us; /* when the file was last taken, since 1970; the start counts */
	bool successful;	   /* it was, when it was last read */
	size_t restart_needed;	   /* keys of the file that wait for a restart */
	uint64_t state_written;	   /* writes of the state file */
	uint64_t state_failed;	   /* ... that were in vain */
	char state_error[128];	   /* why the last one was; "": it was not */
};

#endif
