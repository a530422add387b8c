#include "broker/io/tls.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include "broker/io/resolver.h"
#include "broker/io/signature.h"

/* Everything is shown at once: each file that cannot be used gets a line of its own. */
static void complain(struct strbuf *errors, const char *file, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	strbuf_printf(errors, "%s: %s: %s\n", file, what, reason ? reason : "not readable");
	ERR_clear_error();
}

static void load_pair(SSL_CTX *context, const char *certificate, const char *key,
		      struct strbuf *errors)
{
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		complain(errors, certificate, "no certificate");
	else if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		complain(errors, key, "no key for the certificate");
	else if (SSL_CTX_check_private_key(context) != 1)
		complain(errors, key, "not the key of the certificate");
}

static void load_authorities(SSL_CTX *context, const char *file, struct strbuf *errors)
{
	if (SSL_CTX_load_verify_file(context, file) != 1)
		complain(errors, file, "no certificate of an authority");
}

/* An HTTP/1.1 upgrade is all that is spoken here: whoever names protocols and not this one would be
 * understood as something else (RFC 7301, section 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			   const unsigned char *offered, unsigned int offered_len, void *context)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static void harden(SSL_CTX *context)
{
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	/* A WebSocket has a goodbye of its own: who leaves without TLS's has merely left. */
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* What was taken must be known, not only that all was: the rest can move elsewhere. */
	SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
}

static void dress_server(SSL_CTX *context, const struct listener_tls_settings *settings,
			 struct strbuf *errors)
{
	static const unsigned char session_id[] = "wsbroker";

	harden(context);
	load_pair(context, settings->certificate, settings->key, errors);
	if (settings->client_ca) {
		load_authorities(context, settings->client_ca, errors);
		SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(settings->client_ca));
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				   NULL);
		ERR_clear_error();
	}
	/* Peers resume with tickets, which cost no memory here. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(context, session_id, sizeof(session_id) - 1);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
}

static void dress_client(SSL_CTX *context, const struct pool_tls_settings *settings,
			 struct strbuf *errors)
{
	harden(context);
	if (settings->ca)
		load_authorities(context, settings->ca, errors);
	else
		SSL_CTX_set_default_verify_paths(context);
	if (settings->certificate)
		load_pair(context, settings->certificate, settings->key, errors);
	ERR_clear_error();
}

static bool uses_tls(const struct pool_settings *pool)
{
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		if (pool->endpoints[i].tls)
			return true;
	}
	return pool->tls.ca || pool->tls.certificate;
}

enum wsb_err tls_prepare(const struct config *config, struct strbuf *errors)
{
	size_t before = errors->len;

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener_tls_settings *settings = &config->listeners[i].tls;
		void *context;

		if (settings->certificate &&
		    tls_server_create(&context, settings, errors) == WSB_OK)
			tls_context_destroy(context);
	}
	for (size_t i = 0; i < config->pool_count; i++) {
		void *context;

		if (uses_tls(&config->pools[i]) &&
		    tls_client_create(&context, &config->pools[i].tls, errors) == WSB_OK)
			tls_context_destroy(context);
	}
	signature_prepare(config, errors);
	return errors->len == before ? WSB_OK : WSB_EINVAL;
}

static enum wsb_err keep_flawless(void **out, SSL_CTX *context, bool flawless)
{
	if (!flawless) {
		SSL_CTX_free(context);
		return WSB_EINVAL;
	}
	*out = context;
	return WSB_OK;
}

enum wsb_err tls_client_create(void **out, const struct pool_tls_settings *settings,
			       struct strbuf *errors)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	size_t before = errors->len;

	*out = NULL;
	if (!context)
		return WSB_ENOMEM;
	dress_client(context, settings, errors);
	return keep_flawless(out, context, errors->len == before);
}

enum wsb_err tls_server_create(void **out, const struct listener_tls_settings *settings,
			       struct strbuf *errors)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	size_t before = errors->len;

	*out = NULL;
	if (!context)
		return WSB_ENOMEM;
	dress_server(context, settings, errors);
	return keep_flawless(out, context, errors->len == before);
}

void *tls_context_hold(void *ssl_context)
{
	if (ssl_context)
		SSL_CTX_up_ref(ssl_context);
	return ssl_context;
}

void tls_context_destroy(void *ssl_context)
{
	SSL_CTX_free(ssl_context);
}

/* Of this name or address only. A name in a certificate may begin with a star, but not hold one
 * in the middle of a label. */
static bool bind_host(SSL *ssl, const char *host)
{
	if (resolver_is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1;
}

enum wsb_err tls_client_session(SSL **out, void *ssl_context, int fd, const char *host, bool verify)
{
	static const unsigned char protocols[] = "\x08http/1.1";
	SSL *ssl = SSL_new(ssl_context);

	*out = NULL;
	if (!ssl)
		return WSB_ENOMEM;
	SSL_set_verify(ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (SSL_set_fd(ssl, fd) != 1 ||
	    SSL_set_alpn_protos(ssl, protocols, sizeof(protocols) - 1) != 0) {
		SSL_free(ssl);
		return WSB_ENOMEM;
	}
	if (host && ((!resolver_is_address(host) && SSL_set_tlsext_host_name(ssl, host) != 1) ||
		     (verify && !bind_host(ssl, host)))) {
		SSL_free(ssl);
		return WSB_EINVAL;
	}
	SSL_set_connect_state(ssl);
	*out = ssl;
	return WSB_OK;
}

enum wsb_err tls_server_session(SSL **out, void *ssl_context, int fd)
{
	SSL *ssl = SSL_new(ssl_context);

	*out = NULL;
	if (!ssl)
		return WSB_ENOMEM;
	if (SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return WSB_ENOMEM;
	}
	SSL_set_accept_state(ssl);
	*out = ssl;
	return WSB_OK;
}

void tls_complaint(const SSL *ssl, char *text, size_t size)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	long verdict = SSL_get_verify_result(ssl);

	if (verdict != X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE)
		snprintf(text, size, "the certificate was refused: %s",
			 X509_verify_cert_error_string(verdict));
	else
		snprintf(text, size, "%s", reason ? reason : "the peer hung up");
	ERR_clear_error();
}

void tls_sha256(struct span bytes, uint8_t digest[32])
{
	int done =
		EVP_Digest(bytes.at ? bytes.at : "", bytes.len, digest, NULL, EVP_sha256(), NULL);

	assert(done == 1);
	(void)done;
}
