import { TimerError } from './errors.ts'

/** Longest URL that is accepted, in characters. */
export const MAX_URL_LENGTH = 2_048

function refuse(message: string): never {
  throw new TimerError('INVALID_URL', message, { field: 'url' })
}

/**
 * Checks a URL that a client wants called, and returns it parsed. What is kept is the text as it was written.
 *
 * http or https, a host, no user info (it would become a Basic header), at most 2,048 characters. It is
 * checked *after* parsing: `new URL()` makes decimal, octal, hex and full-width hosts canonical. Whether the
 * address may be reached is decided at connect time, not here.
 *
 * @throws TimerError `INVALID_URL`; the message never quotes the URL
 */
export function parseTargetUrl(text: string): URL {
  if (text.length > MAX_URL_LENGTH) refuse(`url must be at most ${MAX_URL_LENGTH} characters long`)
  // The URL parser would silently drop these; a URL that says one thing and does another is refused.
  if (hasControlOrSpace(text))
    refuse('url must not contain spaces or control characters; percent-encode them')
  // Half of a surrogate pair cannot be sent, and Redis's scripts could not read the timer.
  if (/\p{Surrogate}/u.test(text)) refuse('url must not contain half characters: lone surrogates')
  if (!/^https?:\/\//i.test(text)) refuse('url must be an absolute URL that starts with http:// or https://')
  // The URL parser would skip more slashes, and take the first folder for the host.
  if (/^https?:\/\/[/\\]/i.test(text)) refuse('url must name a host, such as https://example.com/hook')
  const url = parsed(text)
  if (url === undefined) refuse('url must be a valid URL, such as https://example.com/hook')
  if (url.hostname === '') refuse('url must name a host, such as https://example.com/hook')
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?#]*@/i.test(text)) {
    refuse('url must not contain a user name or password')
  }
  if (url.port === '0') refuse('url must name a port from 1 to 65535, or none')
  return url
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

function hasControlOrSpace(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code <= 0x20 || code === 0x7f) return true
  }
  return false
}

/**
 * The URL that is called for a timer: `/id` appended to the path, the query kept, the fragment dropped,
 * slashes never doubled. `https://a.b/c?x=1#f` and 7 give `https://a.b/c/7?x=1`.
 */
export function webhookUrl(targetUrl: string, id: number): URL {
  const url = new URL(targetUrl)
  // Not by a regular expression: `/\/+$/` takes milliseconds for a long row of slashes that does not end the path.
  const { pathname } = url
  let end = pathname.length
  while (pathname[end - 1] === '/') end -= 1
  url.pathname = `${pathname.slice(0, end)}/${id}`
  url.hash = ''
  return url
}

/** The URL that is called for a callback: as it was given, without the fragment, which never leaves a client. */
export function callbackUrl(targetUrl: string): URL {
  const url = new URL(targetUrl)
  url.hash = ''
  return url
}

/** Scheme, host and port of a URL: what may stand in a log. Never its path, query or user info. */
export function originOf(targetUrl: string): string {
  return parsed(targetUrl)?.origin ?? 'invalid'
}
