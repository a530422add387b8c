/* common/http_status.h: the words behind the numbers of HTTP (RFC 9110, RFC 6585). */
#ifndef WSB_COMMON_HTTP_STATUS_H
#define WSB_COMMON_HTTP_STATUS_H

/* "Not Found"; a constant. "Status" for a number that the broker never answers with. */
const char *http_status_text(int status);

#endif
