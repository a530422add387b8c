/* broker/admin/reads.h: what the admin API shows. Each fills the exchange's response. */
#ifndef WSB_BROKER_ADMIN_READS_H
#define WSB_BROKER_ADMIN_READS_H

#include "broker/admin/routes.h"

void read_livez(struct admin_exchange *exchange);
void read_readyz(struct admin_exchange *exchange);
void read_metrics(struct admin_exchange *exchange);
void read_status(struct admin_exchange *exchange);
void read_brokers(struct admin_exchange *exchange);
void read_pools(struct admin_exchange *exchange);
void read_pool(struct admin_exchange *exchange);
void read_endpoints(struct admin_exchange *exchange);
void read_all_endpoints(struct admin_exchange *exchange);
void read_endpoint(struct admin_exchange *exchange);
void read_connections(struct admin_exchange *exchange);
void read_clients(struct admin_exchange *exchange);
void read_client(struct admin_exchange *exchange);

/* In reads_cache.c. */
void read_cache(struct admin_exchange *exchange);
void read_cache_entries(struct admin_exchange *exchange);

/* In reads_past.c. */
void read_events(struct admin_exchange *exchange);
void read_invalidations(struct admin_exchange *exchange);
void read_requests(struct admin_exchange *exchange);
void read_operations(struct admin_exchange *exchange);
void read_operation(struct admin_exchange *exchange);

/* In reads_config.c. */
void read_config(struct admin_exchange *exchange);
void read_config_diff(struct admin_exchange *exchange);

#endif
