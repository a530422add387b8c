#include "broker/session/jwt.h"

#include <jansson.h>
#include <string.h>
#include "common/base64url.h"
#include "common/clock.h"

/* Unix times beyond this are as good as never, and fit every integer. */
#define TIME_MAX_S UINT64_C(100000000000)

static json_t *read_object(struct span text)
{
	json_t *tree = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(tree))
		return tree;
	json_decref(tree);
	return NULL;
}

/* A text member that fits, terminated. False: another type, too long, or with control characters;
 * *out is untouched then, and also when there is no such member. */
static bool copy_text(const json_t *object, const char *name, char *out, size_t size)
{
	const json_t *value = json_object_get(object, name);
	size_t len = json_string_length(value);
	const char *text = json_string_value(value);

	if (!value)
		return true;
	if (!text || len >= size)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	}
	memcpy(out, text, len + 1);
	return true;
}

/* Takes what stands before the next point off *rest. */
static bool take_part(struct span *rest, struct span *part)
{
	const char *point = memchr(rest->at, '.', rest->len);

	if (!point)
		return false;
	*part = span_of(rest->at, (size_t)(point - rest->at));
	*rest = span_of(point + 1, rest->len - part->len - 1);
	return true;
}

static bool split(struct span token, struct span parts[3])
{
	parts[2] = token;
	return token.at && take_part(&parts[2], &parts[0]) && take_part(&parts[2], &parts[1]) &&
	       !memchr(parts[2].at, '.', parts[2].len);
}

/* Decodes a part behind what room holds already. */
static bool decode(struct jwt *jwt, struct span part, size_t *used, struct span *out)
{
	uint8_t *at = jwt->room + *used;
	size_t len;

	if (base64url_decode(part, at, &len))
		return false;
	*out = span_of((const char *)at, len);
	*used += len;
	return true;
}

static const char *read_header(struct jwt *jwt, struct span text)
{
	json_t *header = read_object(text);
	const json_t *name = json_object_get(header, "alg");
	const char *problem = NULL;

	jwt->id[0] = '\0';
	if (!header)
		problem = "the token's header is not a JSON object";
	else if (!json_is_string(name) ||
		 !jwt_algorithm_find(span_of(json_string_value(name), json_string_length(name)),
				     &jwt->algorithm))
		problem = "the token is signed with no algorithm that is taken";
	else if (json_object_get(header, "crit"))
		problem = "the token has an extension that is not known";
	else if (!copy_text(header, "kid", jwt->id, sizeof(jwt->id)))
		problem = "the token's kid is not a text of at most 255 bytes";
	json_decref(header);
	return problem;
}

const char *jwt_read(struct jwt *jwt, struct span token)
{
	struct span parts[3];
	struct span header;
	size_t used = 0;

	if (token.len > JWT_BYTES_MAX)
		return "the token is longer than 8192 bytes";
	if (!split(token, parts))
		return "this token is not known";
	if (!decode(jwt, parts[0], &used, &header) || !decode(jwt, parts[1], &used, &jwt->claims) ||
	    !decode(jwt, parts[2], &used, &jwt->signature))
		return "a part of the token is not base64url";
	jwt->signed_text = span_of(token.at, parts[0].len + 1 + parts[1].len);
	return read_header(jwt, header);
}

const char *jwt_prove(const struct jwt *jwt, const struct jwk_set *keys, jwt_verify *verify)
{
	bool any = false;

	for (size_t i = 0; i < keys->count; i++) {
		const struct jwk *key = &keys->keys[i];

		if (!jwk_fits(key, jwt->algorithm) ||
		    (jwt->id[0] && key->id && strcmp(jwt->id, key->id) != 0))
			continue;
		any = true;
		if (verify(key, jwt->algorithm, jwt->signed_text, jwt->signature))
			return NULL;
	}
	return any ? "the token's signature is wrong" : "no key fits the token's kid and algorithm";
}

/* NumericDate may have a fraction, which is cut off. False: no number, or before 1970. */
static bool read_time(const json_t *value, uint64_t *out)
{
	double seconds = json_number_value(value);

	if (!json_is_number(value) || !(seconds >= 0))
		return false;
	*out = seconds < (double)TIME_MAX_S ? (uint64_t)seconds : TIME_MAX_S;
	return true;
}

static const char *judge_times(const json_t *claims, uint64_t now_s, uint64_t *expires_s)
{
	const json_t *not_before = json_object_get(claims, "nbf");
	uint64_t from_s = 0;

	if (!read_time(json_object_get(claims, "exp"), expires_s))
		return "the token has no time of expiry";
	if (not_before && !read_time(not_before, &from_s))
		return "the token's nbf is no time";
	if (now_s >= *expires_s + JWT_LEEWAY_S)
		return "the token has expired";
	return now_s + JWT_LEEWAY_S < from_s ? "the token does not hold yet" : NULL;
}

static bool names(const json_t *value, const char *text)
{
	return json_is_string(value) && strlen(text) == json_string_length(value) &&
	       strcmp(json_string_value(value), text) == 0;
}

static bool is_for(const json_t *audience, const char *text)
{
	if (names(audience, text))
		return true;
	for (size_t i = 0; i < json_array_size(audience); i++) {
		if (names(json_array_get(audience, i), text))
			return true;
	}
	return false;
}

static const char *judge(const json_t *claims, const struct jwt_rules *rules, uint64_t now_s,
			 struct jwt_claims *out)
{
	const char *problem;

	if (!claims)
		return "the token's claims are not a JSON object";
	problem = judge_times(claims, now_s, &out->expires_s);
	if (problem)
		return problem;
	if (!is_for(json_object_get(claims, "aud"), rules->audience))
		return "the token is for another audience";
	if (rules->issuer && !names(json_object_get(claims, "iss"), rules->issuer))
		return "the token is by another issuer";
	if (!copy_text(claims, "sub", out->subject, sizeof(out->subject)))
		return "the token's sub is not a text of at most 255 bytes";
	if (!copy_text(claims, "role", out->role, sizeof(out->role)))
		out->role[0] = '\0';
	return NULL;
}

const char *jwt_judge(const struct jwt *jwt, const struct jwt_rules *rules, uint64_t wall_us,
		      struct jwt_claims *out)
{
	json_t *claims = read_object(jwt->claims);
	const char *problem;

	*out = (struct jwt_claims){0};
	problem = judge(claims, rules, wall_us / US_PER_S, out);
	json_decref(claims);
	return problem;
}

uint64_t jwt_holds_us(const struct jwt_claims *claims, uint64_t wall_us)
{
	uint64_t until_us = claims->expires_s * US_PER_S;

	if (until_us <= wall_us)
		until_us += JWT_LEEWAY_S * US_PER_S;
	return until_us > wall_us ? until_us - wall_us : 1;
}
