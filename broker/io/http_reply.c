#include "broker/io/http_reply.h"

struct status_text {
	int status;
	const char *text;
};

static const struct status_text status_texts[] = {
	{200, "OK"},
	{202, "Accepted"},
	{204, "No Content"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{426, "Upgrade Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

static const char *text_of(int status)
{
	for (size_t i = 0; i < sizeof(status_texts) / sizeof(status_texts[0]); i++) {
		if (status_texts[i].status == status)
			return status_texts[i].text;
	}
	return "Status";
}

void http_reply_write(const struct http_reply *reply, struct strbuf *out)
{
	strbuf_printf(out, "HTTP/1.1 %d %s\r\n", reply->status, text_of(reply->status));
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
	strbuf_json(out, span_text(title ? title : text_of(status)));
	strbuf_printf(out, ",\"status\":%d", status);
	if (detail && detail[0]) {
		strbuf_text(out, ",\"detail\":");
		strbuf_json(out, span_text(detail));
	}
	strbuf_text(out, "}\n");
}
