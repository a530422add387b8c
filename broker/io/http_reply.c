#include "broker/io/http_reply.h"

#include "common/http_status.h"

void http_reply_write(const struct http_reply *reply, struct strbuf *out)
{
	strbuf_printf(out, "HTTP/1.1 %d %s\r\n", reply->status, http_status_text(reply->status));
	if (reply->content_type)
		strbuf_printf(out, "Content-Type: %s\r\n", reply->content_type);
	if (reply->status != 204 && !reply->endless)
		strbuf_printf(out, "Content-Length: %zu\r\n", reply->body.len);
	if (reply->retry_after_s > 0)
		strbuf_printf(out, "Retry-After: %u\r\n", reply->retry_after_s);
	if (reply->allow)
		strbuf_printf(out, "Allow: %s\r\n", reply->allow);
	if (reply->extra)
		strbuf_text(out, reply->extra);
	if (reply->close)
		strbuf_text(out, "Connection: close\r\n");
	strbuf_text(out, "\r\n");
	if (!reply->head_only && reply->status != 204)
		strbuf_add(out, reply->body);
}

void http_problem_write(int status, const char *title, const char *detail, struct strbuf *out)
{
	strbuf_text(out, "{\"type\":\"about:blank\",\"title\":");
	strbuf_json(out, span_text(title ? title : http_status_text(status)));
	strbuf_printf(out, ",\"status\":%d", status);
	if (detail && detail[0]) {
		strbuf_text(out, ",\"detail\":");
		strbuf_json(out, span_text(detail));
	}
	strbuf_text(out, "}\n");
}
