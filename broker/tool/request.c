#include "broker/tool/request.h"

#include <string.h>
#include "broker/tool/workload.h"

enum wsb_err request_init(struct request *request, const char *method, const char *params,
			  bool keys, bool explain)
{
	strbuf_init(&request->method);
	strbuf_init(&request->params);
	strbuf_init(&request->expanded);
	strbuf_text(&request->method, ",\"method\":");
	strbuf_json(&request->method, span_text(method));
	if (params) {
		strbuf_text(&request->method, ",\"params\":");
		strbuf_text(&request->params, params);
	}
	request->keyed = keys && params && strstr(params, TEMPLATE_KEY);
	request->explain = explain;
	if (!request->method.failed && !request->params.failed)
		return WSB_OK;
	request_fini(request);
	return WSB_ENOMEM;
}

void request_fini(struct request *request)
{
	strbuf_fini(&request->method);
	strbuf_fini(&request->params);
	strbuf_fini(&request->expanded);
}

enum wsb_err request_pieces(struct request *request, uint64_t id, uint64_t key,
			    struct span pieces[REQUEST_PIECES])
{
	struct span params = strbuf_span(&request->params);

	if (request->keyed) {
		strbuf_clear(&request->expanded);
		template_expand(params, key, &request->expanded);
		if (request->expanded.failed)
			return WSB_ENOMEM;
		params = strbuf_span(&request->expanded);
	}
	pieces[0] = span_text("{\"jsonrpc\":\"2.0\",\"id\":");
	pieces[1] = span_of(request->id, own_id_write(ID_INTEGER, ENCODING_JSON, id, request->id));
	pieces[2] = strbuf_span(&request->method);
	pieces[3] = params;
	pieces[4] = span_text(request->explain ? ",\"wsbroker\":{\"explain\":true}}" : "}");
	return WSB_OK;
}
