/* common/err.h: the results that fallible functions return.
 * Answers travel through out-parameters, which an error leaves untouched or NULL. */
#ifndef WSB_COMMON_ERR_H
#define WSB_COMMON_ERR_H

enum wsb_err {
	WSB_OK = 0,
	WSB_EINVAL,   /* an argument or a piece of input is not what it must be */
	WSB_ENOMEM,   /* memory could not be had */
	WSB_ELIMIT,   /* a configured bound would be passed */
	WSB_EUNAVAIL, /* nobody can serve this now */
	WSB_EPARSE,   /* text or bytes are not well-formed */
	WSB_ENOENT,   /* no such thing */
	WSB_EEXIST,   /* there is one already */
	WSB_EIO,      /* the operating system or a peer refused */
	WSB_EDENIED,  /* not permitted */
	WSB_ETIMEOUT, /* the deadline passed */
};

#define WSB_CHECKED __attribute__((warn_unused_result))

/* What goes wrong, or happens once in a while. Whatever leads to a call of it alone is laid apart
 * by the compiler, so that what each message needs stands close together in memory. */
#define WSB_RARE __attribute__((cold))

/* A short lower-case English phrase; never NULL. */
const char *wsb_err_text(enum wsb_err err);

#endif
