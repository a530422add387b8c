/* broker/console/terminal.h: a whole terminal for a while, given back as it was. */
#ifndef WSB_BROKER_CONSOLE_TERMINAL_H
#define WSB_BROKER_CONSOLE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>
#include "common/err.h"
#include "common/span.h"

enum terminal_event {
	TERMINAL_NOTHING, /* the time has passed */
	TERMINAL_KEY,
	TERMINAL_RESIZED,
	TERMINAL_RESUMED, /* the process was stopped and goes on: all has to be painted anew */
	TERMINAL_END,	  /* a signal, or the terminal is gone */
};

struct terminal {
	struct termios before;
	int signal_fd;
	bool taken;
};

/* WSB_EUNAVAIL: input and output are no terminal. WSB_EIO. While it is taken, signals come as
 * events. */
enum wsb_err terminal_take(struct terminal *terminal) WSB_CHECKED;
void terminal_give_back(struct terminal *terminal); /* may be called twice */

/* 24 x 80 where the terminal does not say. */
void terminal_size(size_t *rows, size_t *columns);

bool terminal_write(struct span bytes);

/* What happens within timeout_us. TERMINAL_KEY: *key is set. */
enum terminal_event terminal_wait(struct terminal *terminal, uint64_t timeout_us, char *key);

#endif
