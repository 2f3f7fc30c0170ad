import { randomBytes } from 'node:crypto'
import type { NodeSecurity } from '@timers/local-redis'
import { type CertificateOptions, makeCertificates } from './certificates.ts'

/** A user for the services, the only way in beside the laboratory's own. */
export interface TestUser {
  readonly name: string
  readonly password: string
  /** What it may do, as ACL rules: `['~*', '&*', '+@all']`. */
  readonly rules: readonly string[]
}

export interface TestSecurityOptions {
  /** Default: anybody may do anything without a password. */
  readonly user?: TestUser
  /** With certificates of a CA of the test's own (`caFile`); the URL is one for TLS. Not together with `network`. */
  readonly tls?: boolean
  /** Of the nodes, with `tls`. */
  readonly certificate?: CertificateOptions
}

/** The security of nodes under test. Where there is a user, the default one has a password that only the laboratory knows. */
export async function testSecurity(
  folder: string,
  { user, tls = false, certificate }: TestSecurityOptions,
): Promise<NodeSecurity> {
  return {
    ...(tls ? { tls: await makeCertificates(folder, certificate) } : {}),
    ...(user === undefined
      ? {}
      : {
          password: randomBytes(12).toString('hex'),
          users: [[user.name, 'on', `>${user.password}`, ...user.rules]],
        }),
  }
}

/** The URL with the user in it. */
export function urlFor(url: string, user: TestUser | undefined): string {
  if (user === undefined) return url
  const [name, password] = [user.name, user.password].map(encodeURIComponent)
  return url.replace('://', `://${name}:${password}@`)
}
