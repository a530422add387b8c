/* tests/unit/control/running.h: the configuration of a broker that runs, from text. */
#ifndef WSB_TESTS_UNIT_CONTROL_RUNNING_H
#define WSB_TESTS_UNIT_CONTROL_RUNNING_H

#include "broker/control/configuration.h"
#include "rig.h"

struct running {
	struct rig rig;
	struct configuration configuration;
	struct strbuf errors;
};

/* Has a folder, into which files may be written before it is opened. */
void running_init(struct running *running);
/* Fails the test when the text has errors. */
void running_open(struct running *running, const char *text);
void running_fini(struct running *running);

/* The file says this now, and is read again; fails the test when it is not taken. */
void running_reload(struct running *running, const char *text);

/* Somebody has changed it at runtime. */
void running_note(struct running *running, const struct override *change);

#endif
