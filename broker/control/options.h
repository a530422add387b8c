/* broker/control/options.h: the table of all that can be configured. Parsing, defaults, validation
 * and the reference page are made from it; nothing about an option is written anywhere else. */
#ifndef WSB_BROKER_CONTROL_OPTIONS_H
#define WSB_BROKER_CONTROL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which struct a row describes a member of. */
enum option_scope {
	SCOPE_CONFIG,	/* struct config */
	SCOPE_LISTENER, /* struct listener_settings */
	SCOPE_POOL,	/* struct pool_settings */
	SCOPE_ENDPOINT, /* struct endpoint_settings */
	SCOPE_GREETING, /* struct greeting_step */
	SCOPE_ROUTE,	/* struct route_settings */
	SCOPE_PUSH,	/* struct push_settings */
	OPTION_SCOPES,
};

/* Up to OPTION_CHOICE a value is read and done with; the others point at the text they came from.
 */
enum option_type {
	OPTION_FLAG,	 /* bool */
	OPTION_NUMBER,	 /* an unsigned integer of the member's size */
	OPTION_SHARE,	 /* double */
	OPTION_DURATION, /* uint64_t, microseconds */
	OPTION_SIZE,	 /* uint64_t, bytes */
	OPTION_CHOICE,	 /* an enum or bool: the position in choices */
	OPTION_TEXT,	 /* const char *; an empty text is NULL */
	OPTION_NAME,	 /* const char *; letters, digits and . _ - : [ ] */
	OPTION_TOKEN,	 /* const char *; a token of RFC 9110, empty is NULL */
	OPTION_FILE, /* const char *; relative to the folder of the configuration; it is there */
	OPTION_PATH, /* the same, of a file that need not be there; empty is NULL */
	OPTION_URL_PATH, /* const char * */
	OPTION_POINTER,	 /* const char *; a JSON pointer, checked by the envelope */
	OPTION_JSON,	 /* const char *; a JSON text */
	OPTION_ADDRESS,	 /* struct address */
	OPTION_URL,	 /* the members of struct endpoint_settings that a URL holds */
	OPTION_TOKENS,	 /* struct token_set, read from a file */
	OPTION_KEYS,	 /* struct jwk_set, read from a file */
	OPTION_POOL,	 /* nothing: the checks find its index, once all pools are known */
	OPTION_ACTION,	 /* enum route_action: min, when true */
	OPTION_OBJECT,	 /* json_t *, an object */
	OPTION_VALUE,	 /* json_t *, any value */
	OPTION_ERROR,	 /* envelope.error: a pointer, or one and its value */
	OPTION_SHARING,	 /* struct cache_scope_setting: a word of choices, or JSON pointers */
	OPTION_TEXTS,	 /* const char ** and its count */
	OPTION_HEADERS,	 /* struct header_setting * and its count */
	OPTION_REDIS,	 /* struct bus_settings: a URL or several, and their count */
	OPTION_LIST,	 /* an array of the structs of scope `items`, and its count */
	OPTION_TYPES,
};

struct option {
	enum option_scope scope;
	const char *path; /* within its scope: "queue.age" */
	enum option_type type;
	const char *fallback; /* the default, as it would be written; NULL: absent */
	uint64_t min;	      /* numbers, durations (us), sizes (bytes), entries of a list */
	uint64_t max;
	const char *const *choices; /* NULL-terminated */
	size_t offset;
	size_t size; /* of the member; 0: nothing is stored */
	size_t count_offset;
	enum option_scope items;
	bool required;
	bool zero;	/* 0 is allowed besides the range: off */
	bool secret;	/* never shown, in errors either */
	bool restart;	/* a change takes effect with the next start only */
	bool shorthand; /* an entry that is a plain scalar is this option of it */
	const char *help;
};

struct option_scope_info {
	const char *prefix; /* "pools[].endpoints[]." */
	size_t size;
};

extern const struct option options[];
extern const size_t option_count;
extern const struct option_scope_info option_scopes[OPTION_SCOPES];

/* What a value of this type looks like, to follow "expected": "a duration such as 250ms". */
const char *option_expected(const struct option *option);
/* Whether a value of it is one text, which may be set by itself. */
bool option_is_scalar(const struct option *option);
/* One word for the reference: "duration". */
const char *option_type_name(enum option_type type);

#define OPTION_RANGE_MAX 96
/* "1 to 1000", "0 or 100ms to 1h", or "" where there is no range. */
void option_range(const struct option *option, char text[OPTION_RANGE_MAX]);

#endif
