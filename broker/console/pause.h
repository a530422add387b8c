/* broker/console/pause.h: doing nothing for a while. */
#ifndef WSB_BROKER_CONSOLE_PAUSE_H
#define WSB_BROKER_CONSOLE_PAUSE_H

#include <stdint.h>

void pause_us(uint64_t us);

#endif
