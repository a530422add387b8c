/* common/log.h: one line for each thing worth knowing: a stable event id, a level, key=value.
 * The sink decides where lines go; pure code gets a struct log and never knows. */
#ifndef WSB_COMMON_LOG_H
#define WSB_COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

/* One key=value of a line. */
struct log_field {
	const char *key;
	enum { LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_REAL } kind;
	struct span text;
	int64_t number;
	double real;
};

struct log {
	enum log_level level; /* lines below it are dropped */
	enum log_format format;
	/* Gets one whole line without its newline. */
	void (*sink)(void *context, enum log_level level, struct span line);
	void *context;
	uint64_t (*wall_us)(void); /* stamps lines; NULL: no stamp */
	/* Repeats: within one second the first LOG_BURST lines of an event id are printed, the rest
	 * are counted, and the next printed one carries suppressed=N. */
	struct log_repeat {
		uint64_t second;
		uint32_t hash;
		uint32_t printed;
		uint32_t suppressed;
	} repeats[64];
};

#define LOG_BURST 10

void log_init(struct log *log, enum log_level level, enum log_format format,
	      void (*sink)(void *context, enum log_level level, struct span line), void *context,
	      uint64_t (*wall_us)(void));

static inline bool log_wants(const struct log *log, enum log_level level)
{
	return log && level >= log->level;
}

/* event is a stable id, words joined by dots: "pool.connection.lost". log may be NULL: silent. */
void log_write(struct log *log, enum log_level level, const char *event,
	       const struct log_field *fields, size_t count) WSB_RARE;
/* The same without regard to repeats: for lines of which each counts, as those of requests. */
void log_write_each(struct log *log, enum log_level level, const char *event,
		    const struct log_field *fields, size_t count) WSB_RARE;

#define log_text(k, v)                                                                             \
	((struct log_field){.key = (k), .kind = LOG_FIELD_TEXT, .text = span_text(v)})
#define log_span(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_TEXT, .text = (v)})
#define log_number(k, v)                                                                           \
	((struct log_field){.key = (k), .kind = LOG_FIELD_NUMBER, .number = (int64_t)(v)})
#define log_real(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_REAL, .real = (v)})

/* log_event(log, LOG_INFO, "listener.open", log_text("address", address)) */
#define log_event(log, level, event, ...)                                                          \
	do {                                                                                       \
		if (log_wants((log), (level))) {                                                   \
			/* The first one only keeps the list from being empty. */                  \
			const struct log_field log_fields_[] = {{.key = NULL}, __VA_ARGS__};       \
			log_write((log), (level), (event), log_fields_ + 1,                        \
				  sizeof(log_fields_) / sizeof(log_fields_[0]) - 1);               \
		}                                                                                  \
	} while (0)

#endif
