import { isUtf8 } from 'node:buffer'
import { errorCodes } from 'fastify'
import type { App } from '../app.ts'

/**
 * `application/json`, with any parameters but a charset other than UTF-8: JSON has no other (RFC 8259). Matched against
 * what Fastify makes of the header: lower case, one space after each semicolon, values in quotes.
 */
const JSON_IN_UTF8 = /^application\/json(?:; (?!charset=)[^;]*|; charset="utf-?8")*$/i

/**
 * Accepts bodies that are JSON in UTF-8, and nothing else (no text/plain, which Fastify has by default).
 *
 * Plain `JSON.parse`: a `__proto__` key becomes an ordinary property, which the schemas refuse as an unknown field.
 */
export function acceptJsonOnly(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(JSON_IN_UTF8, { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    if (body.length === 0) return done(new errorCodes.FST_ERR_CTP_EMPTY_JSON_BODY())
    if (!isUtf8(body)) return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY())
    try {
      done(null, JSON.parse(body.toString()))
    } catch {
      done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY())
    }
  })
}
