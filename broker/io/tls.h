/* broker/io/tls.h: certificates, keys and authorities: checked before anything is built on them. */
#ifndef WSB_BROKER_IO_TLS_H
#define WSB_BROKER_IO_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/control/config.h"
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

/* Loads every certificate, key and authority that config names into scratch contexts, and builds
 * the keys of tokens. WSB_EINVAL: each that cannot be used is a line "FILE: message" in errors. */
enum wsb_err tls_prepare(const struct config *config, struct strbuf *errors) WSB_CHECKED;

/* An OpenSSL context for the upstreams of a pool, or for the clients of a listener, whose settings
 * name a certificate. Destroyed by the caller; sessions keep what they need of it. WSB_EINVAL:
 * errors says why. */
enum wsb_err tls_client_create(void **out, const struct pool_tls_settings *settings,
			       struct strbuf *errors) WSB_CHECKED;
enum wsb_err tls_server_create(void **out, const struct listener_tls_settings *settings,
			       struct strbuf *errors) WSB_CHECKED;
void tls_context_destroy(void *ssl_context); /* NULL is allowed */
/* For one who may need it after its owner has let it go: gives it back by tls_context_destroy. NULL
 * is allowed. */
void *tls_context_hold(void *ssl_context);

/* A TLS session on a connected descriptor, whose handshake is the caller's to drive and which the
 * caller frees. host is the peer's name or address: asked for by SNI when it is a name, NULL for
 * neither; with verify its certificate must be valid for it. WSB_ENOMEM, WSB_EINVAL: no certificate
 * can be for such a host. */
enum wsb_err tls_client_session(SSL **out, void *ssl_context, int fd, const char *host,
				bool verify) WSB_CHECKED;

/* The same for a descriptor that was accepted. WSB_ENOMEM. */
enum wsb_err tls_server_session(SSL **out, void *ssl_context, int fd) WSB_CHECKED;

/* Why a handshake or a session has failed, for people: the verdict on the certificate, or what
 * OpenSSL says first. Takes the errors off OpenSSL's queue. */
void tls_complaint(const SSL *ssl, char *text, size_t size);

/* For admission: tokens of which only the hash is known. */
void tls_sha256(struct span bytes, uint8_t digest[32]);

#endif
