/* broker/console/cursor.h: a position in a file, for whoever goes on where it was. */
#ifndef WSB_BROKER_CONSOLE_CURSOR_H
#define WSB_BROKER_CONSOLE_CURSOR_H

#include "broker/console/sse.h"
#include "common/err.h"

/* WSB_OK: place is what the file holds, "" when there is none. WSB_EINVAL: it holds something else
 * than one position; WSB_EIO: errno says why. */
enum wsb_err cursor_load(const char *file, char place[SSE_ID_MAX]) WSB_CHECKED;

/* Replaces the file: whatever happens, it holds the old position or the new one. The disk has it
 * when this returns. WSB_EIO: errno says why; WSB_ENOMEM. */
enum wsb_err cursor_save(const char *file, const char *place) WSB_CHECKED;

#endif
