#include "common/err.h"

const char *wsb_err_text(enum wsb_err err)
{
	switch (err) {
	case WSB_OK:
		return "ok";
	case WSB_EINVAL:
		return "invalid argument";
	case WSB_ENOMEM:
		return "out of memory";
	case WSB_ELIMIT:
		return "limit reached";
	case WSB_EUNAVAIL:
		return "unavailable";
	case WSB_EPARSE:
		return "not well-formed";
	case WSB_ENOENT:
		return "not found";
	case WSB_EEXIST:
		return "exists already";
	case WSB_EIO:
		return "input or output failed";
	case WSB_EDENIED:
		return "not permitted";
	case WSB_ETIMEOUT:
		return "timed out";
	}
	return "unknown error";
}
