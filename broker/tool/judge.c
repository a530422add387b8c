#include "broker/tool/judge.h"

#include "broker/tool/tree.h"

enum wsb_err judge_init(struct judge *judge, struct outstanding *outstanding,
			struct expectation *expectation, struct tally *tally)
{
	char why[128];

	*judge = (struct judge){
		.outstanding = outstanding,
		.expectation = expectation,
		.tally = tally,
	};
	return envelope_create(&judge->envelope, NULL, why, sizeof(why));
}

void judge_fini(struct judge *judge)
{
	envelope_destroy(judge->envelope);
}

int64_t error_code(struct span error)
{
	json_t *tree = tree_of(error);
	int64_t code = json_integer_value(json_object_get(tree, "code"));

	json_decref(tree);
	return code;
}

static void count_answer(struct judge *judge, const struct open_request *request,
			 const struct message *message, uint64_t now_us)
{
	struct tally *tally = judge->tally;

	tally_answer(tally, now_us > request->due_us ? now_us - request->due_us : 0,
		     request->measured);
	if (message->failed)
		tally_error(tally, error_code(message->error), request->measured);
	else if (!message->result.at)
		tally_wrong(tally, WRONG_FORM, message->text);
	else if (!expectation_met(judge->expectation, request->key, message->result))
		tally_wrong(tally, WRONG_CONTENT, message->text);
}

bool judge_message(struct judge *judge, uint32_t connection, bool binary, struct span text,
		   uint64_t now_us)
{
	struct open_request *request = NULL;
	struct message message;
	uint64_t id;

	if (encoding_of_frame(binary, text) != ENCODING_JSON ||
	    envelope_scan(judge->envelope, FROM_UPSTREAM, ENCODING_JSON, text, &message) ||
	    message.batch || message.flaw != FLAW_NONE) {
		tally_wrong(judge->tally, WRONG_FORM, text);
		return false;
	}
	if (message.method.at)
		return false;
	if (!own_id_read(ID_INTEGER, ENCODING_JSON, message.id, &id)) {
		tally_wrong(judge->tally, message.id.at ? WRONG_ID : WRONG_FORM, text);
		return false;
	}
	switch (outstanding_take(judge->outstanding, connection, id, &request)) {
	case OUTSTANDING_TAKEN:
		count_answer(judge, request, &message, now_us);
		return true;
	case OUTSTANDING_TWICE:
		tally_wrong(judge->tally, WRONG_TWICE, text);
		return false;
	case OUTSTANDING_FOREIGN:
		tally_wrong(judge->tally, WRONG_ID, text);
		return false;
	}
	return false;
}
