/* broker/console/human.h: numbers as people read them. */
#ifndef WSB_BROKER_CONSOLE_HUMAN_H
#define WSB_BROKER_CONSOLE_HUMAN_H

#include <stddef.h>

#define HUMAN_TEXT_MAX 32

/* Three digits that matter: 85 us, 1.20 ms, 12.3 s, 4m05s, 3h12m, 2d04h; below nothing: "-". */
void human_duration(double seconds, char text[HUMAN_TEXT_MAX]);

/* 512 B, 1.50 KiB, 12.0 MiB. */
void human_bytes(double bytes, char text[HUMAN_TEXT_MAX]);

#endif
