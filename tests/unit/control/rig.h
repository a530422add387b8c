/* tests/unit/control/rig.h: configurations from text, in a folder of their own. */
#ifndef WSB_TESTS_UNIT_CONTROL_RIG_H
#define WSB_TESTS_UNIT_CONTROL_RIG_H

#include <stdbool.h>
#include "broker/control/config.h"

#define RIG_PATH_MAX 256

/* A folder that is empty, and everything in it gone at rig_fini. */
struct rig {
	char folder[RIG_PATH_MAX / 4];
	char file[RIG_PATH_MAX / 2]; /* FOLDER/broker.yaml */
	struct strbuf errors;	     /* of the last load, without "FILE:" before each place */
	struct config *config;	     /* of the last load; NULL when there were errors */
};

/* A configuration with nothing but what is required; six lines. */
#define RIG_MINIMAL                                                                                \
	"pools:\n"                                                                                 \
	"  - name: main\n"                                                                         \
	"    endpoints:\n"                                                                         \
	"      - url: ws://127.0.0.1:9101/\n"

void rig_init(struct rig *rig);
void rig_fini(struct rig *rig);

/* Writes FOLDER/name. */
void rig_write(struct rig *rig, const char *name, const char *text);

enum wsb_err rig_load(struct rig *rig, const char *text);

/* Fails the test when text has errors, and returns its configuration, which rig owns. */
const struct config *rig_good(struct rig *rig, const char *text);

/* Fails the test unless text's errors are exactly these lines: "3:5: message\n...". */
void rig_bad(struct rig *rig, const char *text, const char *errors);

/* Fails the test unless one of text's errors begins with this. */
void rig_bad_somewhere(struct rig *rig, const char *text, const char *begin);

#endif
