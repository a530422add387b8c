/* broker/io/signature.h: the arithmetic of signatures, by OpenSSL. */
#ifndef WSB_BROKER_IO_SIGNATURE_H
#define WSB_BROKER_IO_SIGNATURE_H

#include <stdbool.h>
#include "broker/control/config.h"
#include "common/span.h"
#include "common/strbuf.h"

/* For admission: whether a signature (RFC 7518, RFC 8037) is by this key, which fits the algorithm.
 * False also when there is no memory. */
bool signature_is_right(const struct jwk *key, enum jwt_algorithm algorithm,
			struct span signed_text, struct span signature);

/* Builds every key of the configuration once: each that is none, such as a point beside its curve,
 * is a line "FILE: message" in errors. */
void signature_prepare(const struct config *config, struct strbuf *errors);

#endif
