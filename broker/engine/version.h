/* broker/engine/version.h: what this build calls itself; the build defines WSBROKER_VERSION. */
#ifndef WSB_BROKER_ENGINE_VERSION_H
#define WSB_BROKER_ENGINE_VERSION_H

#ifndef WSBROKER_VERSION
#error "the build must define WSBROKER_VERSION"
#endif

#endif
