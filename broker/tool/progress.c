#include "broker/tool/progress.h"

#include <stdio.h>
#include <unistd.h>
#include "broker/tool/report.h"
#include "common/clock.h"

/* What a terminal does to begin the line anew, and to forget the rest of the old one. */
#define LINE_AGAIN "\r"
#define LINE_REST  "\x1b[K"

void progress_start(struct progress *progress, uint64_t now_us)
{
	*progress = (struct progress){.shown_us = now_us};
	progress->terminal = isatty(STDERR_FILENO) == 1;
}

static void say_unsent(struct progress *progress)
{
	progress_end(progress);
	progress->unsent_said = true;
	fputs("too many requests are unanswered: what is due now is left out and counted as "
	      "unsent\n",
	      stderr);
}

void progress_tick(struct progress *progress, struct tally *tally, const struct pace *pace,
		   uint64_t now_us)
{
	struct strbuf line;

	if (tally->unsent > 0 && !progress->unsent_said)
		say_unsent(progress);
	if (now_us - progress->shown_us < US_PER_S)
		return;
	strbuf_init(&line);
	report_progress(tally, now_us < pace->measure_us, now_us - pace->start_us,
			now_us - progress->shown_us, &line);
	if (!line.failed)
		fprintf(stderr, "%s%s%s", progress->terminal ? LINE_AGAIN : "", line.text,
			progress->terminal ? LINE_REST : "\n");
	progress->line_open = progress->terminal;
	progress->shown_us = now_us;
	strbuf_fini(&line);
	tally_recent_reset(tally);
}

void progress_end(struct progress *progress)
{
	if (progress->line_open)
		fputc('\n', stderr);
	progress->line_open = false;
}
