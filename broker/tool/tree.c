#include "broker/tool/tree.h"

json_t *tree_of(struct span text)
{
	const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
	json_t *tree = json_loadb(text.at, text.len, flags, NULL);

	return tree ? tree : json_loadb(text.at, text.len, flags | JSON_DECODE_INT_AS_REAL, NULL);
}
