import type { FastifyInstance } from 'fastify'

/** Everything comes from this server, nothing may frame it, and no form leaves it. Styles are inline in Bull Board. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** Bull Board's page asks Google for its fonts: operators' browsers need not tell Google that it is looked at. */
const FOREIGN_STYLES = /<link\b[^>]*\bhref="https?:\/\/[^>]*>/g

/** Adds security headers to every answer, and takes what comes from other servers out of pages. */
export function securePages(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    reply.headers(HEADERS)
    if (!request.url.startsWith('/static/')) reply.header('cache-control', 'no-store')
    const isPage = String(reply.getHeader('content-type')).startsWith('text/html')
    if (!isPage || typeof payload !== 'string') return payload
    const page = payload.replace(FOREIGN_STYLES, '')
    reply.header('content-length', Buffer.byteLength(page))
    return page
  })
}
