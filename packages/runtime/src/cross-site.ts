/** The headers of a request that tell which page a browser sent it for. */
export interface PageHeaders {
  readonly host?: string | undefined
  readonly origin?: string | undefined
  readonly 'sec-fetch-site'?: string | readonly string[] | undefined
  readonly 'sec-fetch-mode'?: string | readonly string[] | undefined
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': ':80', 'https:': ':443' }
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether a browser sent this request for a page of another origin: such a page may neither change nor read anything,
 * whoever looks at it and whatever that person's browser can reach. Pure.
 *
 * - `Sec-Fetch-Site` is the browser's own word, which no page can set: `same-origin` is ours, and `none` is a person
 *   (address bar, bookmark). It is believed before `Origin`, because a proxy may have changed `Host`.
 * - Where it is missing (browsers send it to https and localhost only), an `Origin` must be the host that was asked.
 *   Behind a proxy that hands `Host` on, this holds whatever the scheme is.
 * - A link from elsewhere may be followed: a navigation by GET changes nothing, and its answer is for the person.
 * - What is no browser sends none of these headers, and is let through.
 *
 * A page whose name was turned to our address (DNS rebinding) counts as ours here: see `createHostCheck`.
 * https://www.w3.org/TR/fetch-metadata/
 */
export function isCrossSite(method: string, headers: PageHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site === undefined) return headers.origin !== undefined && !isOwnOrigin(headers.origin, headers.host)
  if (site === 'same-origin' || site === 'none') return false
  if (site === 'same-site' && headers.origin !== undefined && isOwnOrigin(headers.origin, headers.host)) {
    return false
  }
  return !(SAFE_METHODS.has(method) && headers['sec-fetch-mode'] === 'navigate')
}

/** `null`, the origin of sandboxed pages and of files, is nobody's. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  const [scheme = '', authority = ''] = origin.toLowerCase().split('//', 2)
  const asked = host?.toLowerCase()
  return authority !== '' && (authority === asked || `${authority}${DEFAULT_PORTS[scheme]}` === asked)
}
