/** Files of a server's TLS, as PEM. */
export interface TlsFiles {
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

/** Who may talk to the nodes, and how. By default anybody on this machine, in the clear. */
export interface NodeSecurity {
  /** Password of the default user; nodes log in to one another with it. */
  readonly password?: string
  /** More users, as ACL rules: `[['timers', 'on', '>secret', '~*', '+@all']]`. */
  readonly users?: readonly (readonly string[])[]
  /** A port for TLS beside the plain one, for clients; the nodes speak TLS among themselves. */
  readonly tls?: TlsFiles
}

/** The settings of a node for it, one a line. */
export function securityLines(
  { password, users = [], tls }: NodeSecurity,
  tlsPort: number | undefined,
): string[][] {
  const login =
    password === undefined
      ? []
      : [
          ['requirepass', password],
          ['masterauth', password],
        ]
  return [...login, ...users.map((rules) => ['user', ...rules]), ...tlsLines(tls, tlsPort)]
}

/** What Redis and Sentinel both need for TLS. Clients need no certificate of their own. */
export function tlsLines(tls: TlsFiles | undefined, tlsPort: number | undefined): string[][] {
  if (tls === undefined) return []
  return [
    ['tls-port', String(tlsPort)],
    ['tls-ca-cert-file', tls.caFile],
    ['tls-cert-file', tls.certFile],
    ['tls-key-file', tls.keyFile],
    ['tls-auth-clients', 'no'],
    ['tls-replication', 'yes'],
  ]
}

/** Lines of a configuration as redis-server's command line has them. */
export function asArguments(lines: readonly (readonly string[])[]): string[] {
  return lines.flatMap(([name, ...values]) => [`--${name}`, ...values])
}
