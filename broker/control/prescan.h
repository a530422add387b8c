/* broker/control/prescan.h: whether a text may be made into a document at all.
 * libyaml takes time that grows with the square of nested brackets, of anchors and of tag
 * directives, so a small hostile file would keep it busy for minutes. Its scanner alone does not:
 * the tokens are looked at before anything is built of them. */
#ifndef WSB_BROKER_CONTROL_PRESCAN_H
#define WSB_BROKER_CONTROL_PRESCAN_H

#include <stdbool.h>
#include "broker/control/complaints.h"
#include "common/span.h"

/* Lists and mappings within each other: twice what the deepest free-form value may have. */
#define PRESCAN_DEPTH_MAX 64
/* An anchor is compared with each one before it, and an alias with all of them. */
#define PRESCAN_ANCHORS_MAX 1000
#define PRESCAN_ALIASES_MAX 10000

/* False, with one complaint, when the text goes beyond a bound or has a directive. What is no YAML
 * passes: whoever loads it says what is wrong. */
bool prescan_passes(struct span text, struct complaints *complaints);

#endif
