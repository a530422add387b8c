/* broker/io/entropy.h: unpredictable bytes from the operating system. */
#ifndef WSB_BROKER_IO_ENTROPY_H
#define WSB_BROKER_IO_ENTROPY_H

#include <stddef.h>

/* Never fails: without a source of entropy the process ends. */
void entropy_fill(void *out, size_t len);

#endif
