#include "broker/control/credentials.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct span credentials_bearer(struct span authorization)
{
	if (!authorization.at || authorization.len < 7 ||
	    strncasecmp(authorization.at, "Bearer ", 7) != 0)
		return span_of(NULL, 0);
	return span_of(authorization.at + 7, authorization.len - 7);
}

/* Takes the same time wherever the difference is. */
static bool is_same_secret(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *left = a;
	const volatile unsigned char *right = b;
	unsigned char difference = 0;

	for (size_t i = 0; i < len; i++)
		difference = (unsigned char)(difference | (left[i] ^ right[i]));
	return difference == 0;
}

const struct token *credentials_find(const struct token_set *set, struct span secret,
				     void (*sha256)(struct span secret, uint8_t digest[32]))
{
	uint8_t digest[32] = {0};

	if (sha256)
		sha256(secret, digest);
	for (size_t i = 0; i < set->count; i++) {
		const struct token *token = &set->tokens[i];

		if (token->secret ? strlen(token->secret) == secret.len &&
					    is_same_secret(token->secret, secret.at, secret.len)
				  : sha256 && is_same_secret(token->sha256, digest, sizeof(digest)))
			return token;
	}
	return NULL;
}
