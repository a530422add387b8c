/* broker/control/note.h: what a command has changed, noted as what outlives a reload. */
#ifndef WSB_BROKER_CONTROL_NOTE_H
#define WSB_BROKER_CONTROL_NOTE_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/control/command.h"
#include "broker/control/configuration.h"

/* For a command that has been carried out. added: the name that the engine gave to an endpoint that
 * came without one. *noted: whether there is something new to be saved; also when not all of it
 * could be noted: WSB_ENOMEM. */
enum wsb_err configuration_note_command(struct configuration *configuration,
					const struct command *command, const char *added,
					uint64_t wall_us, bool *noted) WSB_CHECKED;

#endif
