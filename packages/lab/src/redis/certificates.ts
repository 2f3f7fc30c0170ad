import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TlsFiles } from '@timers/local-redis'
import { generate } from 'selfsigned'

export interface CertificateOptions {
  /** Default: it holds for long. */
  readonly expired?: boolean
  /** The only name that it is for. Default: it is for 127.0.0.1 and localhost. */
  readonly host?: string
}

/** Makes a CA and a certificate by it, as files in a folder. */
export async function makeCertificates(
  folder: string,
  { expired = false, host }: CertificateOptions = {},
): Promise<TlsFiles> {
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
    ...(expired && { notBeforeDate: daysAgo(2), notAfterDate: daysAgo(1) }),
    extensions: [
      { name: 'basicConstraints', cA: false },
      {
        name: 'subjectAltName',
        altNames:
          host === undefined
            ? [
                { type: 2, value: 'localhost' },
                { type: 7, ip: '127.0.0.1' },
              ]
            : [{ type: 2, value: host }],
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

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * 86_400_000)
}
