#include "running.h"

#include <criterion/criterion.h>

void running_init(struct running *running)
{
	rig_init(&running->rig);
	strbuf_init(&running->errors);
}

void running_open(struct running *running, const char *text)
{
	rig_write(&running->rig, "broker.yaml", text);
	cr_assert_eq(configuration_open(&running->configuration, running->rig.file, NULL, 0,
					&running->errors, &running->errors),
		     WSB_OK, "%s", strbuf_span(&running->errors).at);
}

void running_fini(struct running *running)
{
	configuration_close(&running->configuration);
	strbuf_fini(&running->errors);
	rig_fini(&running->rig);
}

void running_reload(struct running *running, const char *text)
{
	struct config_step step;

	rig_write(&running->rig, "broker.yaml", text);
	cr_assert_eq(configuration_reread(&running->configuration, &step, &running->errors), WSB_OK,
		     "%s", strbuf_span(&running->errors).at);
	configuration_take(&running->configuration, &step);
}

void running_note(struct running *running, const struct override *change)
{
	cr_assert_eq(configuration_note(&running->configuration, change), WSB_OK);
}
