/* broker/console/pages.h: answers of the admin API as pages for people. Pure. What a broker of
 * another version leaves out is shown as "-". */
#ifndef WSB_BROKER_CONSOLE_PAGES_H
#define WSB_BROKER_CONSOLE_PAGES_H

#include <jansson.h>
#include "common/strbuf.h"

void page_status(const json_t *status, struct strbuf *out);
void page_pools(const json_t *pools, struct strbuf *out);
void page_endpoints(const json_t *endpoints, struct strbuf *out);
void page_clients(const json_t *clients, struct strbuf *out);
void page_brokers(const json_t *brokers, struct strbuf *out);
void page_connections(const json_t *connections, struct strbuf *out);

#endif
