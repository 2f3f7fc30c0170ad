import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeSecurity, TlsFiles } from '@timers/local-redis'
import { generate } from 'selfsigned'

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
}

/** The security of nodes under test. Where there is a user, the default one has a password that only the laboratory knows. */
export async function testSecurity(
  folder: string,
  { user, tls = false }: TestSecurityOptions,
): Promise<NodeSecurity> {
  return {
    ...(tls ? { tls: await makeCertificates(folder) } : {}),
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

/** A CA, and a certificate by it for 127.0.0.1 and localhost. */
async function makeCertificates(folder: string): Promise<TlsFiles> {
  const ca = await generate([{ name: 'commonName', value: 'CA of the laboratory' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  const files = { caFile: 'ca.pem', certFile: 'server.pem', keyFile: 'server.key' }
  const [caFile, certFile, keyFile] = [files.caFile, files.certFile, files.keyFile].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  await writeFile(caFile, ca.cert)
  await writeFile(certFile, server.cert)
  await writeFile(keyFile, server.private, { mode: 0o600 })
  return { caFile, certFile, keyFile }
}
