/* common/bearer.h: the token that a command shows: from a file, or from the environment, where it
 * stands in no list of processes. */
#ifndef WSB_COMMON_BEARER_H
#define WSB_COMMON_BEARER_H

#include "common/err.h"

#define BEARER_MAX 4096

/* file: its first line is the token; NULL: WSBROKER_TOKEN is asked. *out points into room or the
 * environment; NULL: there is none, and none was asked for. WSB_EINVAL: why is a phrase about the
 * file, or about the token where there is no file. */
enum wsb_err bearer_find(const char *file, char room[BEARER_MAX], const char **out,
			 const char **why) WSB_CHECKED;

#endif
