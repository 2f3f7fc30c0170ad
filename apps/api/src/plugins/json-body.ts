import { isUtf8 } from 'node:buffer'
import { finished, type Readable } from 'node:stream'
import { MAX_PAYLOAD_DEPTH, TimerError } from '@timers/core'
import { errorCodes, type FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { scanBody } from '../body-scan.ts'
import { parseItems } from '../item-list.ts'
import { problem } from '../problems/problem.ts'
import { ProblemError } from '../problems/problem-error.ts'
import { shortName } from '../problems/validation-problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route does without a body, also where a content type was given for it. */
    readonly bodyIsOptional?: boolean
    /** The body holds a list of so many items at most, each of which is read as a body by itself. */
    readonly itemList?: { readonly name: string; readonly most: number }
  }
}

/**
 * A media type with any parameters but a charset other than UTF-8: JSON has no other (RFC 8259). Matched against what
 * Fastify makes of the header: lower case, one space after each semicolon, values in quotes.
 */
function inUtf8(mediaType: string): RegExp {
  return new RegExp(`^${mediaType}(?:; (?!charset=)[^;]*|; charset="utf-?8")*$`, 'i')
}

const JSON_IN_UTF8 = inUtf8('application/json')
/** RFC 7396. A change is one in either type: what is absent stays, null takes away. */
const MERGE_PATCH_IN_UTF8 = inUtf8('application/merge-patch\\+json')

const UNSUPPORTED_CODING = problem(
  'UNSUPPORTED_CONTENT_ENCODING',
  'send the body as it is, without compression and without the header content-encoding',
)

/**
 * Accepts bodies that are JSON in UTF-8, or empty where a route does without, and nothing else (no text/plain, which
 * Fastify has by default).
 *
 * The member `payload` of a body stays JSON text; everything else becomes values. A name that stands twice is refused,
 * where `JSON.parse` would take the last. Plain `JSON.parse`: a `__proto__` key becomes an ordinary property, which the
 * schemas refuse as an unknown field.
 */
export function acceptJsonOnly(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(JSON_IN_UTF8, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      done(null, read(request, body))
    } catch (error) {
      done(error as Error)
    }
  })
  app.addContentTypeParser(MERGE_PATCH_IN_UTF8, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      if (request.method !== 'PATCH') throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()
      done(null, read(request, body))
    } catch (error) {
      done(error as Error)
    }
  })
  // Any other type, and none. No body is fine where a route does without one, whatever type was named for it: so does
  // `curl -d ''`, which says that it is a form.
  app.addContentTypeParser('*', async (request: FastifyRequest, body: Readable) => {
    const { bodyIsOptional } = request.routeOptions.config
    if (bodyIsOptional !== true || !(await isEmpty(body)))
      throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()
  })
}

/**
 * Looks at the first piece only. The rest flows on, unread: it must not hold up what follows on the connection. One that
 * is cut off is not empty.
 */
function isEmpty(body: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    body.once('data', () => resolve(false))
    finished(body, (error) => resolve(!error))
  })
}

function read(request: FastifyRequest, body: Buffer): unknown {
  if (!isPlain(request.headers['content-encoding'])) throw new ProblemError(UNSUPPORTED_CODING)
  const { bodyIsOptional, itemList } = request.routeOptions.config
  if (body.length === 0 && bodyIsOptional === true) return undefined
  return itemList === undefined ? parseBody(body) : parseItems(body, itemList.name, itemList.most, parseBody)
}

function isPlain(coding: string | undefined): boolean {
  return coding === undefined || /^(?:identity)?$/i.test(coding.trim())
}

/** @throws Error with the code of Fastify's for a body that is not JSON, TimerError, ProblemError */
function parseBody(body: Buffer): unknown {
  if (body.length === 0) throw new errorCodes.FST_ERR_CTP_EMPTY_JSON_BODY()
  if (!isUtf8(body)) throw new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY()
  const { tooDeep, repeated, payload } = scanBody(body)
  if (tooDeep === 'payload') {
    throw new TimerError(
      'INVALID_PAYLOAD',
      `payload must be nested at most ${MAX_PAYLOAD_DEPTH} levels deep`,
      { field: 'payload' },
    )
  }
  if (tooDeep === 'body') {
    throw new ProblemError(
      problem('INVALID_JSON', `the body must be nested at most ${MAX_PAYLOAD_DEPTH} levels deep`),
    )
  }
  const parsed = parseJson(body)
  if (repeated !== undefined) {
    const name = shortName(repeated.name)
    const field = shortName(repeated.field ?? repeated.name)
    const message =
      repeated.field === undefined ? `${name} must be given once` : `${field} must name ${name} once`
    throw new ProblemError(problem('INVALID_BODY', message, [{ field, message }]))
  }
  return payload === undefined ? parsed : Object.assign(parsed as object, { payload })
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY()
  }
}
