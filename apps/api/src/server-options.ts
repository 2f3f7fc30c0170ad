import type { FastifyHttpOptions, RawServerDefault } from 'fastify'

/**
 * Bounds on what one client may hold of the server. Node's and Fastify's defaults leave several of these open
 * (`requestTimeout` and `connectionTimeout` default to 0: never).
 */
export const BODY_LIMIT_BYTES = 16 * 1_024

/** What a PATCH takes, as `Accept-Patch` tells it (RFC 5789). */
export const PATCH_MEDIA_TYPES = 'application/json, application/merge-patch+json'

export const serverOptions: FastifyHttpOptions<RawServerDefault> = {
  bodyLimit: BODY_LIMIT_BYTES,
  /** Whole request, headers and body, from its first byte. */
  requestTimeout: 15_000,
  /** Silence on a socket while a request is under way. */
  connectionTimeout: 30_000,
  /** Silence between two requests: longer than the 60 s of common load balancers, so that they close first. */
  keepAliveTimeout: 72_000,
  http: {
    headersTimeout: 10_000,
    maxHeaderSize: 16 * 1_024,
    /** Node would answer a missing one with a bare 400: we do it ourselves, in words. */
    requireHostHeader: false,
    /** How often Node looks for requests that ran over the two timeouts above. */
    connectionsCheckingInterval: 2_000,
  },
  forceCloseConnections: 'idle',
  // Requests that slip in while closing are answered like any other, and their connection is closed after it.
  return503OnClosing: false,
  // The peer's address is the connection's: no header can change it.
  trustProxy: false,
  routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1_024 },
  ajv: {
    // Fastify's defaults would accept "4", null and true for a number, and drop unknown fields.
    customOptions: {
      coerceTypes: false,
      removeAdditional: false,
      useDefaults: false,
      allErrors: true,
      // What validation-problem.ts makes words of.
      keywords: ['wording', 'noun', 'alternatives'],
    },
  },
}
