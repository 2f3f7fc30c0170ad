import { table } from './address-range.ts'

/** Whole ranges that no setting opens: every link-local address, where most clouds serve their metadata. */
export const LINK_LOCAL = table([
  ['169.254.0.0/16', 'link-local', 'RFC 3927'],
  ['fe80::/10', 'link-local', 'RFC 4291'],
])

/**
 * Where clouds answer machines with credentials and secrets. No setting opens them.
 *
 * Those inside the link-local ranges stand here too: so that they are known where a translator hides them. AWS, Azure,
 * DigitalOcean, Exoscale, Google, OpenStack, Oracle, Vultr and others all use 169.254.169.254. "report" as the source
 * means that we were told, or found it in the lists of others, and found no document of the cloud's own.
 */
export const METADATA = table([
  [
    '169.254.169.254/32',
    'most clouds',
    'AWS EC2 user guide, instance metadata; OpenStack administrator guide, metadata service',
  ],
  [
    '169.254.170.2/32',
    'AWS: credentials of ECS tasks',
    'AWS ECS developer guide, task metadata endpoint version 2',
  ],
  ['169.254.170.23/32', 'AWS: credentials of EKS pods', 'AWS EKS user guide, EKS Pod Identity'],
  ['169.254.42.42/32', 'Scaleway', 'cloud-init, Scaleway datasource'],
  ['169.254.0.23/32', 'Tencent Cloud', 'report'],
  ['168.63.129.16/32', 'Azure: WireServer', 'Azure documents, What is IP address 168.63.129.16?'],
  ['100.100.100.200/32', 'Alibaba Cloud', 'cloud-init, AliYun datasource'],
  [
    '192.0.0.192/32',
    'Oracle Cloud Classic',
    'Oracle Cloud at Customer documents, Retrieve Predefined Instance Metadata',
  ],
  ['fd00:ec2::/32', 'AWS: metadata, pod credentials, DNS and time', 'AWS EC2 user guide, instance metadata'],
  ['fd20:ce::254/128', 'Google Cloud', 'report'],
  ['fd00:c1::a9fe:a9fe/128', 'Oracle Cloud', 'report'],
  ['fd00:42::42/128', 'Scaleway', 'cloud-init, Scaleway datasource'],
  ['fd00:a9fe:a9fe::1/128', 'Akamai (Linode)', 'cloud-init, Akamai datasource'],
  ['fd00:100::100:200/128', 'Alibaba Cloud', 'cloud-init issue 6892, AliYun datasource'],
])
