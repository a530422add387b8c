#include "broker/admin/reasons.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct verdict_reason *reasons_add(struct verdict *verdict, unsigned int severity)
{
	size_t at = verdict->count;

	while (at > 0 && verdict->reasons[at - 1].severity < severity)
		at--;
	if (at == VERDICT_REASONS_MAX)
		return NULL;
	if (verdict->count < VERDICT_REASONS_MAX)
		verdict->count++;
	memmove(&verdict->reasons[at + 1], &verdict->reasons[at],
		(verdict->count - at - 1) * sizeof(verdict->reasons[0]));
	verdict->reasons[at] = (struct verdict_reason){.severity = severity};
	return &verdict->reasons[at];
}

void reason_say(struct verdict_reason *reason, const char *format, ...)
{
	va_list args;

	if (!reason)
		return;
	va_start(args, format);
	vsnprintf(reason->text, sizeof(reason->text), format, args);
	va_end(args);
}

void reason_advise(struct verdict_reason *reason, const char *format, ...)
{
	va_list args;

	if (!reason)
		return;
	va_start(args, format);
	vsnprintf(reason->command, sizeof(reason->command), format, args);
	va_end(args);
}
