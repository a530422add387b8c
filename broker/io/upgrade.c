#include "broker/io/upgrade.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>
#include "broker/io/http_text.h"

#define KEY_BYTES  (UPGRADE_KEY_LEN + 1) /* with its end */
#define SHA1_BYTES 20
#define VERSION	   "HTTP/1."

#define SWITCHING_PROTOCOLS 101

void upgrade_init(struct upgrade *upgrade)
{
	*upgrade = (struct upgrade){0};
	strbuf_init(&upgrade->request);
	strbuf_init(&upgrade->answer);
}

void upgrade_end(struct upgrade *upgrade)
{
	strbuf_fini(&upgrade->request);
	strbuf_fini(&upgrade->answer);
	upgrade_init(upgrade);
}

/* RFC 6455, section 4.2.2: proves that the server has understood the key. */
static void write_accept(struct span key, char accept[UPGRADE_ACCEPT_BYTES])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char digest[SHA1_BYTES];
	char text[KEY_BYTES + sizeof(guid)];
	int done;

	assert(key.len < KEY_BYTES);
	memcpy(text, key.at, key.len);
	memcpy(text + key.len, guid, sizeof(guid) - 1);
	done = EVP_Digest(text, key.len + sizeof(guid) - 1, digest, NULL, EVP_sha1(), NULL);

	assert(done == 1);
	(void)done;
	EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest));
}

enum wsb_err upgrade_begin(struct upgrade *upgrade, const struct upgrade_request *request)
{
	struct strbuf *out = &upgrade->request;
	char key[KEY_BYTES];

	EVP_EncodeBlock((unsigned char *)key, request->nonce, sizeof(request->nonce));
	write_accept(span_text(key), upgrade->accept);
	upgrade->subprotocol = request->subprotocol;
	strbuf_printf(out,
		      "GET %s HTTP/1.1\r\n"
		      "Host: %s\r\n"
		      "Upgrade: websocket\r\n"
		      "Connection: Upgrade\r\n"
		      "Sec-WebSocket-Key: %s\r\n"
		      "Sec-WebSocket-Version: 13\r\n",
		      request->path, request->host, key);
	if (request->subprotocol)
		strbuf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", request->subprotocol);
	if (request->headers.at)
		strbuf_add(out, request->headers);
	strbuf_text(out, "\r\n");
	return out->failed ? WSB_ENOMEM : WSB_OK;
}

/* "HTTP/1.1 101 Switching Protocols"; 0 when it is nothing of the kind. */
unsigned int upgrade_read_status(struct span line)
{
	const size_t at = strlen(VERSION) + 2;
	unsigned int status = 0;

	if (line.len < at + 3 || !span_begins(line, VERSION) || line.at[at - 1] != ' ')
		return 0;
	for (size_t i = at; i < at + 3; i++) {
		if (line.at[i] < '0' || line.at[i] > '9')
			return 0;
		status = status * 10 + (unsigned int)(line.at[i] - '0');
	}
	return line.len == at + 3 || line.at[at + 3] == ' ' ? status : 0;
}

/* What a whole answer must have said. */
struct findings {
	bool upgrade;
	bool connection;
	bool accept;
	bool subprotocol;
};

/* What is wrong with one line of the head; NULL: nothing. */
static const char *read_header(const struct upgrade *upgrade, struct span line,
			       struct findings *found)
{
	struct span name, value;

	if (!http_split_header(line, &name, &value))
		return "a header that cannot be read";
	if (http_equals(name, "upgrade")) {
		found->upgrade = found->upgrade || http_lists(value, "websocket");
	} else if (http_equals(name, "connection")) {
		found->connection = found->connection || http_lists(value, "upgrade");
	} else if (http_equals(name, "sec-websocket-accept")) {
		if (found->accept || !span_is(value, upgrade->accept))
			return "Sec-WebSocket-Accept does not fit the key";
		found->accept = true;
	} else if (http_equals(name, "sec-websocket-extensions")) {
		return "an extension that was not offered";
	} else if (http_equals(name, "sec-websocket-protocol")) {
		if (found->subprotocol || !upgrade->subprotocol ||
		    !span_is(value, upgrade->subprotocol))
			return "a subprotocol that was not asked for";
		found->subprotocol = true;
	}
	return NULL;
}

static const char *read_headers(const struct upgrade *upgrade, struct span lines)
{
	struct findings found = {0};

	while (lines.len > 0) {
		struct span line = http_take_line(&lines);
		const char *fault = line.len > 0 ? read_header(upgrade, line, &found) : NULL;

		if (fault)
			return fault;
	}
	if (!found.upgrade || !found.connection)
		return "status 101, but no upgrade to WebSocket";
	return found.accept ? NULL : "Sec-WebSocket-Accept is missing";
}

static enum upgrade_verdict judge(const struct upgrade *upgrade, struct upgrade_refusal *refusal)
{
	struct span head = strbuf_span(&upgrade->answer);

	refusal->status = upgrade_read_status(http_take_line(&head));
	refusal->why = NULL;
	if (refusal->status == 0)
		refusal->why = "the answer to the upgrade is not HTTP/1.1";
	else if (refusal->status == SWITCHING_PROTOCOLS)
		refusal->why = read_headers(upgrade, head);
	return refusal->status == SWITCHING_PROTOCOLS && !refusal->why ? UPGRADE_ACCEPTED
								       : UPGRADE_REFUSED;
}

enum upgrade_verdict upgrade_take(struct upgrade *upgrade, struct span bytes, size_t *used,
				  struct upgrade_refusal *refusal)
{
	struct strbuf *answer = &upgrade->answer;
	size_t before = answer->len;
	size_t room = UPGRADE_HEAD_MAX - before;
	size_t len;

	strbuf_add(answer, span_of(bytes.at, bytes.len < room ? bytes.len : room));
	*refusal = (struct upgrade_refusal){.why = "no memory for the answer to the upgrade"};
	if (answer->failed)
		return UPGRADE_REFUSED;
	len = http_head_len(strbuf_span(answer), &upgrade->answer_seen);
	if (len == 0) {
		refusal->why = "the head of the answer to the upgrade is too long";
		*used = answer->len - before;
		return answer->len == UPGRADE_HEAD_MAX ? UPGRADE_REFUSED : UPGRADE_MORE;
	}
	answer->len = len;
	*used = answer->len - before;
	return judge(upgrade, refusal);
}

void upgrade_write_answer(struct strbuf *out, struct span key, const char *subprotocol,
			  const char *extension)
{
	char accept[UPGRADE_ACCEPT_BYTES];

	write_accept(key, accept);
	strbuf_printf(out,
		      "HTTP/1.1 101 Switching Protocols\r\n"
		      "Upgrade: websocket\r\n"
		      "Connection: Upgrade\r\n"
		      "Sec-WebSocket-Accept: %s\r\n",
		      accept);
	if (subprotocol)
		strbuf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", subprotocol);
	if (extension)
		strbuf_printf(out, "Sec-WebSocket-Extensions: %s\r\n", extension);
	strbuf_text(out, "\r\n");
}
