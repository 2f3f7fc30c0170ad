/** A `GET` of the dashboard with a name and a password. */
export function getWithLogin(url: string, user: string, password: string): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(10_000) })
}
